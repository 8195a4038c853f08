// Starts the commands of one declarative writer: as its user, in its folder, with its environment,
// each checked again just before it runs.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/writer.hpp>

#include "framework/base/child_process.hpp"
#include "writers/script/script_config.hpp"

namespace stillframe::script {

using Variables = std::vector<std::pair<std::string, std::string>>;

class CommandRunner {
 public:
  // not_found when the file names a user that this machine does not have; access_denied when a
  // program is not trusted.
  static Result<CommandRunner> create(const ScriptConfig& config, uid_t trusted_owner);

  // Runs a command to its end. The earlier of `timeout` and the call's deadline ends it, with its
  // whole process group.
  Status run(const Command& command, const Variables& variables, std::chrono::milliseconds timeout,
             const CallContext& call) const;

  // A child to talk to, which dies with the calling thread.
  Result<std::unique_ptr<ChildProcess>> start_session(const Command& command,
                                                      const Variables& variables) const;

 private:
  explicit CommandRunner(uid_t trusted_owner) : trusted_owner_(trusted_owner) {}
  ChildOptions options_for(const Command& command, const Variables& variables) const;

  uid_t trusted_owner_;
  BytePath working_directory_;
  Variables environment_;
  std::optional<ChildUser> user_;
};

// The earlier of a call's own deadline and `timeout` from now. A deadline at time zero is none.
Deadline deadline_for(const CallContext& call, std::chrono::milliseconds timeout);

}  // namespace stillframe::script
