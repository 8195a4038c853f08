// Starts of an instance whose files are being put back, or just were, stopped at any change.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/ese/writer/hosted_rows.hpp"
#include "tests/io/support/stopping_files.hpp"
#include "writers/ese/writer/ese_writer.hpp"

namespace stillframe::ese {
namespace {

namespace fs = std::filesystem;

constexpr int kRowsOfTheBackup = 40;

class MidRestore : public testing::Test {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(kRowsOfTheBackup);
    copy(app_, backup_);  // as a crash now would leave it: recovery has something to do
    rows_.add_rows(20);
    RestoreView restore;
    BackupComponent& head = restore.components.emplace_back();
    head.name = {"", "Instance"};
    head.restore.emplace().selected = true;
    ASSERT_TRUE(writer_.pre_restore(call_, restore).ok());
    ASSERT_TRUE(writer_.restore_register(call_, {}, {}).ok());
  }
  static void copy(const std::string& from, const std::string& to) {
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  void put_files_in_place() {
    copy(backup_, app_);
    ASSERT_TRUE(writer_.restore_complete(call_, {"", "Instance"}, Ok{}).ok());
  }
  // True when the start came to its end before that many changes were made.
  bool stopped_after(std::int64_t changes) {
    tests_files_ = posix_files();
    stillframe::tests::StoppingFiles files(*tests_files_, changes);
    HostedInstance hosted(files, rows_.hosted().options(), rows_.hosted().databases());
    const Status opened = hosted.open();
    EXPECT_EQ(opened.ok(), !files.stopped()) << (opened.ok() ? "" : opened.error().what());
    return files.stopped();
  }

  tool::TestFolder folder_;
  const std::string app_ = folder_ / "app", backup_ = folder_ / "backup", kept_ = folder_ / "kept";
  tests::HostedRows rows_{app_};
  EseWriter writer_{rows_.hosted(), "rows"};
  std::unique_ptr<Files> tests_files_;
  CallContext call_{SessionId::generate(), Deadline(BootTime()), nullptr, nullptr};
};

TEST_F(MidRestore, AStartBeforeEveryFileIsInPlaceIsRefused) {
  rows_.hosted().let_go();
  const Status opened = rows_.hosted().open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::interlocked);
  EXPECT_THAT(opened.error().what(), testing::HasSubstr("stillframe restore"));
}

TEST_F(MidRestore, AStartThatWasStoppedAnywhereIsMadeUpForByTheNext) {
  put_files_in_place();
  rows_.hosted().let_go();
  copy(app_, kept_);
  // Every change at first, where the record and the logs are dealt with, and then some of them.
  for (std::int64_t changes = 0;; changes += changes < 6 ? 1 : 11) {
    SCOPED_TRACE("stopped after " + std::to_string(changes) + " changes");
    fs::remove_all(app_);
    copy(kept_, app_);
    const bool stopped = stopped_after(changes);
    const Status opened = rows_.hosted().open();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    rows_.expect_rows(kRowsOfTheBackup);
    ASSERT_TRUE(rows_.hosted().close().ok());
    rows_.hosted().let_go();
    if (!stopped) {
      EXPECT_GT(changes, 11) << "next to nothing was stopped";
      break;
    }
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace stillframe::ese
