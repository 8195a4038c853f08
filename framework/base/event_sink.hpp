// Events take the place of the Windows event log: things an administrator should be able to find
// later.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <stillframe/time.hpp>

namespace stillframe {

enum class EventLevel { info = 0, warning = 1, error = 2 };
std::string_view to_string(EventLevel level) noexcept;

struct EventRecord {
  int id = 0;          // stable for ever; listed in docs/events.md
  std::string source;  // "coordinator", "provider.btrfs", "guard"
  EventLevel level = EventLevel::info;
  std::string message;                        // for people
  std::map<std::string, std::string> fields;  // for programs: session, writer, component, ...
  WallTime when;
};

// Thread-safe; never blocks on a disk that may be held.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void emit(const EventRecord& event) = 0;
};

// Drops everything.
EventSink& null_event_sink();

}  // namespace stillframe
