// No daemon answers: the doctor says why, from outside.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "requestor/doctor/diagnosis.hpp"
#include "tests/daemon/doctor/doctor_fixture.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t kOther = 12345;

class SilentDaemon : public DoctorTest {
 protected:
  // Carries out a remedy that stays in the foreground.
  void start_by(const std::string& remedy) {
    if (remedy.starts_with("systemctl")) GTEST_SKIP() << "the remedy is this machine's systemd's";
    ChildOptions options;
    options.command = {"/bin/sh", "-c", "exec " + remedy};
    auto child = ChildProcess::start(options);
    ASSERT_TRUE(child.ok()) << child.error().what();
    started_ = std::move(child).value();
  }
  // What a daemon leaves that had everything.
  void leave_folders() {
    start();
    ASSERT_TRUE(daemon_.stop().ok());
  }

  std::unique_ptr<ChildProcess> started_;
};

TEST_F(SilentDaemon, OneThatWasNeverStartedIsStartedByTheRemedy) {
  const Finding silent = complete(find("daemon.silent", "requestor.sock"), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("not started"));
  EXPECT_TRUE(find("config.valid")) << "what could keep it was looked at";
  start_by(silent.remedy);
  EXPECT_TRUE(comes("daemon.answers"));
}

TEST_F(SilentDaemon, OneThatWasKilledLeavesASocketThatTheNextTakesOver) {
  start();
  daemon_.kill();
  const Finding silent = complete(find("daemon.silent", "requestor.sock"), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("killed"));
  start_by(silent.remedy);
  EXPECT_TRUE(comes("daemon.answers"));
}

TEST_F(SilentDaemon, OneThatIsStoppedGoesOn) {
  start();
  stop_process(daemon_.pid());
  patience_ = 200ms;
  const Finding silent = complete(find("daemon.silent"), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("stopped"));
  carry_out(silent.remedy);
  patience_ = 20s;
  EXPECT_TRUE(find("daemon.answers"));
}

TEST_F(SilentDaemon, OneThatStopsInTheMiddleIsNotWaitedForLong) {
  start();
  auto channel = daemon_.connect();
  ASSERT_TRUE(channel.ok());
  stop_process(daemon_.pid());
  requestor::WhereToLook where;
  where.socket = daemon_.socket_dir() + "/requestor.sock";
  where.patience = 200ms;
  const Findings findings =
      requestor::diagnose(std::shared_ptr<RequestorChannel>(std::move(channel).value()), where);
  const Finding silent = complete(find(findings, "daemon.silent"), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("stopped"));
  EXPECT_FALSE(find(findings, "daemon.answers"));
  carry_out(silent.remedy);
  EXPECT_TRUE(find("daemon.answers"));
}

TEST_F(SilentDaemon, AConfigurationThatIsWrongIsNamedByLine) {
  configure("[limits]\nlease_ms = 'soon'\n");
  const Finding invalid = complete(find("config.invalid"), Severity::problem);
  EXPECT_THAT(invalid.what, HasSubstr("stillframe.toml:4: 'lease_ms'"));
  configure("");
  EXPECT_FALSE(find("config.invalid"));
}

TEST_F(SilentDaemon, FoldersOfAnotherUserAreGivenBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "files of another user can only be made by root";
  leave_folders();
  // The daemon's user is the state folder's: somebody started it as root for once.
  ASSERT_EQ(::chown((folder() + "/state").c_str(), kOther, kOther), 0);
  const Finding runtime = complete(find("folder.owner", "/run"), Severity::problem);
  carry_out(runtime.remedy);
  const Finding journal = complete(find("folder.owner", "/state/"), Severity::problem);
  carry_out(journal.remedy);
  EXPECT_FALSE(find("folder.owner"));
}

TEST_F(SilentDaemon, FoldersThatOthersMayWriteAreClosed) {
  leave_folders();
  ASSERT_EQ(::chmod((folder() + "/state").c_str(), 0777), 0);
  const Finding open = complete(find("folder.mode", "/state"), Severity::problem);
  carry_out(open.remedy);
  EXPECT_FALSE(find("folder.mode"));
  start();
}

TEST_F(SilentDaemon, AFolderThatCannotBeMadeIsMadeByTheRemedy) {
  std::ofstream(folder() + "/state") << "in the way";
  const Finding file = complete(find("folder.no_folder", "/state"), Severity::problem);
  carry_out(file.remedy);
  EXPECT_FALSE(find("folder.no_folder"));
  EXPECT_TRUE(find("folder.missing", "/state")) << "which the start makes";
  start();
}

TEST_F(SilentDaemon, AFileInTheSocketsPlaceIsMovedAway) {
  leave_folders();
  std::ofstream(daemon_.socket_dir() + "/writer.sock") << "no socket";
  const Finding file = complete(find("socket.in_the_way", "writer.sock"), Severity::problem);
  carry_out(file.remedy);
  EXPECT_FALSE(find("socket.in_the_way"));
}

TEST_F(SilentDaemon, AnotherCoordinatorInItsStateFolderIsNamed) {
  RunningDaemon other;
  other.configure(config(""));
  Status s = other.start();
  ASSERT_TRUE(s.ok()) << s.error().what();
  daemon_.drop_in("10.toml", "[daemon]\nstate_dir = \"" + other.base() + "/state\"\n");
  const Finding taken = complete(find("folder.taken", "/state"), Severity::problem);
  EXPECT_EQ(taken.remedy, "kill " + std::to_string(other.pid()));
  carry_out(taken.remedy);
  ASSERT_TRUE(other.wait().ok());
  EXPECT_FALSE(find("folder.taken"));
}

// The kernel keeps the user of the thread that connects.
class AsOther {
 public:
  AsOther() { ::syscall(SYS_setresuid, -1, kOther, -1); }
  ~AsOther() { ::syscall(SYS_setresuid, -1, 0, -1); }
  AsOther(const AsOther&) = delete;
  AsOther& operator=(const AsOther&) = delete;
};

TEST_F(SilentDaemon, WhoHasNoRightIsToldHowToGetSome) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user can only be played by root";
  ::chmod(folder().c_str(), 0755);
  start();
  Finding denied;
  {
    const AsOther other;
    denied = complete(find("daemon.denied"), Severity::problem);
  }
  EXPECT_THAT(denied.remedy, HasSubstr("kill -HUP " + std::to_string(daemon_.pid())));
  configure("[[allow]]\nusers = [\"" + std::to_string(kOther) + "\"]\nrights = [\"look\"]\n");
  daemon_.signal(SIGHUP);
  ASSERT_TRUE(daemon_.logged("was read again"));
  const AsOther other;
  EXPECT_TRUE(find("daemon.answers"));
}

TEST_F(SilentDaemon, WhoMayNotConnectIsToldSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user can only be played by root";
  ::chmod(folder().c_str(), 0755);
  daemon_.drop_in("10.toml", "[daemon]\nopen_to_all = false\n");
  start();
  const AsOther other;
  const Finding closed = complete(find("daemon.closed"), Severity::problem);
  EXPECT_THAT(closed.cause, HasSubstr("open_to_all"));
}

}  // namespace
}  // namespace stillframe::tests
