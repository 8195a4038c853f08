// A RequestorChannel over whatever connection there is to a coordinator.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <stillframe/requestor.hpp>

#include "framework/transport/connection.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {

struct GreetOptions {
  std::string coordinator;  // in messages: where it is
  std::string requestor_name;
  std::chrono::milliseconds timeout{5'000};
  bool same_machine = true;
  struct Greeting {
    wire::Welcome welcome;
    BootTime asked;  // when the hello was written, by our own clock
  };
  Greeting* welcome = nullptr;  // filled in where it is wanted
};

// Says hello on a connection that has not been started, and waits for the welcome. The channel owns
// the thread that the connection is on.
Result<std::unique_ptr<RequestorChannel>> greet(std::unique_ptr<IoThread> io,
                                                std::shared_ptr<Connection> connection,
                                                const GreetOptions& options);

}  // namespace stillframe
