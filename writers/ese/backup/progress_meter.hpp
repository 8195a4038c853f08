// Tells how far something is: it begins, whole percents rise, it is complete.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

namespace stillframe::ese {

enum class ProgressStep { begin, progress, complete };
using ProgressCallback = std::function<void(ProgressStep step, int percent)>;

class ProgressMeter {
 public:
  explicit ProgressMeter(ProgressCallback callback) : callback_(std::move(callback)) {}

  void begin() { tell(ProgressStep::begin, 0); }
  // `done` of `total` of the part of the whole that lies between two percents. Never back, and
  // never all.
  void advance(std::uint64_t done, std::uint64_t total, int from, int to) {
    const std::uint64_t share = total == 0 ? 0 : std::min(done, total) * (to - from) / total;
    const int now = std::min(from + static_cast<int>(share), 99);
    if (now <= percent_) return;
    percent_ = now;
    tell(ProgressStep::progress, now);
  }
  void complete() { tell(ProgressStep::complete, 100); }

 private:
  void tell(ProgressStep step, int percent) {
    if (callback_) callback_(step, percent);
  }

  const ProgressCallback callback_;
  int percent_ = 0;
};

}  // namespace stillframe::ese
