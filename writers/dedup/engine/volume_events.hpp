// What a deduplicated volume tells an administrator. docs/events.md lists the events.
#pragma once

#include <map>
#include <string>
#include <utility>

#include <stillframe/byte_path.hpp>
#include <stillframe/event.hpp>

#include "framework/base/event_sink.hpp"

namespace stillframe::dedup {

// Each keeps its number and its meaning.
enum class VolumeEvent {
  job_started = 6000,
  job_completed = 6001,
  job_failed = 6002,
  job_cancelled = 6003,
  store_damaged = 6010,
  data_lost = 6011,
  repaired = 6012,
};

// Any thread.
class VolumeEvents {
 public:
  // `sink` may be null; `device` tells volumes apart.
  VolumeEvents(EventSink* sink, BytePath device) : sink_(sink), device_(std::move(device)) {}

  using Fields = std::map<std::string, std::string>;
  void tell(VolumeEvent event, EventLevel level, std::string message, Fields fields = {}) const;

 private:
  EventSink* const sink_;
  const BytePath device_;
};

}  // namespace stillframe::dedup
