// Events take the place of the Windows event log: things an administrator should be able to find
// later. docs/events.md lists them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// An event of a coordinator with its number: 1 for the first one since it started, then without
// gaps. A number that starts again at 1 is a new coordinator.
struct NumberedEvent {
  std::uint64_t sequence = 0;
  EventRecord record;
};

struct EventQuery {
  // Those after this number, oldest first; empty: the latest.
  std::optional<std::uint64_t> after;
  std::size_t limit = 100;              // at most 1000
  EventLevel level = EventLevel::info;  // and worse
  std::string session;                  // of this one only; empty: of all
};

struct EventPage {
  std::vector<NumberedEvent> events;  // oldest first
  std::uint64_t lost = 0;             // events after the number asked for that are gone
  std::uint64_t next = 0;             // the number to ask for next
};

}  // namespace stillframe
