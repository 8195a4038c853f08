// Keeps the latest events in memory: for tests, and for a daemon that answers "what happened?".
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "framework/base/event_sink.hpp"

namespace stillframe {

class MemoryEventSink final : public EventSink {
 public:
  explicit MemoryEventSink(std::size_t events_max = 4096) : events_max_(events_max) {}

  void emit(const EventRecord& event) override;

  std::vector<EventRecord> events() const;  // oldest first
  std::uint64_t dropped() const;            // older ones that had to make room

 private:
  const std::size_t events_max_;
  mutable std::mutex mutex_;
  std::deque<EventRecord> events_;
  std::uint64_t dropped_ = 0;
};

}  // namespace stillframe
