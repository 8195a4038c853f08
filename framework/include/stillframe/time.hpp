// Time. Holds, leases and deadlines are CLOCK_BOOTTIME, which keeps counting through a suspend;
// documents carry wall-clock time beside it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace stillframe {

using Duration = std::chrono::nanoseconds;

// An instant of CLOCK_BOOTTIME. Comparable between processes of one machine and one time namespace
// only.
class BootTime {
 public:
  constexpr BootTime() = default;
  constexpr explicit BootTime(Duration since_boot) : since_boot_(since_boot) {}
  constexpr Duration since_boot() const noexcept { return since_boot_; }

  friend constexpr auto operator<=>(const BootTime&, const BootTime&) = default;
  friend constexpr BootTime operator+(BootTime at, Duration by) {
    return BootTime(at.since_boot_ + by);
  }
  friend constexpr BootTime operator-(BootTime at, Duration by) {
    return BootTime(at.since_boot_ - by);
  }
  friend constexpr Duration operator-(BootTime a, BootTime b) {
    return a.since_boot_ - b.since_boot_;
  }

 private:
  Duration since_boot_{0};
};

// Nanoseconds since 1970-01-01 UTC, as documents store it.
class WallTime {
 public:
  constexpr WallTime() = default;
  constexpr explicit WallTime(Duration since_epoch) : since_epoch_(since_epoch) {}
  constexpr Duration since_epoch() const noexcept { return since_epoch_; }
  friend constexpr auto operator<=>(const WallTime&, const WallTime&) = default;

 private:
  Duration since_epoch_{0};
};

// The moment after which an answer is no longer wanted.
class Deadline {
 public:
  constexpr explicit Deadline(BootTime at) : at_(at) {}
  constexpr BootTime at() const noexcept { return at_; }
  constexpr bool passed(BootTime now) const noexcept { return now >= at_; }
  friend constexpr auto operator<=>(const Deadline&, const Deadline&) = default;

 private:
  BootTime at_;
};

// Where time comes from. Tests pass a clock they move by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual BootTime now() const = 0;       // any thread
  virtual WallTime wall_now() const = 0;  // any thread
};

// CLOCK_BOOTTIME and CLOCK_REALTIME of this machine; lives for the whole process.
const Clock& system_clock();

}  // namespace stillframe
