// File systems that are frozen and should not be, or could be and must not.
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "framework/providers/guard/held_record.hpp"
#include "tests/daemon/doctor/doctor_fixture.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

class FrozenFileSystem : public DoctorTest {
 protected:
  void SetUp() override {
    std::string reason;
    LoopFsOptions options;
    options.image_bytes = std::uint64_t{64} << 20;
    loop_ = LoopFs::make(FsKind::ext4, reason, options);
    if (!loop_) GTEST_SKIP() << reason;
    root_ = Descriptor(::open(loop_->mount_point().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override {
    if (root_.valid()) (void)thaw();
  }
  bool freeze() { return ::ioctl(root_.get(), FIFREEZE, 0) == 0; }
  bool thaw() { return ::ioctl(root_.get(), FITHAW, 0) == 0; }

  // What a session leaves whose coordinator and both guards were killed in mid-hold.
  void leave_record() {
    guard::HeldRecord record;
    record.boot_id = guard::this_boot_id();
    record.client = record.keeper = record.holder = {1, 1};  // of that number, but never that old
    record.lease = std::chrono::milliseconds(200);
    record.file_systems.push_back(
        {guard::file_system_of(root_.get()).value(), loop_->mount_point()});
    auto written = guard::write_held_record(daemon_.socket_dir() + "/held", record);
    ASSERT_TRUE(written.ok()) << written.error().what();
  }

  std::unique_ptr<LoopFs> loop_;
  Descriptor root_;
};

TEST_F(FrozenFileSystem, AForeignFreezeIsFoundAndEndedByTheRemedy) {
  start();
  EXPECT_FALSE(find("file_system.frozen", loop_->mount_point()));
  ASSERT_TRUE(freeze());
  const Finding frozen =
      complete(find("file_system.frozen", loop_->mount_point()), Severity::problem);
  EXPECT_THAT(frozen.cause, HasSubstr("no session holds anything"));
  carry_out(frozen.remedy);
  EXPECT_FALSE(find("file_system.frozen", loop_->mount_point()));
  EXPECT_FALSE(thaw()) << "the remedy did it";
}

TEST_F(FrozenFileSystem, WhatADeadRunLeftFrozenIsThawedByTheRemedy) {
  start();
  ASSERT_TRUE(daemon_.stop().ok());
  leave_record();
  ASSERT_TRUE(freeze());
  const Findings findings = look();
  const Finding left =
      complete(find(findings, "hold.left", loop_->mount_point()), Severity::problem);
  EXPECT_THAT(left.remedy, HasSubstr("stillframe-guard thaw"));
  EXPECT_TRUE(find(findings, "file_system.frozen", loop_->mount_point()));
  carry_out(left.remedy);
  EXPECT_FALSE(find("hold.left"));
  EXPECT_FALSE(thaw()) << "the remedy did it";
}

TEST_F(FrozenFileSystem, ARecordThatNobodyCanReadIsNamed) {
  start();
  std::filesystem::create_directories(daemon_.socket_dir() + "/held");
  std::ofstream(daemon_.socket_dir() + "/held/odd") << "stillframe-held 99\n";
  const Finding odd = complete(find("hold.unreadable", "/held/odd"), Severity::problem);
  carry_out(odd.remedy);
  EXPECT_FALSE(find("hold.unreadable"));
}

TEST_F(FrozenFileSystem, AJournalOnAFileSystemThatIsFrozenForCutsIsNamed) {
  daemon_.drop_in("10.toml", "[daemon]\nstate_dir = \"" + loop_->mount_point() + "/state\"\n");
  std::filesystem::create_directories(loop_->mount_point() + "/state");
  std::filesystem::permissions(loop_->mount_point() + "/state", std::filesystem::perms(0700));
  const Finding held = complete(find("journal.may_be_held", "/state"), Severity::warning);
  EXPECT_THAT(held.what, HasSubstr(loop_->image()));
  std::filesystem::remove(daemon_.base() + "/conf/conf.d/10.toml");
  EXPECT_FALSE(find("journal.may_be_held"));
}

}  // namespace
}  // namespace stillframe::tests
