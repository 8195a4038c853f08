// How much of a counted test to run. Counts in tests are written for the release configuration;
// sanitizer runs set STILLFRAME_TEST_SCALE to a fraction, soak runs to a multiple.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace stillframe::tests {

// The factor from the environment; 1 if it is unset or makes no sense.
inline double test_scale() {
  const char* text = std::getenv("STILLFRAME_TEST_SCALE");
  if (text == nullptr) return 1.0;
  char* end = nullptr;
  const double scale = std::strtod(text, &end);
  return end != text && *end == '\0' && scale > 0 ? scale : 1.0;
}

// `count` in this run's proportion, and never none.
inline std::uint64_t scaled(std::uint64_t count) {
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(static_cast<double>(count) * test_scale()));
}

}  // namespace stillframe::tests
