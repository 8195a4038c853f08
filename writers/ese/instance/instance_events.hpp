// What an instance tells an administrator. docs/events.md lists the events.
#pragma once

#include <map>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/event.hpp>

#include "framework/base/event_sink.hpp"

namespace stillframe::ese {

// Each keeps its number and its meaning.
enum class EngineEvent {
  started = 5000,
  recovered = 5001,
  start_failed = 5002,
  stopped = 5003,
  commits_lost = 5004,
  database_created = 5010,
  database_attached = 5011,
  database_detached = 5012,
  log_begun = 5020,
  logs_removed = 5021,
  page_damaged = 5023,
  background_failed = 5024,
  background_works_again = 5025,
  streaming_backup = 5030,
  snapshot_backup = 5031,
};

// Any thread.
class InstanceEvents {
 public:
  // `sink` may be null; `logs` tells instances apart.
  InstanceEvents(EventSink* sink, BytePath logs) : sink_(sink), logs_(std::move(logs)) {}

  using Fields = std::map<std::string, std::string>;
  void tell(EngineEvent event, EventLevel level, std::string message, Fields fields = {}) const;

 private:
  EventSink* const sink_;
  const BytePath logs_;
};

}  // namespace stillframe::ese
