// link: stillframe_model
// Ranges as text and as a ranges file: what is read is written and read again unchanged.
#include <cstdint>
#include <string_view>

#include "framework/base/check.hpp"
#include "framework/model/ranges.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)parse_ranges_or_file(input).ok();
  if (const auto ranges = parse_ranges(input); ranges.ok()) {
    const auto again = parse_ranges(format_ranges(ranges.value()));
    STILLFRAME_CHECK(again.ok() && again.value() == ranges.value(), "ranges changed as text");
  }
  if (const auto ranges = decode_ranges_file(input); ranges.ok()) {
    STILLFRAME_CHECK(encode_ranges_file(ranges.value()) == input, "ranges changed as a file");
  }
  return 0;
}
