#include "framework/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace stillframe {

void check_failed(const char* condition, const char* message, const char* file, int line) noexcept {
  std::fprintf(stderr, "stillframe: %s:%d: broken invariant: %s (%s)\n", file, line, message,
               condition);
  std::abort();
}

}  // namespace stillframe
