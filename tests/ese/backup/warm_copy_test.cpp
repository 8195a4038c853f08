// A copy that is kept up with an instance, stopped at every step.
#include "writers/ese/backup/warm_copy.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/ese/support/backup_world.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/backup/directory_backup.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using tests::BackupWorld;

const std::vector<BytePath> kCopies{"/w/one.edb", "/w/two.edb"};
const WarmCopy kCopy{.folder = "/w"};

class WarmCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.start();
    world_.work(12);
    const Status done = back_up_to_directory(world_.backup(), {.directory = "/b"});
    ASSERT_TRUE(done.ok()) << done.error().what();
  }

  void work() {
    world_.work(12);
    ASSERT_TRUE(world_.instance().log().roll().ok());
    ASSERT_TRUE(world_.instance().flush().ok());
  }

  // What a service does again and again, until the machine stops.
  static Status keep(Files& files) {
    if (warm_copy_state(files, kCopy) == WarmCopyState::absent) {
      if (Status s = begin_warm_copy(files, kCopy, "/b"); !s.ok()) return s;
    }
    if (warm_copy_state(files, kCopy) == WarmCopyState::kept) {
      if (auto shipped = ship_logs(files, kCopy, "/log"); !shipped.ok()) return shipped.error();
      if (auto replayed = replay_warm_copy(files, kCopy); !replayed.ok()) return replayed.error();
    }
    const auto finished = finish_warm_copy(files, kCopy);
    return finished.ok() ? Status(Ok{}) : Status(finished.error());
  }

  BackupWorld world_{4096, 31};
};

TEST_F(WarmCopyTest, HoldsWhatWasCommittedWhenTheLastLogWasFinished) {
  CrashingFiles& files = world_.files();
  ASSERT_TRUE(begin_warm_copy(files, kCopy, "/b").ok());
  for (int i = 0; i < 3; ++i) {
    work();
    ASSERT_TRUE(ship_logs(files, kCopy, "/log").ok());
    const auto replayed = replay_warm_copy(files, kCopy);
    ASSERT_TRUE(replayed.ok()) << replayed.error().what();
    EXPECT_EQ(replayed.value().databases, kCopies);
  }
  const auto state = world_.state_for(kCopies);
  const auto finished = finish_warm_copy(files, kCopy);
  ASSERT_TRUE(finished.ok()) << finished.error().what();
  world_.expect_state(state, kCopies, "/wlog");
}

TEST_F(WarmCopyTest, StoppedAnywhereItGoesOnToTheSameEnd) {
  constexpr std::uint64_t kSeed = 77;
  std::mt19937_64 random(kSeed);
  work();
  work();
  const auto state = world_.state_for(kCopies);
  world_.leave();
  std::uint64_t operations = 0;
  {
    const auto files = world_.files().after_crash(random, 512);
    const Status whole = keep(*files);
    ASSERT_TRUE(whole.ok()) << whole.error().what();
    operations = files->operations();
  }
  ASSERT_GT(operations, 20U);
  const std::uint64_t rounds = stillframe::tests::scaled(40);
  for (std::uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    const std::uint64_t at = 1 + random() % operations;
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", stopped at operation " + std::to_string(at));
    auto files = world_.files().after_crash(random, 512);
    files->stop_at(at);
    (void)keep(*files);
    files = files->after_crash(random, random() % 2 == 0 ? 512 : 4096);
    const Status done = keep(*files);
    ASSERT_TRUE(done.ok()) << done.error().what();
    InstanceOptions options = world_.options();
    options.logs = "/wlog";
    const auto instance = tests::started(*files, options);
    for (const BytePath& copy : kCopies) ASSERT_TRUE(instance->attach_database(copy).ok());
    for (const auto& model : state) {
      model->join(*instance);
      model->expect_committed(*instance);
    }
    ASSERT_TRUE(instance->stop().ok());
    for (const BytePath& copy : kCopies) tests::expect_sound(*files, copy);
  }
}

}  // namespace
}  // namespace stillframe::ese
