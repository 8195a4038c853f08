// A latch of four bytes: many readers or one writer, held for the length of a page access. Not fair
// and not recursive; who waits for I/O while holding one makes others wait with it.
#pragma once

#include <atomic>
#include <cstdint>

namespace stillframe::ese {

enum class LatchMode { shared, exclusive };

class Latch {
 public:
  void lock(LatchMode mode) noexcept {
    while (!try_lock(mode)) wait(mode);
  }

  bool try_lock(LatchMode mode) noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    if (mode == LatchMode::exclusive) {
      return (seen & ~kWaiters) == 0 &&
             word_.compare_exchange_strong(seen, seen | kExclusive, std::memory_order_acquire);
    }
    while ((seen & kExclusive) == 0) {
      if (word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) return true;
    }
    return false;
  }

  // From the only reader to the writer; false, and still a reader, if there are others.
  bool try_upgrade() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    return (seen & ~kWaiters) == 1 &&
           word_.compare_exchange_strong(seen, (seen & kWaiters) | kExclusive,
                                         std::memory_order_acquire);
  }

  void unlock(LatchMode mode) noexcept {
    if (mode == LatchMode::exclusive) {
      if ((word_.exchange(0, std::memory_order_release) & kWaiters) != 0) word_.notify_all();
      return;
    }
    const std::uint32_t before = word_.fetch_sub(1, std::memory_order_release);
    if (before == (kWaiters | 1)) wake_after_last_reader();
  }

 private:
  static constexpr std::uint32_t kExclusive = 0x80000000;
  static constexpr std::uint32_t kWaiters = 0x40000000;  // someone sleeps, so unlocking wakes

  bool blocked(std::uint32_t word, LatchMode mode) const noexcept {
    return mode == LatchMode::exclusive ? (word & ~kWaiters) != 0 : (word & kExclusive) != 0;
  }

  void wait(LatchMode mode) noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    if (!blocked(seen, mode)) return;
    if ((seen & kWaiters) == 0 && !word_.compare_exchange_strong(seen, seen | kWaiters)) return;
    word_.wait(seen | kWaiters, std::memory_order_relaxed);
  }

  void wake_after_last_reader() noexcept {
    std::uint32_t alone = kWaiters;
    word_.compare_exchange_strong(alone, 0, std::memory_order_relaxed);
    word_.notify_all();
  }

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace stillframe::ese
