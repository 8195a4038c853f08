// Random schedules of backups of every kind while four threads write. What each of them has is
// restored: all databases or one, in new places or where they were, as they were at the backup or
// rolled forward to the last commit.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/backup/lifecycle/backup_chain.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/seeds.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::first_seed;
using stillframe::tests::scaled;
using tests::BackupChain;
using tests::BackupStep;
using tests::BackupWay;
using tests::BackupWorld;

constexpr std::uint32_t kLifecyclePages[] = {2048, 4096, 4096, 8192, 16384};
constexpr std::uint64_t kLoadSteps = 12;
constexpr int kSoakIncrements = 20;

enum class Event { increment, differential, copy, restart, other_kind };

class LifecycleSchedule {
 public:
  explicit LifecycleSchedule(std::uint64_t seed)
      : random_(seed), world_(kLifecyclePages[chance(std::size(kLifecyclePages))], seed) {}

  void run() {
    world_.start();
    world_.load_beside(kLoadSteps, [] {});
    const std::uint64_t chains = 1 + (chance(3) == 0 ? 1 : 0);
    for (std::uint64_t i = 0; i < chains && !testing::Test::HasFailure(); ++i) run_chain();
    world_.load_beside(kLoadSteps, [] {});
    world_.leave();
    if (!testing::Test::HasFailure()) restore_at_end();
  }

  const std::map<std::string, int>& counts() const { return counts_; }

 private:
  std::uint64_t chance(std::uint64_t of) { return random_() % of; }
  BytePath new_folder() { return "/b" + std::to_string(++folders_); }

  // ---- Taking

  // Under load, or beside transactions that wait: then what the backup has is known exactly.
  void take(BackupChain& chain, const BackupStep& step) {
    const bool loaded = chance(3) != 0;
    SCOPED_TRACE(std::string(name_of(chain.way())) + (step.logs_only ? ", logs" : "") +
                 (step.keeps_logs ? ", keeps logs" : "") + (loaded ? ", under load" : ""));
    if (loaded) {
      world_.load_beside(kLoadSteps, [&] { chain.take(step); });
    } else {
      world_.load_beside(kLoadSteps, [] {});
      chain.take(step);
    }
    ++counts_["backups"];
    if (&chain == chain_.get()) chain_state_ = world_.at_moment(BackupWorld::paths());
    if (!testing::Test::HasFailure()) restore_now(chain);
  }

  void run_chain() {
    const auto way = static_cast<BackupWay>(chance(tests::kBackupWays));
    copies_.clear();
    chain_ = std::make_unique<BackupChain>(world_, way, new_folder());
    take(*chain_, {});
    for (const Event event : drawn_events()) {
      if (testing::Test::HasFailure()) return;
      happen(event);
    }
  }

  std::vector<Event> drawn_events() {
    const bool soak = stillframe::tests::test_scale() > 1;
    std::vector<Event> events(soak ? kSoakIncrements : 1 + chance(3), Event::increment);
    events.push_back(Event::differential);
    events.push_back(Event::copy);
    if (soak) events.push_back(Event::copy);
    events.push_back(chance(2) == 0 ? Event::restart : Event::other_kind);
    std::shuffle(events.begin(), events.end(), random_);
    return events;
  }

  void happen(Event event) {
    switch (event) {
      case Event::increment:
        take(*chain_, {.logs_only = true});
        break;
      case Event::differential:
        take(*chain_, {.logs_only = true, .keeps_logs = true});
        break;
      case Event::copy:
        copies_.push_back(std::make_unique<BackupChain>(
            world_, chance(2) == 0 ? BackupWay::streamed : BackupWay::snapshot, new_folder()));
        take(*copies_.back(), {.keeps_logs = true});
        break;
      case Event::restart:
        world_.leave();
        world_.start();
        break;
      case Event::other_kind:
        refuse_other_kind();
    }
  }

