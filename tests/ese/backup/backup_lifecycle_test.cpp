// Backups of every kind while four threads write, each restored to where it was taken: in new
// places, in old ones, some databases alone, and rolled forward to the last commit.
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "framework/base/path.hpp"
#include "tests/ese/support/backup_world.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/log_names.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::scaled;
using tests::BackupPlan;
using tests::BackupSet;
using tests::BackupWorld;
using tests::place_set;
using tests::PlacedSet;

constexpr std::uint64_t kSteps = 25;  // of each thread between two backups

class BackupLifecycleTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  // The databases are copied while all threads write; then these end, so that the model knows what
  // the logs have.
  BackupSet take(const BytePath& directory, BackupPlan plan = {}) {
    std::optional<BackupSet> taken;
    const auto take_now = [&] {
      auto set = tests::take_backup(world_->backup(), world_->files(), directory, plan);
      EXPECT_TRUE(set.ok()) << set.error().what();
      if (set.ok()) taken = set.value();
    };
    if (plan.contents == BackupContents::full) {
      copy_under_load(plan, take_now);
    } else {
      world_->work(kSteps);
      take_now();
    }
    return taken.value_or(BackupSet{});
  }

  // `before_logs` waits for the threads.
  void copy_under_load(BackupPlan& plan, const std::function<void()>& take_now) {
    std::thread writers;
    plan.before_logs = [&] { writers.join(); };
    writers = std::thread([&] { world_->work(kSteps); });
    take_now();
    if (writers.joinable()) writers.join();
  }

  void expect_restored(const PlacedSet& placed, const BackupWorld::State& state) {
    const auto restored = restore_databases(world_->files(), placed.restore);
    ASSERT_TRUE(restored.ok()) << restored.error().what();
    world_->expect_state(state, placed.databases, placed.restore.logs);
  }

  // All of them hold what they held when this set was taken.
  void expect_restores(const BackupSet& set, const BackupWorld::State& state,
                       const BytePath& place) {
    SCOPED_TRACE("restored at " + place);
    expect_restored(place_set(world_->files(), set, place), state);
  }

  static std::vector<BytePath> at(const BytePath& place) {
    return {place + "/one.edb", place + "/two.edb"};
  }

  void run(std::uint64_t seed);
  void roll_forward(const BackupSet& set);
  void restore_one_database(const BackupSet& set);
  void restore_in_place(const BackupSet& set);

  std::unique_ptr<BackupWorld> world_;
};

std::string bytes_of(const testing::TestParamInfo<std::uint32_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
// Sanitizers see the same code at every size.
std::vector<std::uint32_t> page_sizes() {
  if (stillframe::tests::test_scale() < 1) return {4096};
  return {2048, 4096, 16384};
}
INSTANTIATE_TEST_SUITE_P(Pages, BackupLifecycleTest, testing::ValuesIn(page_sizes()), bytes_of);

// The newest logs as they are where the instance worked, behind those of the set.
void bring_logs(Files& files, const BackupSet& set, const BytePath& to) {
  const auto names = files.list("/log");
  ASSERT_TRUE(names.ok());
  for (const BytePath& name : names.value()) {
    const auto log = parse_log_file_name("edb", name);
    const bool newer = log && (log->kind == LogFileKind::current ||
                               (log->kind == LogFileKind::archived && log->generation > set.high));
    if (newer) tests::copy_file(files, "/log/" + name, join_path(to, name));
  }
}

void BackupLifecycleTest::roll_forward(const BackupSet& set) {
  SCOPED_TRACE("rolled forward");
  const PlacedSet placed = place_set(world_->files(), set, "/forward");
  bring_logs(world_->files(), set, placed.restore.logs);
  expect_restored(placed, world_->state_for(placed.databases));
}

void BackupLifecycleTest::restore_one_database(const BackupSet& set) {
  SCOPED_TRACE("one database of two");
  PlacedSet placed = place_set(world_->files(), set, "/one");
  bring_logs(world_->files(), set, placed.restore.logs);
  placed.restore.databases.erase(placed.restore.databases.begin());
  placed.databases[0].clear();
  const auto untouched = tests::bytes_of_file(world_->files(), "/one/one.edb");
  expect_restored(placed, world_->state_for(placed.databases));
  EXPECT_EQ(tests::bytes_of_file(world_->files(), "/one/one.edb"), untouched);
}

// The databases are lost, the logs are not: all of it comes back where it was, and the instance
// goes on there.
void BackupLifecycleTest::restore_in_place(const BackupSet& set) {
  SCOPED_TRACE("where they were");
  PlacedSet placed = place_set(world_->files(), set, "/back");
  placed.restore.logs = placed.restore.checkpoint = "/log";
  for (std::size_t i = 0; i < placed.databases.size(); ++i) {
    const BytePath& path = BackupWorld::paths()[i];
    tests::copy_file(world_->files(), placed.databases[i], path);
    placed.databases[i] = placed.restore.databases[i].file = path;
  }
  expect_restored(placed, world_->state_for(placed.databases));
}

void BackupLifecycleTest::run(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  world_ = std::make_unique<BackupWorld>(GetParam(), seed);
  world_->start();
  world_->work(kSteps);
  BackupSet set = take("/set");
  const auto full = world_->state_for(at("/full"));
  const BackupSet full_set = set;
  for (int i = 1; i <= 3 && !HasFailure(); ++i) {
    const BytePath place = "/incremental" + std::to_string(i);
    set.high = take("/set", {.contents = BackupContents::logs_only}).high;
    expect_restores(set, world_->state_for(at(place)), place);
  }
  expect_restores(full_set, full, "/full");
  BackupSet differential = set;
  differential.high = take("/set", {.contents = BackupContents::logs_only, .truncate = false}).high;
  expect_restores(differential, world_->state_for(at("/differential")), "/differential");
  const BackupSet copy = take("/copy", {.truncate = false});
  expect_restores(copy, world_->state_for(at("/copied")), "/copied");
  world_->work(kSteps);
  world_->leave();
  roll_forward(copy);
  restore_one_database(set);
  restore_in_place(set);
}

TEST_P(BackupLifecycleTest, EveryBackupRestoresWhatWasCommittedWhenItWasTaken) {
  const std::uint64_t seeds = scaled(1);
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) run(seed);
}

}  // namespace
}  // namespace stillframe::ese
