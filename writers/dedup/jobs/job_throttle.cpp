#include "writers/dedup/jobs/job_throttle.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>

#include <unistd.h>

namespace stillframe::dedup {

namespace {

Duration meter_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
}

class SystemJobMeter final : public JobMeter {
 public:
  Duration now() const override { return meter_clock(CLOCK_MONOTONIC); }
  Duration processor_time() const override { return meter_clock(CLOCK_THREAD_CPUTIME_ID); }

  // Without what others have as well: programs and libraries.
  std::uint64_t memory_bytes() const override {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                               &std::fclose);
    unsigned long long all = 0, resident = 0, shared = 0;
    if (!file || std::fscanf(file.get(), "%llu %llu %llu", &all, &resident, &shared) != 3) return 0;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return (resident - std::min(shared, resident)) * page;
  }

  void rest(std::unique_lock<std::mutex>& lock, std::condition_variable& woken,
            Duration most) const override {
    woken.wait_for(lock, most);
  }
};

// In which so much may be moved; a rate that is far too low is no reason to run over.
Duration time_for_bytes(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  constexpr double kLongest = 1e9;  // seconds
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second);
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(seconds, kLongest)));
}

}  // namespace

const JobMeter& system_job_meter() {
  static const SystemJobMeter meter;
  return meter;
}

void JobThrottle::start(Duration now, Duration worked) {
  started_ = true;
  began_ = now;
  worked_before_ = worked;
  bytes_ = 0;
}

Duration JobThrottle::owed() {
  if (limits_.bytes_per_second == 0 && limits_.cpu_percent == 0) return Duration(0);
  const Duration now = meter_.now(), worked = meter_.processor_time();
  if (!started_) start(now, worked);
  Duration needed{0};
  if (limits_.bytes_per_second > 0) needed = time_for_bytes(bytes_, limits_.bytes_per_second);
  if (limits_.cpu_percent > 0) {
    needed = std::max(needed, (worked - worked_before_) * kCpuPercentMax / limits_.cpu_percent);
  }
  const Duration owed = needed - (now - began_);
  if (owed >= kRestMin) return owed;
  if (owed <= Duration(0) && now - began_ >= kSavedMax) start(now, worked);
  return Duration(0);
}

Status JobThrottle::within_memory() const {
  if (limits_.memory_bytes == 0) return Ok{};
  const std::uint64_t bytes = meter_.memory_bytes();
  if (bytes <= limits_.memory_bytes) return Ok{};
  return Error(Errc::out_of_resources,
               "the process has " + std::to_string(bytes) +
                   " bytes of memory, and jobs of this volume run with at most " +
                   std::to_string(limits_.memory_bytes) + ": allow more");
}

}  // namespace stillframe::dedup
