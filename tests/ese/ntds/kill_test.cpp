// A process that is killed between the calls of a restore: what the next one finds.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/ese/ntds/directory_application.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"

namespace stillframe::ese::tests {
namespace {

namespace fs = std::filesystem;

class DsKillTest : public DirectoryApplication {
 protected:
  void SetUp() override {
    DirectoryApplication::SetUp();
    stored_ = back_up(sets_.file("set"));
    end();
  }
  void TearDown() override {
    if (instance_ != JET_instanceNil) DirectoryApplication::TearDown();
  }
  // In a process of its own, which is killed when it has done this. No thread runs here meanwhile.
  void in_killed_process(const std::function<bool()>& what) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      instance_ = instance_in(folder_.path(), "application");
      if (what()) ::raise(SIGKILL);
      std::_Exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a call failed before the process was killed";
  }
  bool register_here(HBC* handle) {
    return prepare_restore(stored_.token, handle) == hrNone &&
           registration(stored_).with(*handle) == hrNone;
  }
  void restore_mode() { instance_ = instance_in(folder_.path(), "application"); }

  JetFolder sets_;
  StoredBackup stored_;
};

TEST_F(DsKillTest, AfterTheRegistrationTheServerDoesNotStartUntilItIsResumed) {
  in_killed_process([this] {
    HBC handle = nullptr;
    return register_here(&handle);
  });
  restore_mode();
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  HBC handle = nullptr;
  ASSERT_EQ(prepare_restore(stored_.token, &handle), hrNone);
  EXPECT_EQ(registration(stored_).with(handle), hrRestoreInProgress);
  copy_files(stored_);
  EXPECT_EQ(start(), JET_errRestoreInProgress);
  const auto files = posix_files();
  ASSERT_TRUE(resume_restore(*files, folder_.path()).ok());
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

TEST_F(DsKillTest, AnAbandonedOneMakesRoomForTheNext) {
  in_killed_process([this] {
    HBC handle = nullptr;
    if (!register_here(&handle)) return false;
    copy_files(stored_);
    return true;
  });
  restore_mode();
  const auto files = posix_files();
  ASSERT_TRUE(abandon_restore(*files, folder_.path()).ok());
  HBC handle = nullptr;
  ASSERT_TRUE(register_here(&handle));
  copy_files(stored_);
  ASSERT_EQ(DsRestoreRegisterComplete(handle, hrNone), hrNone);
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

TEST_F(DsKillTest, AfterTheCompletionTheServerStarts) {
  in_killed_process([this] {
    HBC handle = nullptr;
    if (!register_here(&handle)) return false;
    copy_files(stored_);
    return DsRestoreRegisterComplete(handle, hrNone) == hrNone;
  });
  restore_mode();
  ASSERT_JET(start());
  EXPECT_EQ(ids(), numbers(0, 40));
}

// Nobody can have another user's process in a test of an ordinary user.
TEST_F(DsKillTest, AProcessOfAnotherUserIsDenied) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::others_all);
  in_killed_process([this] {
    HBC handle = nullptr;
    return ::setresuid(65534, 65534, 65534) == 0 &&
           prepare_restore(stored_.token, &handle) == ERROR_ACCESS_DENIED;
  });
}

}  // namespace
}  // namespace stillframe::ese::tests
