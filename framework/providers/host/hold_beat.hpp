// Signs of life of a provider's process: a line every quarter of the lease while a call inside the
// hold is under way, so that one that was stopped is given up long before the call's limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

namespace stillframe {

inline constexpr std::string_view kProviderBeat = R"({"beat":true})";

// Lines to whoever asks, each whole.
class LineOutput {
 public:
  explicit LineOutput(int fd) : fd_(fd) {}
  // False when nobody reads any more.
  bool write(std::string_view line);

 private:
  const int fd_;
  std::mutex mutex_;
};

// begin() and end() from one thread. No line of it comes after end() has returned.
class HoldBeat {
 public:
  explicit HoldBeat(LineOutput& output) : output_(output) {}
  ~HoldBeat();
  HoldBeat(const HoldBeat&) = delete;
  HoldBeat& operator=(const HoldBeat&) = delete;

  // Whether there will be signs of life from now on.
  bool agree(std::chrono::milliseconds lease) noexcept;
  void begin();
  void end();

 private:
  void run();

  LineOutput& output_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::milliseconds every_{0};
  bool beating_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillframe
