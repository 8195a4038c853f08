// Events of a volume in the system's log.
#pragma once

#include <string>

#include "framework/base/event_sink.hpp"

namespace stillframe::dedup::tool {

// A line each: number, message, fields.
class SyslogEvents final : public EventSink {
 public:
  void emit(const EventRecord& event) override;
};

std::string syslog_line(const EventRecord& event);

}  // namespace stillframe::dedup::tool
