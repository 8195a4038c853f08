#include "framework/providers/guard/party.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace stillframe::guard {

volatile std::sig_atomic_t g_terminated = 0;

int make_tick_timer(std::int64_t tick_ns) {
  const int timer = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer < 0) return -1;
  itimerspec every{};
  every.it_interval.tv_sec = tick_ns / 1'000'000'000;
  every.it_interval.tv_nsec = tick_ns % 1'000'000'000;
  every.it_value = every.it_interval;
  if (::timerfd_settime(timer, 0, &every, nullptr) != 0) return -1;
  return timer;
}

Wakeup wait_for_wakeup(const PartyFds& fds, int extra) {
  pollfd watched[4] = {
      {fds.bell, POLLIN, 0}, {fds.peer, POLLIN, 0}, {fds.timer, POLLIN, 0}, {extra, POLLIN, 0}};
  Wakeup seen;
  ::poll(watched, 4, -1);  // a signal ends it early, which is as good as a tick
  char drained[64];
  if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    ssize_t n;
    while ((n = ::recv(fds.bell, drained, sizeof drained, MSG_DONTWAIT)) > 0) continue;
    seen.client_gone = n == 0 || (errno != EAGAIN && errno != EINTR);
  }
  seen.peer_gone = (watched[1].revents & (POLLIN | POLLHUP)) != 0;
  if (watched[2].revents != 0) [[maybe_unused]]
    const auto n = ::read(fds.timer, drained, 8);
  seen.now = boot_ns();
  return seen;
}

void ring(int bell) noexcept {
  const char byte = 0;
  [[maybe_unused]] const auto n = ::send(bell, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Cause due(const Shared& shared, const Wakeup& seen) noexcept {
  if (shared.command == Command::thaw) return Cause::requested;
  if (seen.client_gone) return Cause::client_gone;
  if (g_terminated != 0) return Cause::terminated;
  if (shared.command != Command::freeze) return Cause::none;
  if (seen.now - shared.client_beat > shared.lease_ns) return Cause::client_silent;
  if (seen.now - shared.freeze_requested_at > shared.limit_ns) return Cause::limit;
  return Cause::none;
}

}  // namespace stillframe::guard
