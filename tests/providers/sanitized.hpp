// What of the providers' tests only the release configuration does in full: the rest would show a
// sanitizer the same code of ours once more, at many times the price.
#pragma once

#include <string_view>

#include "tests/support/scale.hpp"

namespace stillframe::tests {

inline bool sanitized() {
  return test_scale() < 1;
}

// Between two points at which a test kills or fails a provider.
inline int points_apart() {
  return sanitized() ? 3 : 1;
}

// A check of the providers' suite that repeats what the others do, many times.
inline bool repeats_the_others(std::string_view check) {
  return check == "AbortAtEachStepLeavesNothing" || check == "ManyFiles" ||
         check == "SyncedWritesKeepTheirOrderWithoutAHold";
}

}  // namespace stillframe::tests
