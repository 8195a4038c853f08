// Errors of backups and restores that come from files.
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "tests/ese/jet/backup_application.hpp"
#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

// Whatever call meets them: what the system refuses has a number of JET's.
TEST(JetErrorsOfFiles, HaveNumbersOfJet) {
  const std::pair<Errc, JET_ERR> expected[] = {
      {Errc::not_found, JET_errFileNotFound},
      {Errc::access_denied, JET_errFileAccessDenied},
      {Errc::no_space, JET_errDiskFull},
      {Errc::io, JET_errDiskIO},
      {Errc::truncated, JET_errDiskIO},
      {Errc::out_of_resources, JET_errOutOfMemory},
      {Errc::wrong_state, JET_errInstanceUnavailable},
  };
  for (const auto& [code, number] : expected) {
    EXPECT_EQ(jet::jet_number(Error(code, "a file")), number);
    const Error deeper = Error(code, "a file").while_doing("copying").while_doing("backing up");
    EXPECT_EQ(jet::jet_number(deeper), number) << "whatever it was met in";
  }
}

class JetBackupErrors : public BackupApplication {
 protected:
  void SetUp() override {
    BackupApplication::SetUp();
    work(0, 20);
    fs::create_directory(set_);
  }
  const std::string set_ = folder_.file("set");
};

// What nobody of this interface has put there is not taken away.
TEST_F(JetBackupErrors, ASetThatCannotBeRemovedStopsAnAtomicOne) {
  ASSERT_JET(back_up(set_, JET_bitBackupAtomic));
  const std::string first = contents_of(set_ + "/new/one.edb");
  const std::string other = set_ + "/old/folder/file";
  fs::create_directories(fs::path(other).parent_path());
  std::ofstream(other) << "somebody's";
  work(20, 30);
  const auto logs = logs_in(folder_.path());
  EXPECT_EQ(back_up(set_, JET_bitBackupAtomic), JET_errDeleteBackupFileFail);
  EXPECT_EQ(contents_of(set_ + "/new/one.edb"), first);
  EXPECT_TRUE(fs::exists(other));
  EXPECT_FALSE(fs::exists(set_ + "/temp"));
  for (const std::string& log : logs) EXPECT_TRUE(fs::exists(folder_.file(log))) << log;
  fs::remove_all(set_ + "/old");
  EXPECT_JET(back_up(set_, JET_bitBackupAtomic));
}

}  // namespace
}  // namespace stillframe::ese::tests
