#include "framework/plugin/c_glue.hpp"

namespace stillframe::plugin {

Status outcome(std::int32_t code, const stillframe_error& error, Errc fallback,
               std::string_view call) {
  if (code == STILLFRAME_OK) return Ok{};
  std::string message = c_text(error.message);
  if (message.empty()) message = "the plug-in gave no reason";
  Errc known = errc_from_number(code);
  if (static_cast<int>(known) != code) {
    known = fallback;
    message += " (code " + std::to_string(code) + ")";
  }
  return Error(known, std::string(call) + ": " + message, error.application_code);
}

}  // namespace stillframe::plugin
