#include "framework/remote/tls_wait.hpp"

#include <cerrno>

#include <poll.h>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Error peer_ended() {
  return Error(Errc::disconnected, "the peer closed the connection");
}

// Until the socket is ready for what `step` wants.
Status wait_for(const TlsSession& session, TlsStep step, Patience patience) {
  if (step == TlsStep::ended) return peer_ended();
  pollfd ready{session.socket(),
               static_cast<short>(step == TlsStep::wants_write ? POLLOUT : POLLIN), 0};
  const auto until = SteadyClock::now() + patience.value_or(milliseconds(0));
  while (true) {
    int left = -1;
    if (patience) {
      left = static_cast<int>(
          std::chrono::duration_cast<milliseconds>(until - SteadyClock::now()).count());
      if (left < 0) left = 0;
    }
    const int found = ::poll(&ready, 1, left);
    if (found > 0) return Ok{};
    if (found == 0) return Error(Errc::timed_out, "the peer does not go on");
    if (errno != EINTR) return posix_error(errno, "wait for", "peer");
  }
}

}  // namespace

Status wait_handshake(TlsSession& session, milliseconds at_most) {
  const auto until = SteadyClock::now() + at_most;
  while (true) {
    auto step = session.handshake();
    if (!step.ok()) return step.error();
    if (step.value() == TlsStep::done) return Ok{};
    const auto left = std::chrono::duration_cast<milliseconds>(until - SteadyClock::now());
    if (left <= milliseconds(0)) return Error(Errc::timed_out, "the TLS handshake took too long");
    Status s = wait_for(session, step.value(), left);
    if (!s.ok()) return s.error().while_doing("TLS handshake");
  }
}

Status read_all(TlsSession& session, std::span<char> buffer, Patience patience) {
  while (!buffer.empty()) {
    auto moved = session.read(buffer);
    if (!moved.ok()) return moved.error();
    if (moved.value().step == TlsStep::done) {
      buffer = buffer.subspan(moved.value().bytes);
    } else if (Status s = wait_for(session, moved.value().step, patience); !s.ok()) {
      return s;
    }
  }
  return Ok{};
}

Status write_all(TlsSession& session, std::string_view bytes, Patience patience) {
  while (!bytes.empty()) {
    auto moved = session.write(bytes);
    if (!moved.ok()) return moved.error();
    if (moved.value().step == TlsStep::done) {
      bytes.remove_prefix(moved.value().bytes);
    } else if (Status s = wait_for(session, moved.value().step, patience); !s.ok()) {
      return s;
    }
  }
  return Ok{};
}

}  // namespace stillframe
