#include "writers/ese/backup/backup_logs.hpp"

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {
namespace {

LogRange range(int first, int end) {
  return {Generation{first}, Generation{end}};
}

// Logs 3 to 9 are there, 10 has just begun, the checkpoint is in 7.
LogSituation situation(bool logs_only) {
  return {logs_only, Generation{6}, Generation{3}, Generation{7}, Generation{10}, {}};
}

TEST(BackupLogs, AFullBackupCopiesFromTheCheckpointAndLetsGoWhatIsBeforeIt) {
  LogSituation now = situation(false);
  now.databases = {{"a", Generation::none, Generation::none, true}};
  const auto logs = plan_backup_logs(now);
  ASSERT_TRUE(logs.ok());
  EXPECT_EQ(logs.value(), (BackupLogs{range(6, 10), range(3, 7)}));
}

TEST(BackupLogs, ADatabaseThatIsNotInTheBackupKeepsWhatCameSinceItsOwn) {
  LogSituation now = situation(false);
  now.databases = {{"a", Generation::none, Generation::none, true},
                   {"b", Generation{5}, Generation{8}, false}};
  EXPECT_EQ(plan_backup_logs(now).value().remove, range(3, 5));
  now.databases[1].full_high = Generation::none;
  EXPECT_TRUE(plan_backup_logs(now).value().remove.empty()) << "one without any keeps all";
}

TEST(BackupLogs, ABackupOfLogsCopiesAllAndDoesNotAskWhatWasCopied) {
  LogSituation now = situation(true);
  now.databases = {{"a", Generation{2}, Generation::none, false}};
  EXPECT_EQ(plan_backup_logs(now).value(), (BackupLogs{range(3, 10), range(3, 7)}));
}

TEST(BackupLogs, ABackupOfLogsIsRefusedWhenALogIsInNoBackup) {
  LogSituation now = situation(true);
  now.databases = {{"a", Generation{2}, Generation::none, false},
                   {"b", Generation{1}, Generation::none, false}};
  const auto logs = plan_backup_logs(now);
  ASSERT_FALSE(logs.ok());
  EXPECT_TRUE(is(logs.error(), EseErr::missing_file_to_backup)) << logs.error().what();
  EXPECT_NE(logs.error().what().find("'b'"), std::string::npos) << logs.error().what();
  now.databases[1].incremental_high = Generation{2};
  EXPECT_TRUE(plan_backup_logs(now).ok()) << "an incremental one covers it";
}

TEST(BackupLogs, OnlyFinishedLogsOfTheSequenceAreFound) {
  stillframe::tests::CrashingFiles files;
  for (const char* name : {"/log/edb.log", "/log/edb00007.log", "/log/edb0000000A.log",
                           "/log/edbtmp.log", "/log/abc00008.log", "/log/edb.chk"}) {
    ASSERT_TRUE(files.create(name).ok());
  }
  const auto logs = archived_logs(files, "/log", "edb");
  ASSERT_TRUE(logs.ok());
  EXPECT_EQ(logs.value(),
            (std::map<Generation, BytePath>{{Generation{7}, "/log/edb00007.log"},
                                            {Generation{10}, "/log/edb0000000A.log"}}));
}

}  // namespace
}  // namespace stillframe::ese
