#include "framework/transport/handshake.hpp"

#include <unistd.h>

namespace stillframe {

Result<wire::Welcome> answer_far_hello(const wire::Hello& hello, wire::Role role,
                                       const Clock& clock) {
  auto protocol = wire::negotiate(hello);
  if (!protocol.ok()) return protocol.error();
  if (hello.role != role) {
    return Error(Errc::invalid_argument,
                 std::string("this socket is for ") +
                     (role == wire::Role::writer ? "writers" : "requestors") +
                     "; connect to the other one of the same directory");
  }
  wire::Welcome welcome;
  welcome.protocol = protocol.value();
  welcome.pid = ::getpid();
  welcome.clock = wire::sample_clock(clock);
  return welcome;
}

Result<wire::Welcome> answer_hello(const wire::Hello& hello, wire::Role role, const Clock& clock) {
  auto welcome = answer_far_hello(hello, role, clock);
  if (!welcome.ok()) return welcome;
  const wire::ClockSample& own = welcome.value().clock;
  // The hello was written before now; how long before cannot be known, so this side of the check is
  // loose and the one on the welcome is exact.
  if (Status s = wire::compare_clocks(own, hello.clock, BootTime{}, own.boot); !s.ok()) {
    return s.error();
  }
  return welcome;
}

Status check_far_welcome(const wire::Welcome& welcome, const wire::Hello& sent) {
  if (welcome.protocol < sent.protocol_min || welcome.protocol > sent.protocol_max) {
    return Error(Errc::future_version, "the coordinator chose protocol " +
                                           std::to_string(welcome.protocol) +
                                           ", which this side did not offer");
  }
  return Ok{};
}

Status check_welcome(const wire::Welcome& welcome, const wire::Hello& sent, const Clock& clock) {
  if (Status s = check_far_welcome(welcome, sent); !s.ok()) return s;
  return wire::compare_clocks(sent.clock, welcome.clock, sent.clock.boot, clock.now());
}

void refuse(Connection& connection, const Error& why) {
  connection.send(wire::encode(wire::Refuse{why}));
  connection.close(why);
}

}  // namespace stillframe
