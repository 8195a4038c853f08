#include "framework/providers/guard/freeze_guard.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/providers/guard/heartbeat.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "tests/providers/guard/guard_fixture.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {
namespace {

using guard::RecordedThaw;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

BootTime now() {
  return system_clock().now();
}
Deadline soon() {
  return Deadline(now() + seconds(10));
}

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    fs_ = LoopFs::make(FsKind::ext4, reason_);
    if (!fs_) GTEST_SKIP() << reason_;
    options_.record_directory = fs_->scratch() + "/held";
    options_.lease = milliseconds(1000);
  }
  void TearDown() override {
    if (fs_) (void)thaw_now(fs_->mount_point());
  }

  std::vector<Descriptor> target(const std::string& mount_point) {
    std::vector<Descriptor> targets;
    targets.emplace_back(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return targets;
  }
  Result<std::unique_ptr<FreezeGuard>> start() {
    return FreezeGuard::start(options_, target(fs_->mount_point()));
  }
  bool frozen() { return !freeze_now(fs_->mount_point()) || thaw_now(fs_->mount_point()) != 1; }

  std::string reason_;
  std::unique_ptr<LoopFs> fs_;
  FreezeGuardOptions options_;
};

TEST_F(Guard, HoldsFromFreezeToThawAndSaysSo) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  FreezeGuard& guard = *started.value();
  EXPECT_EQ(entries_in(options_.record_directory), 1u);  // before anything is frozen

  ASSERT_TRUE(guard.freeze(soon()).ok());
  const BootTime begun = now();
  EXPECT_FALSE(freeze_now(fs_->mount_point()));  // EBUSY: it is frozen
  const BootTime ended = now();
  auto said = guard.thaw();

  ASSERT_TRUE(said.ok());
  EXPECT_TRUE(said.value().unbroken);
  EXPECT_TRUE(said.value().on_request);
  EXPECT_EQ(said.value().thawed_by, ThawedBy::holder);
  EXPECT_TRUE(said.value().covers(begun, ended));
  EXPECT_FALSE(said.value().covers(begun, now()));
  EXPECT_FALSE(frozen());
  EXPECT_EQ(entries_in(options_.record_directory), 0u);
}

TEST_F(Guard, SaysTheSameAgainWhenAskedToThawTwice) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  auto first = started.value()->thaw();
  auto second = started.value()->thaw();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.value().frozen_until, second.value().frozen_until);
  EXPECT_EQ(started.value()->freeze(soon()).error().code(), Errc::wrong_state);
}

TEST_F(Guard, ALeaseThatRanOutBeforeTheCutDoesNotCoverIt) {
  options_.lease = milliseconds(200);
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  // No heartbeat: wait until the kernel lets somebody else freeze.
  ASSERT_TRUE(eventually(seconds(2), [&] { return !frozen(); }));
  const BootTime begun = now();
  auto said = started.value()->thaw();

  ASSERT_TRUE(said.ok());
  EXPECT_FALSE(said.value().on_request);
  EXPECT_THAT(said.value().ended_because, HasSubstr("lease"));
  EXPECT_FALSE(said.value().covers(begun, now()));
}

TEST_F(Guard, HeartbeatsKeepItPastTheLeaseUntilTheLimit) {
  options_.lease = milliseconds(200);
  options_.limit = milliseconds(700);
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  Heartbeat beats(*started.value(), options_.lease);
  const BootTime before = now();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  ASSERT_TRUE(eventually(seconds(5), [&] { return !frozen(); }));
  auto said = started.value()->thaw();
  ASSERT_TRUE(said.ok());
  EXPECT_GE(said.value().frozen_until - before, milliseconds(700));
  EXPECT_LE(said.value().frozen_until - before, milliseconds(1700));
  EXPECT_THAT(said.value().ended_because, HasSubstr("limit"));
}

TEST_F(Guard, LeavesAForeignFreezeAlone) {
  ASSERT_TRUE(freeze_now(fs_->mount_point()));
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  Status refused = started.value()->freeze(soon());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::in_use);
  ASSERT_TRUE(started.value()->thaw().ok());
  started.value().reset();
  EXPECT_EQ(thaw_now(fs_->mount_point()), 1) << "the other's freeze was thawed";
  EXPECT_EQ(entries_in(options_.record_directory), 0u);
}

