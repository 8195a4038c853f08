// Where events are written to, one after the other.
#pragma once

#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/daemon/observe/event_ring.hpp"

namespace stillframe::daemon {

// Called by one thread. May block, unless it says that it does not.
class EventOutput {
 public:
  virtual ~EventOutput() = default;
  // An error means that nothing of the event counts as written: it is offered again.
  virtual Status write(const NumberedEvent& event) = 0;
  // Opens what it writes to afresh, so that a log that was renamed is let go.
  virtual void reopen() {}
  // Whether it may wait for a disk that is held.
  virtual bool waits_for_disks() const { return true; }
};

// One line without its newline: {"seq":..,"event_id":..,"source":..,"level":..,"message":..,
// "fields":{..},"when":..}. Bytes that are no UTF-8 become U+FFFD.
std::string to_json_line(const NumberedEvent& event);

// Appends JSON lines to a file (mode 0640), which is opened when the first event comes and again
// after an error. What an interrupted write left of a line is ended by a newline first, so that
// a reader loses that line and no other.
std::unique_ptr<EventOutput> make_file_output(BytePath path);

// The same to an open descriptor, such as that of standard error.
std::unique_ptr<EventOutput> make_stream_output(Descriptor to);

// journald's own datagrams: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, STILLFRAME_EVENT_ID, _SEQ,
// _SOURCE and one STILLFRAME_* field for each of the event's. Where nobody listens, or journald is
// too busy, the event is not sent: it never blocks.
std::unique_ptr<EventOutput> make_journald_output(BytePath socket, std::string identifier);

}  // namespace stillframe::daemon
