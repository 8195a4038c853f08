#include "writers/ese/engine/page_cache.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"

namespace stillframe::ese {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr Dbid kDb{1};

Lgpos at(int position) {
  return {0, 0, Generation{position}};
}

// A log whose durable end only make_durable() moves.
class FakeLog final : public WriteAhead {
 public:
  Status make_durable(Lgpos position) override {
    const std::lock_guard lock(mutex_);
    if (fails_) return Error(Errc::io, "the log cannot be written");
    durable_ = std::max(durable_, position);
    return Ok{};
  }
  Lgpos durable() const {
    const std::lock_guard lock(mutex_);
    return durable_;
  }
  void fail(bool fails) { fails_ = fails; }

 private:
  mutable std::mutex mutex_;
  Lgpos durable_;
  std::atomic<bool> fails_{false};
};

// Pages in a map. The first 8 bytes of a page are a counter, the next 4 the generation of the log
// record of its last change, which must be durable when the page is written.
class FakeStore final : public PageStore {
 public:
  explicit FakeStore(const FakeLog& log) : log_(log) {}

  Status read(Pgno pgno, MutableBytes into) override {
    const std::lock_guard lock(mutex_);
    const auto found = pages_.find(pgno);
    if (found == pages_.end()) return Error(Errc::corrupt, "no such page");
    std::copy(found->second.begin(), found->second.end(), into.begin());
    return Ok{};
  }
  Status write(std::span<const PageToWrite> pages) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [pgno, page] : pages) {
      if (fails_) return Error(Errc::io, "the disk cannot be written");
      EXPECT_GE(log_.durable(), at(load_le<std::int32_t>(page.data() + 8)));
      pages_[pgno].assign(page.begin(), page.end());
    }
    return Ok{};
  }
  void put(Pgno pgno, std::uint64_t counter) {
    std::vector<std::byte> page(kPageBytes);
    store_le(page.data(), counter);
    const std::lock_guard lock(mutex_);
    pages_[pgno] = page;
  }
  std::uint64_t counter(Pgno pgno) {
    const std::lock_guard lock(mutex_);
    return load_le<std::uint64_t>(pages_.at(pgno).data());
  }
  void fail(bool fails) { fails_ = fails; }

 private:
  const FakeLog& log_;
  std::mutex mutex_;
  std::map<Pgno, std::vector<std::byte>> pages_;
  std::atomic<bool> fails_{false};
};

class EsePageCache : public testing::Test {
 protected:
  void make(std::size_t frames) {
    cache_ = std::make_unique<PageCache>(PageCacheOptions{kPageBytes, frames}, log_);
    cache_->attach(kDb, store_);
  }
  Result<PageRef> fix(std::uint32_t pgno, LatchMode mode) {
    return cache_->fix(kDb, Pgno{pgno}, mode);
  }
  void count_up(PageRef& page, int position) {
    MutableBytes bytes = page.begin_change(at(position));
    store_le(bytes.data(), load_le<std::uint64_t>(bytes.data()) + 1);
    store_le(bytes.data() + 8, position);
    page.end_change(at(position));
  }

  FakeLog log_;
  FakeStore store_{log_};
  std::unique_ptr<PageCache> cache_;
};

TEST_F(EsePageCache, NeverHoldsMoreThanItsFrames) {
  make(4);
  for (std::uint32_t i = 1; i <= 20; ++i) store_.put(Pgno{i}, i);
  for (std::uint32_t i = 1; i <= 20; ++i) {
    auto page = fix(i, LatchMode::shared);
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(load_le<std::uint64_t>(page.value().bytes().data()), i);
  }
  EXPECT_EQ(cache_->stats().misses, 20u);
  EXPECT_EQ(cache_->stats().evictions, 16u);
}

TEST_F(EsePageCache, AChangedPageIsWrittenBehindItsLogRecord) {
  make(1);
  store_.put(Pgno{1}, 5);
  store_.put(Pgno{2}, 0);
  {
    auto page = fix(1, LatchMode::exclusive);
    count_up(page.value(), 7);
    count_up(page.value(), 9);
  }
  EXPECT_EQ(log_.durable(), Lgpos{});
  EXPECT_EQ(cache_->oldest_change(), at(7));
  { ASSERT_TRUE(fix(2, LatchMode::shared).ok()); }  // takes the only frame
  EXPECT_EQ(store_.counter(Pgno{1}), 7u);
  EXPECT_EQ(log_.durable(), at(9));
  EXPECT_EQ(cache_->oldest_change(), std::nullopt);
}

