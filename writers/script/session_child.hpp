// One resident child of a declarative writer, from prepare_snapshot() to thaw().
#pragma once

#include <memory>
#include <string>

#include "writers/script/command_runner.hpp"
#include "writers/script/session_protocol.hpp"

namespace stillframe::script {

// Destruction releases what the child holds, by killing it when need be.
class SessionChild {
 public:
  // Starts it and exchanges HELLO.
  static Result<std::unique_ptr<SessionChild>> start(const CommandRunner& runner,
                                                     const Command& command,
                                                     const Variables& variables, Deadline deadline,
                                                     const CancelToken* cancel);

  // PREPARE or FREEZE. An error leaves no child behind that could hold anything.
  Status ask(const std::string& request, Deadline deadline, const CancelToken* cancel);
  // Ends the hold: on return the child has let go or is dead. The answer to THAW, or why there is
  // none.
  Result<SessionAnswer> thaw(Deadline deadline);
  // ABORT and END, each for as long as `grace`, then the kill.
  void finish(bool aborted, std::chrono::milliseconds grace);

 private:
  SessionChild(std::unique_ptr<ChildProcess> child, std::string program)
      : child_(std::move(child)), program_(std::move(program)) {}
  Result<SessionAnswer> exchange(const std::string& request, Deadline deadline,
                                 const CancelToken* cancel);
  Error explain(const std::string& request, const Error& error);

  std::unique_ptr<ChildProcess> child_;
  std::string program_;
};

}  // namespace stillframe::script
