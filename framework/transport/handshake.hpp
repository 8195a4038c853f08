// The server's half of the handshake, the same for writers and requestors.
#pragma once

#include <stillframe/time.hpp>

#include "framework/transport/connection.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {

// Checks a hello and answers with the welcome to send. `accepted` is when the connection came in.
Result<wire::Welcome> answer_hello(const wire::Hello& hello, wire::Role role, const Clock& clock);

// The same for a peer on another machine: its clock is another one, and nothing compares the two.
Result<wire::Welcome> answer_far_hello(const wire::Hello& hello, wire::Role role,
                                       const Clock& clock);

// The client's half: checks a welcome against the hello that was sent.
Status check_welcome(const wire::Welcome& welcome, const wire::Hello& sent, const Clock& clock);

// The part of it that is left when the coordinator is on another machine.
Status check_far_welcome(const wire::Welcome& welcome, const wire::Hello& sent);

// Sends a refusal and closes.
void refuse(Connection& connection, const Error& why);

}  // namespace stillframe
