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

constexpr int kRowsSince = 20;

// Of everything, or of one database beside one that stays.
enum class Restored { all, one };

class MidRestore : public testing::TestWithParam<Restored> {
 protected:
  void SetUp() override {
    rows_.create();
    rows_.add_rows(kRowsOfTheBackup);
    copy(app_, backup_);  // as a crash now would leave it: recovery has something to do
    rows_.add_rows(kRowsSince);
    RestoreView restore;
    BackupComponent& head = restore.components.emplace_back();
    head.name = log_stream_component();
    head.restore.emplace().selected = true;
    if (GetParam() == Restored::one) {
      head.restore->subcomponents = {logs_component(), component_of(rows_.database(0))};
      head.restore->new_targets.push_back(
          {rows_.logs(), log_pattern(rows_.hosted().places()), false, staged_, {}});
    }
    const Status begun = writer_.pre_restore(call_, restore);
    ASSERT_TRUE(begun.ok()) << begun.error().what();
    ASSERT_TRUE(writer_.restore_register(call_, {}, {}).ok());
  }
  static void copy(const std::string& from, const std::string& to) {
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  void put_files_in_place() {
    if (GetParam() == Restored::all) {
      copy(backup_, app_);
    } else {
      copy(backup_ + "/logs", staged_);
      copy(backup_ + "/one.edb", rows_.database(0));
    }
    ASSERT_TRUE(writer_.restore_complete(call_, log_stream_component(), Ok{}).ok());
  }
  void expect_restored() {
    const bool all = GetParam() == Restored::all;
    rows_.expect_rows_each(kRowsOfTheBackup, kRowsOfTheBackup + (all ? 0 : kRowsSince));
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
  const std::string world_ = folder_ / "world", app_ = world_ + "/app",
                    staged_ = world_ + "/staged", backup_ = folder_ / "backup",
                    kept_ = folder_ / "kept";
  tests::HostedRows rows_{app_};
  EseWriter writer_{rows_.hosted(), "rows"};
  std::unique_ptr<Files> tests_files_;
  CallContext call_{SessionId::generate(), Deadline(BootTime()), nullptr, nullptr};
};
INSTANTIATE_TEST_SUITE_P(Of, MidRestore, testing::Values(Restored::all, Restored::one),
                         [](const auto& of) {
                           return of.param == Restored::all ? "everything" : "one_database";
                         });

TEST_P(MidRestore, AStartBeforeEveryFileIsInPlaceIsRefused) {
  rows_.hosted().let_go();
  const Status opened = rows_.hosted().open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::interlocked);
  EXPECT_THAT(opened.error().what(), testing::HasSubstr("stillframe restore"));
}

TEST_P(MidRestore, AStartThatWasStoppedAnywhereIsMadeUpForByTheNext) {
  put_files_in_place();
  rows_.hosted().let_go();
  copy(world_, kept_);
  // Every change at first, where the record and the logs are dealt with, and then some of them.
  for (std::int64_t changes = 0;; changes += changes < 6 ? 1 : 11) {
    SCOPED_TRACE("stopped after " + std::to_string(changes) + " changes");
    fs::remove_all(world_);
    copy(kept_, world_);
    const bool stopped = stopped_after(changes);
    const Status opened = rows_.hosted().open();
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    expect_restored();
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
