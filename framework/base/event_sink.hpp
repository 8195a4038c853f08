// Where events go.
#pragma once

#include <stillframe/event.hpp>

namespace stillframe {

// Thread-safe; never blocks on a disk that may be held.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void emit(const EventRecord& event) = 0;
};

// Drops everything.
EventSink& null_event_sink();

}  // namespace stillframe
