#include "requestor/cli/event_text.hpp"

#include <fmt/format.h>

#include "framework/wire/event_codec.hpp"
#include "requestor/cli/terminal.hpp"

namespace stillframe::cli {

std::string event_line(const NumberedEvent& event) {
  std::string message;
  for (const char c : event.record.message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      message += fmt::format("\\x{:02x}", byte);
    } else {
      message.push_back(c);
    }
  }
  return fmt::format("{}  {:<7}  {}  {}", time_text(event.record.when),
                     to_string(event.record.level), event.record.id, message);
}

std::string event_json_line(const NumberedEvent& event) {
  return event_to_json(event).dump(-1, ' ', false,
                                   nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace stillframe::cli
