// The latest events in memory, numbered: the one buffer that every reader has its own place in.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "framework/base/event_sink.hpp"

namespace stillframe::daemon {

// Shared by the ring and its readers, who take whole pages without copying.
using SharedEvent = std::shared_ptr<const NumberedEvent>;

struct EventRingLimits {
  std::size_t events_max = 16'384;
  std::size_t bytes_max = std::size_t{8} << 20;
};

// What of an event counts towards bytes_max.
std::size_t memory_of(const EventRecord& event) noexcept;

// Thread-safe. The oldest events make room for new ones; the latest one always stays.
class EventRing {
 public:
  struct Page {
    std::vector<SharedEvent> events;  // oldest first
    std::uint64_t lost = 0;           // events after the place asked for that are gone
    std::uint64_t next = 0;           // the place to ask for next
  };

  explicit EventRing(EventRingLimits limits) : limits_(limits) {}

  std::uint64_t append(EventRecord event);
  // The first `events_max` events whose number is larger than `sequence`.
  Page after(std::uint64_t sequence, std::size_t events_max) const;
  std::uint64_t last() const;

  // Waits until `ready` of the last number is true, at most `patience`. It is asked again after
  // every append() and wake(), and must not call the ring.
  void wait(std::chrono::milliseconds patience,
            const std::function<bool(std::uint64_t last)>& ready) const;
  void wake() const;

 private:
  const EventRingLimits limits_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<SharedEvent> events_;  // consecutive numbers
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace stillframe::daemon
