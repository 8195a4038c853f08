// What the guard's tests drive and judge with: a client in a process of its own, and a writer that
// notices every stall.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stillframe::tests {

std::int64_t boot_now_ns();

void sleep_a_millisecond();

// Polls `condition` every millisecond; false when it did not hold within `for_at_most`.
bool eventually(std::chrono::milliseconds for_at_most, auto condition);

class PidFd {
 public:
  explicit PidFd(pid_t pid);
  PidFd(const PidFd&) = delete;
  PidFd& operator=(const PidFd&) = delete;
  ~PidFd();
  void send(int signal) const;
  bool ended() const;

 private:
  int fd_;
};

// A guard_driver process. Killed and reaped by the destructor.
class Driver {
 public:
  Driver(int lease_ms, int limit_ms, const std::string& record_directory,
         const std::vector<std::string>& targets, const std::string& never_freeze = "-");
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver();

  void say(const std::string& command);
  // The next line; empty at the end of the output or after 60 s.
  std::string read_line();
  void finish();  // ends its input, so that it ends
  pid_t pid() const { return pid_; }
  void wait_end();

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::string pending_;
  bool reaped_ = false;
};

// A process that appends a record to a file and syncs it every 10 ms.
class JudgeWriter {
 public:
  explicit JudgeWriter(const std::string& directory);
  JudgeWriter(const JudgeWriter&) = delete;
  JudgeWriter& operator=(const JudgeWriter&) = delete;
  ~JudgeWriter();

  // When the last write that succeeded began.
  std::int64_t last_began() const { return shared_->last_began; }
  bool failed() const { return shared_->failed; }

 private:
  struct Shared {
    std::atomic<std::int64_t> last_began{0};
    std::atomic<bool> failed{false};
    std::atomic<bool> stop{false};
  };
  Shared* shared_;
  pid_t pid_;
};

// Whether some thread of the process is in a call that cannot be interrupted.
bool in_uninterruptible_call(pid_t pid);

// Leaves `bytes` of written but not synced data in `directory`.
void make_dirty(const std::string& directory, std::uint64_t bytes);

void sync_now(const std::string& directory);

// Thaws until the kernel says that it is not frozen; for clean-up, and for what another would do.
// Answers how often it was frozen.
int thaw_now(const std::string& mount_point);
bool freeze_now(const std::string& mount_point);

std::size_t entries_in(const std::string& directory);

bool eventually(std::chrono::milliseconds for_at_most, auto condition) {
  const std::int64_t until = boot_now_ns() + for_at_most.count() * 1'000'000;
  while (!condition()) {
    if (boot_now_ns() > until) return false;
    sleep_a_millisecond();
  }
  return true;
}

}  // namespace stillframe::tests
