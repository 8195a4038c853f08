// What a job may take of the machine, and how long it has to rest for that.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe::dedup {

// 0: no limit.
struct JobLimits {
  // Of files and containers that it reads for their content.
  std::uint64_t bytes_per_second = 0;
  unsigned cpu_percent = 0;  // of one processor
  // Of the whole process, with the index and what users of the volume need. No job goes on in one
  // that has more.
  std::uint64_t memory_bytes = 0;

  friend bool operator==(const JobLimits&, const JobLimits&) = default;
};
inline constexpr unsigned kCpuPercentMax = 100;

// What limits are measured with. Of the thread and process that asks.
class JobMeter {
 public:
  virtual ~JobMeter() = default;
  virtual Duration now() const = 0;  // only differences count
  virtual Duration processor_time() const = 0;
  virtual std::uint64_t memory_bytes() const = 0;
  // Until so much later or until `woken` is notified, or for less; without `lock` meanwhile.
  virtual void rest(std::unique_lock<std::mutex>& lock, std::condition_variable& woken,
                    Duration most) const = 0;
};
const JobMeter& system_job_meter();

// For the job's thread. What a job did not use it has not saved up: after a pause, or after a
// second in which it was slow, it starts anew.
class JobThrottle {
 public:
  // Shorter rests are put off: they would cost more than they are worth.
  static constexpr Duration kRestMin = std::chrono::milliseconds(10);
  static constexpr Duration kSavedMax = std::chrono::seconds(1);

  // `meter` outlives it.
  JobThrottle(const JobLimits& limits, const JobMeter& meter) : limits_(limits), meter_(meter) {}

  const JobLimits& limits() const { return limits_; }
  void moved(std::uint64_t bytes) { bytes_ += bytes; }
  // How long the job has to rest before it may go on; 0 if it need not.
  Duration owed();
  Status within_memory() const;  // out_of_resources

 private:
  void start(Duration now, Duration worked);

  const JobLimits limits_;
  const JobMeter& meter_;
  bool started_ = false;
  Duration began_{0}, worked_before_{0};
  std::uint64_t bytes_ = 0;  // since began_
};

}  // namespace stillframe::dedup
