// A machine that stops at any moment, with every way a disk may forget what was not synced. The
// next start finds every durable commit, nothing that was not committed, and sound databases; and a
// start that is stopped itself does no harm.
#include <algorithm>
#include <iostream>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "tests/ese/support/instance_model.hpp"
#include "tests/ese/support/kept_results.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/seeds.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::first_seed;
using stillframe::tests::scaled;
using tests::CrashingFiles;
using tests::InstanceModel;
using tests::KeptResults;

const std::vector<BytePath> kDatabases{"/db/one.edb", "/db/two.edb"};
constexpr std::uint32_t kPageBytes[] = {2048, 4096, 8192, 16384, 32768};

// How many of a recovery's operations it is stopped at.
enum class StopRecovery { now_and_then, at_each };

class CrashedInstance {
 public:
  CrashedInstance(std::uint64_t seed, KeptResults& kept)
      : random_(seed),
        kept_(kept),
        sector_(random_() % 2 == 0 ? 512 : 4096),
        options_(tests::small_instance(kPageBytes[random_() % std::size(kPageBytes)])),
        model_(kDatabases, "rows", seed) {
    options_.circular = random_() % 2 == 0;
    options_.reserves = static_cast<int>(random_() % 2);
  }

  // Works until the machine stops or a sync fails, and looks at what the next start finds.
  void run_into_crash(StopRecovery recovery = StopRecovery::now_and_then) {
    files_->stop_at(1 + random_() % 900);
    if (random_() % 6 == 0) files_->fail_sync_at(1 + random_() % 120);
    {
      auto instance = Instance::start(*files_, options_);
      Status status = instance.ok() ? model_.open(*instance.value()) : Status(instance.error());
      if (status.ok()) status = model_.work(*instance.value(), 2000);
      if (!status.ok()) {
        ASSERT_TRUE(files_->stopped() || files_->sync_failed()) << status.error().what();
      }
      files_->stop_at(1);
      model_.crash();
    }
    files_ = files_->after_crash(random_, sector_);
    ++crashes_;
    if (recovery == StopRecovery::at_each) {
      stop_recovery_at_each(1);
    } else if (random_() % 12 == 0) {
      stop_recovery_at_each(1 + random_() % 15);
    }
    if (!testing::Test::HasFailure()) examine();
  }

  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t recoveries_stopped() const { return recoveries_stopped_; }
  const InstanceModel& model() const { return model_; }

 private:
  void examine() {
    {
      const auto instance = tests::started(*files_, options_);
      ASSERT_NE(instance, nullptr);
      for (const BytePath& path : kDatabases) {
        if (is_finished(*files_, path)) tests::expect_sound(*files_, path);
      }
      const Status opened = model_.open(*instance);
      ASSERT_TRUE(opened.ok()) << opened.error().what();
      model_.expect_committed(*instance);
      if (testing::Test::HasFailure()) return;
      const Status stopped = instance->stop();
      ASSERT_TRUE(stopped.ok()) << stopped.error().what();
    }
    for (const BytePath& path : kDatabases) {
      tests::expect_sound(*files_, path);
      kept_.keep(*files_, path, testing::Test::HasFailure());
    }
    if (!options_.circular) tests::expect_good_log(*files_, options_);
  }

  static bool is_finished(Files& files, const BytePath& path) {
    return files.exists(path) && tests::header_of(files, path).state != DbState::just_created;
  }

  // The pages of both databases after a start.
  std::vector<std::vector<std::byte>> recovered_pages(CrashingFiles& files) {
    const auto instance = tests::started(files, options_);
    std::vector<std::vector<std::byte>> all;
    for (const BytePath& path : kDatabases) {
      if (!is_finished(files, path)) continue;
      const auto file = files.open(path, FileAccess::read);
      std::vector<std::byte> bytes(file.value()->size().value());
      EXPECT_TRUE(file.value()->read(0, bytes).ok());
      all.emplace_back(bytes.begin() + 2 * options_.page_bytes, bytes.end());
    }
    return all;
  }

  void stop_recovery_at_each(std::uint64_t step) {
    std::mt19937_64 none(0);
    const auto expected = recovered_pages(*files_->after_crash(none, sector_));
    for (std::uint64_t at = 1; !testing::Test::HasFailure(); at += step) {
      SCOPED_TRACE("recovery stopped at operation " + std::to_string(at));
      const auto files = files_->after_crash(none, sector_);
      files->stop_at(at);
      const bool started = Instance::start(*files, options_).ok();
      const auto after = files->after_crash(random_, sector_);
      EXPECT_EQ(recovered_pages(*after) == expected, true) << "the recovered pages differ";
      ++recoveries_stopped_;
      if (started) return;
    }
  }

  std::mt19937_64 random_;
  KeptResults& kept_;
  const std::size_t sector_;
  InstanceOptions options_;
  InstanceModel model_;
  std::unique_ptr<CrashingFiles> files_ = std::make_unique<CrashingFiles>();
  std::uint64_t crashes_ = 0, recoveries_stopped_ = 0;
};

struct Crashes {
  std::uint64_t crashes = 0, recoveries = 0, commits = 0;
};

void crash_with(std::uint64_t seed, KeptResults& kept, Crashes& so_far) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  CrashedInstance instance(seed, kept);
  for (int crash = 0; crash < 5 && !testing::Test::HasFailure(); ++crash) instance.run_into_crash();
  so_far.crashes += instance.crashes();
  so_far.recoveries += instance.recoveries_stopped();
  so_far.commits += instance.model().commits();
}

TEST(InstanceCrash, EveryDurableCommitIsThereAndNothingElse) {
  constexpr std::uint64_t kSeeds = 4;
  const std::uint64_t first = first_seed(), seeds = scaled(kSeeds);
  Crashes all;
  KeptResults kept;
  for (std::uint64_t seed = first; seed < first + seeds && !HasFailure(); ++seed) {
    crash_with(seed, kept, all);
  }
  std::cout << "seeds " << first << " to " << first + seeds - 1 << ": " << all.crashes
            << " crashes and " << all.recoveries << " of recoveries, " << all.commits
            << " commits\n";
}

TEST(InstanceCrash, ARecoveryMayBeStoppedAtEachOfItsOperations) {
  constexpr std::uint64_t kSeeds = 2;
  KeptResults kept;
  std::uint64_t stopped = 0;
  for (std::uint64_t seed = 1; seed <= scaled(kSeeds) && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashedInstance instance(seed, kept);
    instance.run_into_crash(StopRecovery::at_each);
    stopped += instance.recoveries_stopped();
  }
  std::cout << "stopped at each of its operations: " << stopped << " recoveries\n";
}

// 63: a torn page whose checksum is right. 66 and 203: a tree of long values that ends with an
// empty leaf, so that names were given twice. 355: a database whose file is lost with the crash
// that interrupts its creation, and a log that never said what became of the transaction. 13580: a
// header whose second copy was torn by the first crash, and whose first copy by the next. 42938: a
// checkpoint behind a transaction whose commit was lost.
TEST(InstanceCrash, SeedsThatFoundSomethingFindNothingAnyMore) {
  Crashes all;
  KeptResults kept;
  const std::vector<std::uint64_t> seeds{63, 66, 203, 355, 13580, 42938};
  for (std::size_t i = 0; i < std::min<std::size_t>(seeds.size(), scaled(seeds.size())); ++i) {
    if (!HasFailure()) crash_with(seeds[i], kept, all);
  }
}

}  // namespace
}  // namespace stillframe::ese