TEST_F(Guard, SeveralFileSystemsFreezeTogetherOrNotAtAll) {
  auto second = LoopFs::make(FsKind::xfs, reason_);
  if (!second) GTEST_SKIP() << reason_;
  const auto both = [&] {
    std::vector<Descriptor> targets = target(fs_->mount_point());
    targets.push_back(std::move(target(second->mount_point())[0]));
    return targets;
  };

  auto started = FreezeGuard::start(options_, both());
  ASSERT_TRUE(started.ok()) << started.error().what();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  EXPECT_FALSE(freeze_now(fs_->mount_point()));
  EXPECT_FALSE(freeze_now(second->mount_point()));
  EXPECT_TRUE(started.value()->thaw().value().unbroken);
  EXPECT_FALSE(frozen());

  ASSERT_TRUE(freeze_now(second->mount_point()));
  started = FreezeGuard::start(options_, both());
  ASSERT_TRUE(started.ok()) << started.error().what();
  EXPECT_EQ(started.value()->freeze(soon()).error().code(), Errc::in_use);
  EXPECT_FALSE(frozen()) << "the one that could be frozen still is";
  EXPECT_EQ(thaw_now(second->mount_point()), 1);
}

TEST_F(Guard, ThawBySomebodyElseBreaksTheHold) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  ASSERT_EQ(thaw_now(fs_->mount_point()), 1);
  auto said = started.value()->thaw();
  ASSERT_TRUE(said.ok());
  EXPECT_FALSE(said.value().unbroken);
  EXPECT_THAT(said.value().ended_because, HasSubstr("somebody else"));
}

TEST_F(Guard, RefusesWhatItNeedsItself) {
  auto root = FreezeGuard::start(options_, target("/"));
  ASSERT_FALSE(root.ok());
  EXPECT_EQ(root.error().code(), Errc::not_supported);

  FreezeGuardOptions record_inside = options_;
  record_inside.record_directory = fs_->mount_point() + "/held";
  auto record = FreezeGuard::start(record_inside, target(fs_->mount_point()));
  ASSERT_FALSE(record.ok());
  EXPECT_THAT(record.error().what(), HasSubstr("the freeze itself needs"));

  FreezeGuardOptions journal_inside = options_;
  journal_inside.never_freeze = {fs_->mount_point()};
  EXPECT_EQ(FreezeGuard::start(journal_inside, target(fs_->mount_point())).error().code(),
            Errc::not_supported);
}

// Freezing the file system below a loop image stops writes to what is on the image.
TEST_F(Guard, RefusesTheFileSystemBelowTheJournals) {
  LoopFsOptions inside;
  inside.image_bytes = std::uint64_t{64} << 20;
  inside.image_directory = fs_->mount_point();
  auto nested = LoopFs::make(FsKind::ext4, reason_, inside);
  if (!nested) GTEST_SKIP() << reason_;
  options_.never_freeze = {nested->mount_point()};
  EXPECT_EQ(start().error().code(), Errc::not_supported);
}

TEST_F(Guard, RefusesToStartWithoutItsProgram) {
  options_.helper_dir = fs_->scratch();
  auto started = start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), Errc::not_found);
}

TEST_F(Guard, TerminatingAGuardThaws) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  Heartbeat beats(*started.value(), options_.lease);
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  ::kill(started.value()->holder_pid(), SIGTERM);
  ASSERT_TRUE(eventually(seconds(2), [&] { return !frozen(); }));
  EXPECT_FALSE(started.value()->thaw().value().on_request);
}

// ---- both guards at once: outside what the pair can promise

TEST_F(Guard, TheClientThawsWhenBothGuardsAreKilledTogether) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  ASSERT_TRUE(started.value()->freeze(soon()).ok());
  const PidFd holder(started.value()->holder_pid()), keeper(started.value()->keeper_pid());
  holder.send(SIGSTOP);  // neither may act on the other's end
  keeper.send(SIGSTOP);
  keeper.send(SIGKILL);
  holder.send(SIGKILL);
  ASSERT_TRUE(eventually(seconds(5), [&] { return holder.ended() && keeper.ended(); }));
  auto said = started.value()->thaw();
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value().thawed_by, ThawedBy::client);
  EXPECT_FALSE(frozen());
  EXPECT_EQ(entries_in(options_.record_directory), 0u);
}

