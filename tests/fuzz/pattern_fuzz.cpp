// link: stillframe_model
// The first line is a pattern, the second another, the rest a name: a name that matches both proves
// that they overlap, and overlap does not depend on the order.
#include <cstdint>
#include <string_view>

#include "framework/base/check.hpp"
#include "framework/model/pattern.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const auto end = input.find('\n');
    const std::string_view taken = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    return taken;
  };
  const std::string_view a = line(), b = line(), name = input;
  if (a.size() > 512 || b.size() > 512 || name.size() > 4096) return 0;
  const bool overlap = patterns_overlap(a, b);
  STILLFRAME_CHECK(overlap == patterns_overlap(b, a), "overlap depends on the order");
  if (matches_pattern(a, name) && matches_pattern(b, name)) {
    STILLFRAME_CHECK(overlap, "a name matches both of two patterns that do not overlap");
  }
  STILLFRAME_CHECK(!is_literal(a) || matches_pattern(a, name) == (a == name), "a literal pattern");
  return 0;
}
