// What an administrator hears of one session. docs/events.md lists the ids and their fields.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/machine/phase.hpp"

namespace stillframe::coordinator {

using EventFields = std::map<std::string, std::string>;

std::string in_milliseconds(Duration duration);  // "12.345"

// What writers said about one hold.
struct HoldFacts {
  std::size_t writers = 0;  // that stated a hold
  Duration longest{0};      // of one writer, by its own clock
  std::string longest_writer;
  Duration stall{0};  // longest that a write waited, as a writer saw it
  std::string stall_writer;
  std::string broken;      // writers whose hold was not whole
  std::string still_held;  // writers that were asked to thaw and have not answered
};

// Used on the session's strand only. While a hold is on nothing is emitted: what happens then is
// kept with its own time and told at once when the hold is over, so that no sink, whoever wrote it,
// takes a share of the time that applications stand still.
class SessionEvents {
 public:
  SessionEvents(EventSink& sink, const Clock& clock, EventFields common)
      : sink_(sink), clock_(clock), common_(std::move(common)) {}

  // Fields that every event of the session bears (its id) are added.
  void tell(int id, EventLevel level, std::string message, EventFields fields = {});

  // Before anybody is asked to freeze.
  void hold_begins(EventFields fields);
  bool holding() const noexcept { return holding_; }
  // The session entered `phase` of the hold.
  void mark(machine::Phase phase);
  void hold_ended(const HoldFacts& facts);

 private:
  struct Mark {
    machine::Phase phase = machine::Phase::freezing;
    BootTime at;
    WallTime wall;
  };

  EventRecord record(int id, EventLevel level, std::string message, EventFields fields) const;
  const Mark* find(machine::Phase phase) const;
  void tell_course();
  std::string between(machine::Phase from, machine::Phase to) const;

  EventSink& sink_;
  const Clock& clock_;
  const EventFields common_;
  bool holding_ = false;
  std::vector<Mark> marks_;  // one a phase of the hold
  std::vector<EventRecord> kept_;
};

}  // namespace stillframe::coordinator
