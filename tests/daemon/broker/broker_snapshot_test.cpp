// A daemon that runs as nobody cuts real snapshots through the broker, and either of them dies in
// the middle.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/transport/peer.hpp"
#include "tests/daemon/broker/daemon_under_test.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::tests {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint64_t kKills = 6;

// A volume that the provider can cut, which an ordinary user can get to.
struct Disk {
  std::unique_ptr<LoopFs> outer;  // that the image of `fs` lies on, for the image provider
  std::unique_ptr<LoopFs> fs;
};

Disk make_disk(const std::string& provider, std::string& reason) {
  Disk disk;
  LoopFsOptions options;
  FsKind kind = provider == "btrfs" ? FsKind::btrfs : FsKind::xfs;
  if (provider == "image") {
    disk.outer = LoopFs::make(FsKind::xfs, reason);
    if (!disk.outer) return disk;
    ::chmod(parent_path(disk.outer->mount_point()).c_str(), 0755);
    options.image_bytes = std::uint64_t{64} << 20;
    options.image_directory = disk.outer->mount_point();
    kind = FsKind::ext4;
  }
  if (provider == "copy") kind = FsKind::ext4;
  disk.fs = LoopFs::make(kind, reason, options);
  if (disk.fs) ::chmod(parent_path(disk.fs->mount_point()).c_str(), 0755);
  return disk;
}

// False when the file system stays frozen: the write would never end.
bool can_be_written(const std::string& mount_point) {
  const pid_t writer = ::fork();
  if (writer == 0) {
    const int fd = ::open((mount_point + "/probe").c_str(), O_CREAT | O_WRONLY, 0600);
    ::_exit(fd >= 0 && ::write(fd, "x", 1) == 1 && ::fsync(fd) == 0 ? 0 : 1);
  }
  auto ended = open_pidfd(writer);
  pollfd about{ended.value().get(), POLLIN, 0};
  const bool in_time = ::poll(&about, 1, 10'000) == 1;
  if (!in_time) run_program({"fsfreeze", "-u", mount_point});  // for the tests after this one
  int status = -1;
  ::waitpid(writer, &status, 0);
  return in_time && status == 0;
}

// A host may be in the middle of a sync when it has to go; what it had begun is its own until then.
bool ends(const Descriptor& process) {
  pollfd about{process.get(), POLLIN, 0};
  return ::poll(&about, 1, 30'000) == 1;
}

class BrokerSnapshot : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    std::string reason;
    disk_ = make_disk(GetParam(), reason);
    if (!disk_.fs) GTEST_SKIP() << reason;
    std::ofstream(disk_.fs->mount_point() + "/a") << "one";
    ASSERT_EQ(::chmod((disk_.fs->mount_point() + "/a").c_str(), 0600), 0);
    ASSERT_TRUE(broker_.start());
    daemon_ = std::make_unique<DaemonUnderTest>(broker_, broker_.daemon_uid());
    ASSERT_EQ(daemon_->ask("provider " + name()), "ok " + name());
  }

  std::string name() const { return GetParam(); }
  const std::string& volume() const { return disk_.fs->mount_point(); }

  Disk disk_;
  BrokerUnderTest broker_;
  std::unique_ptr<DaemonUnderTest> daemon_;
};

TEST_P(BrokerSnapshot, IsCutShownReadAndDeletedForAnOrdinaryUser) {
  ASSERT_EQ(daemon_->ask("prepare " + volume()), "ok");
  ASSERT_EQ(daemon_->ask("commit"), "ok");
  std::ofstream(volume() + "/a") << "two";
  ASSERT_EQ(daemon_->ask("finish"), "ok");
  EXPECT_EQ(daemon_->ask("query " + volume()), "ok 1");

  EXPECT_THAT(daemon_->ask("expose /mnt/stillframe"), StartsWith("error access_denied"));
  EXPECT_THAT(daemon_->ask("expose " + broker_.place("../../x")),
              HasSubstr("'" + broker_.runtime() + "/exposed' only"));
  EXPECT_THAT(daemon_->ask("open " + broker_.place("1") + " a"), StartsWith("error"));
  const std::string place = broker_.place("today/1");
  ASSERT_EQ(daemon_->ask("expose " + place), "ok");
  EXPECT_EQ(daemon_->ask("open " + place + " a"), "ok one") << "a file that is root's alone";
  std::string many, ones;
  for (int i = 0; i < 300; ++i) many += " a", ones += " one";
  EXPECT_EQ(daemon_->ask("open " + place + many), "ok" + ones) << "more than one message carries";
  EXPECT_THAT(daemon_->ask("open " + place + " ../a"), StartsWith("error invalid_argument"));
  EXPECT_THAT(daemon_->ask("open " + place + " none"), StartsWith("error not_found"));
  EXPECT_THAT(daemon_->ask("remove"), StartsWith("ok"));
  EXPECT_EQ(daemon_->ask("query " + volume()), "ok 0");
  EXPECT_FALSE(fs::exists(place)) << "unmounted with its snapshot";
}