  // No snapshot goes on from a streamed backup, nor the other way round.
  void refuse_other_kind() {
    const bool snapshot = chain_->way() == BackupWay::snapshot;
    BackupChain other(world_, snapshot ? BackupWay::streamed : BackupWay::snapshot, "/none");
    const auto headers = [&] {
      std::vector<DatabaseHeader> all;
      for (const BytePath& path : BackupWorld::paths()) {
        all.push_back(world_.instance().find_database(path)->header());
      }
      return all;
    };
    const auto before = headers();
    other.expect_refused({.logs_only = true}, EseErr::missing_full_backup);
    const auto after = headers();
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(after[i].full_previous, before[i].full_previous);
      EXPECT_EQ(after[i].incremental_previous, before[i].incremental_previous);
    }
  }

  // ---- Restoring

  std::vector<bool> drawn_databases() {
    const std::uint64_t drawn = chance(4);
    return {drawn != 1, drawn != 2};
  }

  // Beside the instance, which knows nothing of it.
  void restore_now(BackupChain& chain) {
    BackupChain::Wanted wanted{.place = "/r", .chosen = drawn_databases()};
    wanted.without_checkpoint = chance(2) == 0;
    expect_restores(chain, wanted);
  }

  // The copies that were made since the last full backup, and that one with all that goes on from
  // it.
  void restore_at_end() {
    std::vector<BytePath> newer;
    for (const auto& copy : copies_) newer.push_back(copy->logs());
    newer.push_back(chain_->logs());
    newer.push_back("/log");
    if (!copies_.empty()) {
      expect_restores(*copies_[chance(copies_.size())],
                      {.place = "/r", .chosen = drawn_databases(), .newer = newer});
    }
    BackupChain::Wanted wanted{.place = "/r", .chosen = drawn_databases(), .newer = newer};
    wanted.without_checkpoint = chance(2) == 0;
    expect_restores(*chain_, wanted);
    restore_in_place(wanted);
  }

  // Where they were: after a loss of the databases, or of everything.
  void restore_in_place(BackupChain::Wanted wanted) {
    wanted.in_place = true;
    if (chance(3) == 0) wanted.newer.clear();
    if (chain_->way() == BackupWay::snapshot) wanted.chosen = {true, true};
    expect_restores(*chain_, wanted);
  }

  // Those that are where they were and are not restored.
  std::map<BytePath, std::vector<std::byte>> others(const BackupChain::Wanted& wanted) {
    std::map<BytePath, std::vector<std::byte>> all;
    for (std::size_t i = 0; i < wanted.chosen.size(); ++i) {
      const BytePath& path = BackupWorld::paths()[i];
      if (!wanted.chosen[i]) all[path] = tests::bytes_of_file(world_.files(), path);
    }
    return all;
  }

  void expect_restores(BackupChain& chain, const BackupChain::Wanted& wanted) {
    const bool forward = !wanted.newer.empty();
    SCOPED_TRACE(std::string("restored from ") + std::string(name_of(chain.way())) +
                 (forward ? ", rolled forward" : "") + (wanted.in_place ? ", in place" : ""));
    const auto untouched = others(wanted);
    auto restored = chain.restore(wanted);
    if (!restored) return;
    EXPECT_TRUE(others(wanted) == untouched) << "a database was changed that was not asked for";
    // The others have all that they need in these logs, too.
    if (forward && wanted.in_place) restored->databases = BackupWorld::paths();
    const auto state = forward           ? world_.state_for(restored->databases)
                       : wanted.in_place ? state_of_chain(wanted.chosen)
                                         : world_.at_moment(restored->databases);
    world_.expect_state(state, restored->databases, restored->options);
    for (const BytePath& path : restored->databases) {
      if (path.empty() || !restored->forgets || untouched.contains(path)) continue;
      EXPECT_EQ(tests::header_of(world_.files(), path).full_previous, BackupInfo{});
    }
    tests::clear_place(world_.files(), wanted.place);
    ++counts_[forward ? "rolled forward" : "restored"];
    if (wanted.in_place) ++counts_["in place"];
    if (wanted.chosen != std::vector<bool>{true, true}) ++counts_["in part"];
  }

  // At its last backup, in the order of what works on the databases.
  BackupWorld::State state_of_chain(const std::vector<bool>& chosen) {
    BackupWorld::State state;
    for (std::size_t i = 0; i < chain_state_.size(); ++i) {
      if (chosen[i % chosen.size()]) state.push_back(std::move(chain_state_[i]));
    }
    return state;
  }

  std::mt19937_64 random_;
  BackupWorld world_;
  int folders_ = 0;
  std::unique_ptr<BackupChain> chain_;
  BackupWorld::State chain_state_;
  std::vector<std::unique_ptr<BackupChain>> copies_;  // since the chain's full backup
  std::map<std::string, int> counts_;
};

// STILLFRAME_TEST_FIRST_SEED=seed runs one alone, with STILLFRAME_TEST_SCALE=0.01.
TEST(BackupLifecycle, EveryBackupOfAScheduleRestoresWhatItHas) {
  const std::uint64_t first = first_seed(), seeds = scaled(60);
  std::map<std::string, int> counts;
  for (std::uint64_t seed = first; seed < first + seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    LifecycleSchedule schedule(seed);
    schedule.run();
    for (const auto& [what, count] : schedule.counts()) counts[what] += count;
  }
  std::cout << "seeds " << first << ".." << first + seeds - 1 << ":";
  for (const auto& [what, count] : counts) std::cout << " " << what << " " << count;
  std::cout << "\n";
}

}  // namespace
}  // namespace stillframe::ese
