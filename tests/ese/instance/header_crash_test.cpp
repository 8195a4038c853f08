// A machine that stops while a header is written, on a file in which an earlier crash has left one
// of the copies torn or old: the header that was believed is there, or the new one.
#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/engine/database_store.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese::tests {
namespace {

using stillframe::tests::CrashingFiles;

const BytePath kFile = "/db/one.edb";
constexpr std::size_t kPage = 4096, kSector = 512;

// Headers that differ in more than one sector, so that a write of one over another can be torn.
DatabaseHeader header_with(std::uint32_t number) {
  DatabaseHeader header;
  header.page_bytes = kPage;
  set_state(header, DbState::dirty_shutdown, Generation{1}, Generation{1});
  header.dbid = number;
  header.engine_version = number * 0x10001;
  return header;
}

enum class Before { second_torn, first_torn, second_old };

Status write_in_store(CrashingFiles& files, const DatabaseHeader& header) {
  auto file = files.open(kFile, FileAccess::write);
  return DatabaseStore(std::move(file).value(), kPage).write_header(header);
}

void make_journal(CrashingFiles& files, const DatabaseHeader& header) {
  auto journal = RecoveryJournal::create(files, kFile, kPage);
  ASSERT_TRUE(journal.ok());
  Blob page(kPage);
  seal_header(header, page);
  ASSERT_TRUE(journal.value().write(Pgno::null, page).ok());
  ASSERT_TRUE(journal.value().complete(2 * kPage).ok());
}

Status carry_journal(CrashingFiles& files, const DatabaseHeader&) {
  const auto carried = carry_over(files, kFile);
  return carried.ok() ? Status(Ok{}) : Status(carried.error());
}

class HeaderCrash : public ::testing::TestWithParam<Before> {
 protected:
  // A database of its two copies, as the earlier crash left it.
  void SetUp() override {
    Blob old(kPage), believed(kPage);
    seal_header(old_, old);
    seal_header(believed_, believed);
    Blob torn = old;
    std::copy_n(believed.begin(), kSector, torn.begin());
    const Blob& first = GetParam() == Before::first_torn ? torn : believed;
    const Blob& second = GetParam() == Before::first_torn    ? believed
                         : GetParam() == Before::second_torn ? torn
                                                             : old;
    auto file = files_.create(kFile);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->write(0, first).ok());
    ASSERT_TRUE(file.value()->write(kPage, second).ok());
    ASSERT_TRUE(file.value()->sync().ok());
    ASSERT_TRUE(files_.sync_directory("/db").ok());
    ASSERT_EQ(found(files_), number(believed_));
  }

  static std::uint32_t number(const DatabaseHeader& header) { return header.dbid; }

  // The number of the header that the file has.
  static std::uint32_t found(CrashingFiles& files) {
    const auto header = read_database_header(files, kFile);
    if (header.ok() && header.value()) return number(header.value()->header);
    ADD_FAILURE() << (header.ok() ? "there is no file" : header.error().what());
    return 0;
  }

  void stop_everywhere(Status (*write)(CrashingFiles&, const DatabaseHeader&)) {
    std::mt19937_64 random(1);
    bool whole = false;
    for (std::uint64_t at = 1; !whole && !HasFailure(); ++at) {
      // A quarter of the writes are kept, a quarter dropped, and half of them may be torn.
      for (int fate = 0; fate < 32 && !HasFailure(); ++fate) {
        SCOPED_TRACE("stopped at operation " + std::to_string(at));
        const auto files = files_.after_crash(random, kSector);
        files->stop_at(at);
        whole = write(*files, new_).ok();
        const auto after = files->after_crash(random, kSector);
        const std::uint32_t is = found(*after);
        EXPECT_TRUE(is == number(new_) || (!whole && is == number(believed_))) << is;
      }
    }
  }

  const DatabaseHeader old_ = header_with(1), believed_ = header_with(2), new_ = header_with(3);
  CrashingFiles files_;
};

TEST_P(HeaderCrash, AStoreAlwaysLeavesAHeader) {
  stop_everywhere(write_in_store);
}

TEST_P(HeaderCrash, AJournalThatIsCarriedOverAlwaysLeavesAHeader) {
  make_journal(files_, new_);
  stop_everywhere(carry_journal);
}

INSTANTIATE_TEST_SUITE_P(AfterAnEarlierCrash, HeaderCrash,
                         ::testing::Values(Before::second_torn, Before::first_torn,
                                           Before::second_old));

}  // namespace
}  // namespace stillframe::ese::tests
