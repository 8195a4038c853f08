#include "framework/providers/host/hold_beat.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <unistd.h>

namespace stillframe {

bool LineOutput::write(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  const std::lock_guard lock(mutex_);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

HoldBeat::~HoldBeat() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool HoldBeat::agree(std::chrono::milliseconds lease) noexcept {
  const std::lock_guard lock(mutex_);
  every_ = std::max(lease / 4, std::chrono::milliseconds(1));
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void HoldBeat::begin() {
  const std::lock_guard lock(mutex_);
  beating_ = true;
  changed_.notify_all();
}

void HoldBeat::end() {
  const std::lock_guard lock(mutex_);
  beating_ = false;
  changed_.notify_all();
}

// Writes under the lock: the reply that follows end() is the last of a call.
void HoldBeat::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [this] { return beating_ || stopping_; });
    const bool silent = !changed_.wait_for(lock, every_, [this] { return !beating_ || stopping_; });
    if (silent) (void)output_.write(kProviderBeat);
  }
}

}  // namespace stillframe