TEST_P(BrokerSnapshot, ABrokerThatDiesInACallIsNamedAndItsSuccessorCleansUp) {
  ASSERT_EQ(daemon_->ask("prepare " + volume()), "ok");
  const pid_t host = daemon_->host();
  auto ended = open_pidfd(host);
  ASSERT_TRUE(ended.ok());
  ::kill(host, SIGSTOP);
  daemon_->tell("commit");
  ::usleep(20'000);
  broker_.kill();
  const std::string said = daemon_->hear();
  EXPECT_THAT(said, StartsWith("error provider_failed"));
  EXPECT_THAT(said, HasSubstr("privileged broker behind '" + broker_.socket() + "'"));
  EXPECT_THAT(said, HasSubstr("systemctl start stillframe-broker"));
  EXPECT_TRUE(ends(ended.value())) << "its host goes with it";
  EXPECT_THAT(daemon_->ask("query " + volume()), HasSubstr("cannot be reached"));

  ASSERT_TRUE(broker_.start());
  EXPECT_EQ(daemon_->ask("query " + volume()), "ok 0")
      << "what the dead host had begun is taken back";
  ASSERT_EQ(daemon_->ask("prepare " + volume()), "ok");
  ASSERT_EQ(daemon_->ask("commit"), "ok");
  ASSERT_EQ(daemon_->ask("finish"), "ok");
  EXPECT_EQ(daemon_->ask("remove"), "ok");
  EXPECT_TRUE(can_be_written(volume()));
}

// Whoever of the three dies, at whatever instant of the cut: nothing stays frozen, nothing stays
// behind, and the next set succeeds.
TEST_P(BrokerSnapshot, KillsAtAnyMomentOfACutLeaveNothing) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (std::uint64_t round = 0; round < scaled(kKills); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ASSERT_EQ(daemon_->ask("prepare " + volume()), "ok");
    const pid_t host = daemon_->host();
    auto host_ended = open_pidfd(host);
    ASSERT_TRUE(host_ended.ok());
    const int victim = static_cast<int>(random() % 3);
    const auto wait = static_cast<useconds_t>(random() % 30'000);
    daemon_->tell("commit");
    ::usleep(wait);
    if (victim == 0) broker_.kill();
    if (victim == 1) ::kill(host, SIGKILL);
    if (victim == 2) {
      daemon_->kill();
    } else {
      (void)daemon_->hear();
    }
    EXPECT_TRUE(can_be_written(volume())) << "victim " << victim << " after " << wait << " us";
    EXPECT_TRUE(ends(host_ended.value())) << "victim " << victim << " after " << wait << " us";
    ASSERT_TRUE(broker_.running() || broker_.start());
    daemon_ = std::make_unique<DaemonUnderTest>(broker_, broker_.daemon_uid());
    ASSERT_EQ(daemon_->ask("provider " + name()), "ok " + name());
    EXPECT_EQ(daemon_->ask("query " + volume()), "ok 0");
  }
  ASSERT_EQ(daemon_->ask("prepare " + volume()), "ok");
  ASSERT_EQ(daemon_->ask("commit"), "ok");
  ASSERT_EQ(daemon_->ask("finish"), "ok");
  EXPECT_EQ(daemon_->ask("remove"), "ok");
  for (const MountedAt& mount : mounted_now()) {
    EXPECT_FALSE(mount.mount_point.starts_with(broker_.folder() + "/")) << mount.mount_point;
  }
  const fs::path held = broker_.runtime() + "/held";
  EXPECT_TRUE(!fs::exists(held) || fs::is_empty(held));
}

INSTANTIATE_TEST_SUITE_P(Providers, BrokerSnapshot,
                         testing::Values("btrfs", "reflink", "copy", "image"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace stillframe::tests
