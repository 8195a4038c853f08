// link: stillframe_model
// Restore options that are read are written and read again unchanged.
#include <cstdint>
#include <string_view>

#include "framework/base/check.hpp"
#include "framework/model/option_string.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto options = parse_restore_options(input);
  if (!options.ok()) return 0;
  const auto again = parse_restore_options(format_restore_options(options.value()));
  STILLFRAME_CHECK(again.ok() && again.value() == options.value(), "options changed");
  for (const RestoreOption& option : options.value()) {
    STILLFRAME_CHECK(!option_values(options.value(), option.name, option.subcomponent).empty(),
                     "an option that cannot be found");
  }
  return 0;
}