TEST_F(EsePageCache, OnlyOlderChangesAreWrittenWhenAskedSo) {
  make(4);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    store_.put(Pgno{i}, 0);
    auto page = fix(i, LatchMode::exclusive);
    count_up(page.value(), static_cast<int>(i));
  }
  ASSERT_TRUE(cache_->write_changed(at(3)).ok());
  EXPECT_EQ(store_.counter(Pgno{2}), 1u);
  EXPECT_EQ(store_.counter(Pgno{3}), 0u);
  EXPECT_EQ(cache_->oldest_change(), at(3));
}

TEST_F(EsePageCache, APageThatCannotBeReadLeavesNothingBehind) {
  make(1);
  EXPECT_EQ(fix(1, LatchMode::shared).error().code(), Errc::corrupt);
  store_.put(Pgno{1}, 3);
  EXPECT_TRUE(fix(1, LatchMode::shared).ok());
}

TEST_F(EsePageCache, APageThatCannotBeWrittenStaysChanged) {
  make(2);
  store_.put(Pgno{1}, 0);
  {
    auto page = fix(1, LatchMode::exclusive);
    count_up(page.value(), 4);
  }
  store_.fail(true);
  EXPECT_EQ(cache_->write_changed().error().code(), Errc::io);
  store_.fail(false);
  log_.fail(true);
  EXPECT_EQ(cache_->write_changed().error().code(), Errc::io);
  log_.fail(false);
  EXPECT_EQ(cache_->oldest_change(), at(4));
  EXPECT_EQ(store_.counter(Pgno{1}), 0u);
  ASSERT_TRUE(cache_->write_changed().ok());
  EXPECT_EQ(store_.counter(Pgno{1}), 1u);
}

TEST_F(EsePageCache, NewPagesAreZeroAndNotRead) {
  make(2);
  auto page = cache_->fix_new(kDb, Pgno{77});
  ASSERT_TRUE(page.ok());
  const Bytes bytes = page.value().bytes();
  EXPECT_TRUE(
      std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_F(EsePageCache, DetachingForgetsPagesOfThatDatabaseOnly) {
  make(4);
  FakeStore other(log_);
  other.put(Pgno{1}, 20);
  store_.put(Pgno{1}, 10);
  cache_->attach(Dbid{2}, other);
  { ASSERT_TRUE(fix(1, LatchMode::shared).ok()); }
  { ASSERT_TRUE(cache_->fix(Dbid{2}, Pgno{1}, LatchMode::shared).ok()); }
  cache_->detach(kDb);
  EXPECT_EQ(fix(1, LatchMode::shared).error().code(), Errc::wrong_state);
  const auto misses = cache_->stats().misses;
  EXPECT_TRUE(cache_->fix(Dbid{2}, Pgno{1}, LatchMode::shared).ok());
  EXPECT_EQ(cache_->stats().misses, misses);
}

TEST_F(EsePageCache, AReaderBecomesTheWriterOnlyAlone) {
  make(2);
  store_.put(Pgno{1}, 0);
  auto first = fix(1, LatchMode::shared);
  {
    auto second = fix(1, LatchMode::shared);
    EXPECT_FALSE(first.value().try_upgrade());
  }
  EXPECT_TRUE(first.value().try_upgrade());
  EXPECT_EQ(first.value().mode(), LatchMode::exclusive);
}

// Threads count up pages of which a third fits in memory, while another writes and measures as a
// checkpoint does: no step is lost, and no change is ever newer than the oldest one claimed.
TEST_F(EsePageCache, ThreadsLoseNothing) {
  constexpr std::uint32_t kPages = 24;
  constexpr int kThreads = 4;
  const int steps = static_cast<int>(stillframe::tests::scaled(20000));
  make(8);
  for (std::uint32_t i = 1; i <= kPages; ++i) store_.put(Pgno{i}, 0);
  std::atomic<int> position{1};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < steps; ++i) {
        auto page = fix(1 + static_cast<std::uint32_t>(random() % kPages), LatchMode::exclusive);
        ASSERT_TRUE(page.ok()) << page.error().what();
        count_up(page.value(), position.fetch_add(1));
      }
    });
  }
  std::thread checkpoint([&] {
    while (!done) {
      EXPECT_TRUE(cache_->write_changed(at(position.load())).ok());
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  done = true;
  checkpoint.join();
  ASSERT_TRUE(cache_->write_changed().ok());
  std::uint64_t sum = 0;
  for (std::uint32_t i = 1; i <= kPages; ++i) sum += store_.counter(Pgno{i});
  EXPECT_EQ(sum, static_cast<std::uint64_t>(kThreads) * static_cast<std::uint64_t>(steps));
}

}  // namespace
}  // namespace stillframe::ese
