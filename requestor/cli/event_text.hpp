// An event as the command line shows it.
#pragma once

#include <string>

#include <stillframe/event.hpp>

namespace stillframe::cli {

// "2026-11-21 10:40:03 UTC  warning  2030  writer orders failed at freeze: ...", with control
// characters of the message made visible: an event may quote what a stranger wrote.
std::string event_line(const NumberedEvent& event);
std::string event_json_line(const NumberedEvent& event);

}  // namespace stillframe::cli
