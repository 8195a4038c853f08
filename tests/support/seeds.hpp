// Where the seeds of a counted random test begin: 1, unless a soak run that is made in pieces says
// otherwise.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace stillframe::tests {

inline std::uint64_t first_seed() {
  const char* text = std::getenv("STILLFRAME_TEST_FIRST_SEED");
  const std::uint64_t first = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return first == 0 ? 1 : first;
}

}  // namespace stillframe::tests
