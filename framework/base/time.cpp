#include <time.h>

#include <stillframe/time.hpp>

#include "framework/base/check.hpp"

namespace stillframe {
namespace {

Duration read_clock(clockid_t id) {
  timespec now{};
  STILLFRAME_CHECK(::clock_gettime(id, &now) == 0, "every Linux since 2.6.39 has this clock");
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

class SystemClock final : public Clock {
 public:
  BootTime now() const override { return BootTime(read_clock(CLOCK_BOOTTIME)); }
  WallTime wall_now() const override { return WallTime(read_clock(CLOCK_REALTIME)); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace stillframe