TEST_F(Guard, TheNextStartThawsWhatAllThreeLeftBehind) {
  {
    Driver driver(5000, 30'000, options_.record_directory, {fs_->mount_point()});
    int holder_pid = 0, keeper_pid = 0;
    const std::string ready = driver.read_line();
    ASSERT_EQ(std::sscanf(ready.c_str(), "ready %d %d", &holder_pid, &keeper_pid), 2) << ready;
    driver.say("freeze");
    ASSERT_EQ(driver.read_line(), "freezing");
    ASSERT_EQ(driver.read_line(), "frozen");

    auto too_early = guard::thaw_recorded(options_.record_directory);
    ASSERT_TRUE(too_early.ok());
    ASSERT_EQ(too_early.value().size(), 1u);
    EXPECT_EQ(too_early.value()[0].outcome, RecordedThaw::Outcome::left_alone);

    const PidFd holder(holder_pid), keeper(keeper_pid), client(driver.pid());
    for (const PidFd* one : {&holder, &keeper, &client}) one->send(SIGSTOP);
    for (const PidFd* one : {&keeper, &holder, &client}) one->send(SIGKILL);
    ASSERT_TRUE(
        eventually(seconds(5), [&] { return holder.ended() && keeper.ended() && client.ended(); }));
  }
  EXPECT_EQ(entries_in(options_.record_directory), 1u);
  auto thawed = guard::thaw_recorded(options_.record_directory);
  ASSERT_TRUE(thawed.ok());
  ASSERT_EQ(thawed.value().size(), 1u);
  EXPECT_EQ(thawed.value()[0].outcome, RecordedThaw::Outcome::thawed);
  EXPECT_EQ(thawed.value()[0].mount_point, fs_->mount_point());
  EXPECT_EQ(thaw_now(fs_->mount_point()), 0) << "it was still frozen";
  EXPECT_EQ(entries_in(options_.record_directory), 0u);
}

TEST_F(Guard, ARecordOfAnotherBootIsForgotten) {
  guard::HeldRecord record;
  record.boot_id = "00000000-0000-0000-0000-000000000000";
  record.keeper = {1, 1};
  record.file_systems = {{{7, 0}, fs_->mount_point()}};
  ASSERT_TRUE(guard::write_held_record(options_.record_directory, record).ok());
  ASSERT_TRUE(freeze_now(fs_->mount_point()));
  auto thawed = guard::thaw_recorded(options_.record_directory);
  ASSERT_TRUE(thawed.ok());
  EXPECT_TRUE(thawed.value().empty());
  EXPECT_EQ(entries_in(options_.record_directory), 0u);
  EXPECT_EQ(thaw_now(fs_->mount_point()), 1);
}

TEST_F(Guard, NoRecordDirectoryMeansNothingToThaw) {
  auto thawed = guard::thaw_recorded(fs_->scratch() + "/nowhere");
  ASSERT_TRUE(thawed.ok());
  EXPECT_TRUE(thawed.value().empty());
}

TEST_F(Guard, EachGuardHasACgroupOfItsOwnWhereThatCanBe) {
  auto started = start();
  ASSERT_TRUE(started.ok()) << started.error().what();
  for (const std::string& warning : started.value()->warnings()) {
    if (warning.find("cgroup") != std::string::npos) GTEST_SKIP() << warning;
  }
  const auto group = [](int pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
    std::string all{std::istreambuf_iterator<char>(in), {}};
    return all.substr(all.find("stillframe-guard/"));
  };
  const std::string holder = group(started.value()->holder_pid());
  const std::string keeper = group(started.value()->keeper_pid());
  EXPECT_THAT(holder, StartsWith("stillframe-guard/holder-"));
  EXPECT_THAT(keeper, StartsWith("stillframe-guard/keeper-"));
}

}  // namespace
}  // namespace stillframe::tests
