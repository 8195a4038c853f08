#include "writers/dedup/tool/syslog_events.hpp"

#include <syslog.h>

namespace stillframe::dedup::tool {

namespace {

int syslog_priority(EventLevel level) {
  switch (level) {
    case EventLevel::info:
      return LOG_INFO;
    case EventLevel::warning:
      return LOG_WARNING;
    case EventLevel::error:
      break;
  }
  return LOG_ERR;
}

}  // namespace

std::string syslog_line(const EventRecord& event) {
  std::string line = "event " + std::to_string(event.id) + ": " + event.message;
  for (const auto& [name, value] : event.fields) line += "; " + name + "=" + value;
  return line;
}

void SyslogEvents::emit(const EventRecord& event) {
  ::syslog(LOG_DAEMON | syslog_priority(event.level), "%s", syslog_line(event).c_str());
}

}  // namespace stillframe::dedup::tool
