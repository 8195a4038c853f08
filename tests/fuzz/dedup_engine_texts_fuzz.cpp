// link: stillframe_dedup_engine
// Reads the input as settings, as a history and as a line of the control socket. What is taken
// comes back as the same.
#include <cstdint>
#include <string_view>

#include "framework/base/check.hpp"
#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/engine/job_history.hpp"
#include "writers/dedup/engine/volume_settings.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto settings = dedup::parse_settings(text); settings.ok()) {
    const std::string written = dedup::format_settings(settings.value());
    const auto again = dedup::parse_settings(written);
    STILLFRAME_CHECK(again.ok() && dedup::format_settings(again.value()) == written,
                     "the same settings");
  }
  if (const auto history = dedup::parse_history(text); history.ok()) {
    const auto again = dedup::parse_history(dedup::format_history(history.value()));
    STILLFRAME_CHECK(again.ok() && again.value() == history.value(), "the same history");
  }
  (void)dedup::parse_control_line(text, {});
  return 0;
}
