// What the log promises over crashes, with every way a disk may forget what was not synced.
#include <algorithm>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/ese/support/numbered_log.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/engine/log_stream.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using tests::counting_clock;
using tests::numbered_record;
using tests::NumberedRecords;
using tests::open_numbered_log;
using tests::QuietHost;
using tests::read_numbered_log;

// A log over many crashes, and what it must not lose.
class CrashedLog {
 public:
  explicit CrashedLog(std::uint64_t seed)
      : random_(seed), sector_(random_() % 2 == 0 ? 512 : 4096) {
    options_.directory.path = "/log";
    options_.directory.reserves = static_cast<int>(random_() % 3);
    // Some have room for writes of many segments.
    const auto segments = random_() % 3 == 0 ? 40 + random_() % 200 : 6 + random_() % 12;
    options_.file_bytes = static_cast<std::uint32_t>(segments) * 4096;
    appends_a_flush_ = random_() % 2 == 0 ? 3 : 200;
  }

  // Works with `threads` until the machine stops or a sync fails, and looks at what is left.
  void run_into_crash(int threads) {
    files_->stop_at(1 + random_() % 300);
    if (random_() % 4 == 0) files_->fail_sync_at(1 + random_() % 60);
    auto opened = open_numbered_log(*files_, options_, host_, clock_);
    if (opened.ok()) work(*opened.value(), threads);
    // It may refuse to open because the machine stopped, and for no other reason.
    if (!opened.ok()) {
      ASSERT_TRUE(files_->stopped() || opened.error().code() == Errc::io) << opened.error().what();
    }
    files_ = files_->after_crash(random_, sector_);
    examine();
  }

  std::uint64_t records() const { return appended_.size(); }

 private:
  void work(LogStream& log, int threads) {
    std::vector<std::thread> others;
    const std::uint64_t seed = random_();
    for (int t = 1; t < threads; ++t) {
      others.emplace_back([&, t] { append_until_it_fails(log, seed + static_cast<unsigned>(t)); });
    }
    append_until_it_fails(log, seed);
    for (std::thread& other : others) other.join();
  }

  void append_until_it_fails(LogStream& log, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (;;) {
      const auto pick = random() % 100;
      if (pick < 3) log.prepare_ahead();
      const std::size_t bytes = pick < 85 ? 8 + random() % 300 : 8 + random() % 9000;
      const std::uint64_t number = random();
      const auto appended = log.append(numbered_record(number, bytes));
      if (!appended.ok()) return;
      {
        const std::lock_guard lock(mutex_);
        appended_.emplace(appended.value().at, number);
      }
      if (random() % appends_a_flush_ != 0) continue;
      if (!log.make_durable(appended.value().at).ok()) return;
      const std::lock_guard lock(mutex_);
      durable_ = std::max(durable_, appended.value().at);
    }
  }

  // What is there is the beginning of what was appended, and no shorter than was promised.
  void examine() {
    const auto read = read_numbered_log(*files_, options_.directory);
    ASSERT_TRUE(read.ok()) << read.error().what();
    const NumberedRecords& found = read.value().records;
    ASSERT_LE(found.size(), appended_.size());
    ASSERT_TRUE(std::equal(found.begin(), found.end(), appended_.begin()));
    if (!durable_.none()) {
      ASSERT_FALSE(found.empty());
      ASSERT_GE(found.rbegin()->first, durable_);
    }
    // What was read is durable now: opening the log again may not lose it.
    appended_ = found;
    if (!found.empty()) durable_ = found.rbegin()->first;
  }

  std::mt19937_64 random_;
  const std::size_t sector_;
  LogStreamOptions options_;
  std::uint64_t appends_a_flush_ = 3;
  QuietHost host_;
  LogStream::Clock clock_ = counting_clock();
  std::unique_ptr<CrashingFiles> files_ = std::make_unique<CrashingFiles>();
  std::mutex mutex_;
  NumberedRecords appended_;
  Lgpos durable_;
};

void crash_often(int threads, std::uint64_t seed_first, std::uint64_t seeds) {
  std::uint64_t records = 0;
  for (std::uint64_t seed = seed_first; seed < seed_first + seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", threads " + std::to_string(threads));
    CrashedLog log(seed);
    for (int crash = 0; crash < 5; ++crash) {
      log.run_into_crash(threads);
      if (testing::Test::HasFatalFailure()) return;
    }
    records += log.records();
  }
  std::cout << "seeds " << seed_first << " to " << seed_first + seeds - 1 << ", 5 crashes each, "
            << records << " records kept\n";
}

TEST(LogStreamCrash, EveryDurableRecordIsThereAndNoneWithoutTheOnesBefore) {
  crash_often(1, 1, stillframe::tests::scaled(100));
}

TEST(LogStreamCrash, TheSameWithManyThreads) {
  crash_often(4, 100001, stillframe::tests::scaled(30));
}

}  // namespace
}  // namespace stillframe::ese
