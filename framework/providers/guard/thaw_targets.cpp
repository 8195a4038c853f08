#include <cerrno>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "framework/providers/guard/guard_state.hpp"

namespace stillframe::guard {

namespace {

bool thaw_one(Shared& shared, std::uint32_t index, int fd, bool first) noexcept {
  std::atomic<TargetState>& state = shared.target[index];
  const TargetState before = state.load();
  if (before != TargetState::calling && before != TargetState::frozen) return true;
  if (::ioctl(fd, FITHAW, 0) == 0) {
    state = TargetState::thawed;
    return true;
  }
  if (errno == EINVAL) {  // not frozen
    if (before == TargetState::frozen && first) shared.foreign_thaw = 1;
    state = TargetState::thawed;
    return true;
  }
  shared.thaw_errno = errno;
  return false;
}

}  // namespace

bool thaw_targets(Shared& shared, const int* fds, bool first) noexcept {
  std::int64_t zero = 0;
  shared.thaw_began_at.compare_exchange_strong(zero, boot_ns());
  shared.phase = Phase::thawing;

  bool done = true;
  for (std::uint32_t i = 0; i < shared.targets; ++i) done &= thaw_one(shared, i, fds[i], first);
  if (!done) return false;

  shared.thawed_at = boot_ns();
  if (shared.record_path[0] != '\0') ::unlink(shared.record_path);
  shared.phase = shared.failed_errno != 0 ? Phase::failed : Phase::thawed;
  return true;
}

}  // namespace stillframe::guard
