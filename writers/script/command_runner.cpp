#include "writers/script/command_runner.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "framework/base/account.hpp"
#include "framework/base/trusted_file.hpp"
#include "writers/script/session_protocol.hpp"

namespace stillframe::script {

namespace {

void set_variable(Variables& all, const std::string& name, const std::string& value) {
  for (auto& [known, content] : all) {
    if (known != name) continue;
    content = value;
    return;
  }
  all.emplace_back(name, value);
}

}  // namespace

Deadline deadline_for(const CallContext& call, std::chrono::milliseconds timeout) {
  const Deadline own(system_clock().now() + timeout);
  return call.deadline.at() == BootTime() ? own : std::min(own, call.deadline);
}

Result<CommandRunner> CommandRunner::create(const ScriptConfig& config, uid_t trusted_owner) {
  CommandRunner runner(trusted_owner);
  runner.working_directory_ = config.working_directory;
  runner.environment_ = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
  if (!config.user.empty()) {
    auto account = find_account(config.user);
    if (!account.ok()) return account.error();
    if (account.value().ids.uid != ::geteuid()) {
      if (::geteuid() != 0) {
        return Error(Errc::access_denied, "running commands as '" + config.user +
                                              "' needs root; run the writer as that user instead");
      }
      runner.user_ = account.value().ids;
    }
    set_variable(runner.environment_, "USER", account.value().name);
    set_variable(runner.environment_, "LOGNAME", account.value().name);
    set_variable(runner.environment_, "HOME", account.value().home);
  }
  for (const auto& [name, value] : config.environment) {
    set_variable(runner.environment_, name, value);
  }
  const Commands& c = config.commands;
  for (const Command* command :
       {&c.session, &c.prepare_backup, &c.prepare_snapshot, &c.freeze, &c.thaw, &c.post_snapshot,
        &c.backup_complete, &c.abort, &c.shutdown, &c.pre_restore, &c.post_restore}) {
    if (command->empty()) continue;
    if (Status s = check_trusted_program((*command)[0], trusted_owner); !s.ok()) return s.error();
  }
  return runner;
}

ChildOptions CommandRunner::options_for(const Command& command, const Variables& variables) const {
  ChildOptions options;
  options.command = command;
  options.environment = environment_;
  for (const auto& [name, value] : variables) set_variable(options.environment, name, value);
  options.working_directory = working_directory_;
  options.user = user_;
  return options;
}

Status CommandRunner::run(const Command& command, const Variables& variables,
                          std::chrono::milliseconds timeout, const CallContext& call) const {
  if (command.empty()) return Ok{};
  if (Status s = check_trusted_program(command[0], trusted_owner_); !s.ok()) return s;
  ChildOptions options = options_for(command, variables);
  options.output_is_complaint = true;
  auto child = ChildProcess::start(options);
  if (!child.ok()) return child.error();
  child.value()->close_input();
  auto ended = child.value()->wait(deadline_for(call, timeout), call.cancel);
  if (!ended.ok()) {
    child.value()->kill_group();
    return ended.error().while_doing("'" + escape_path(command[0]) + "' (killed)");
  }
  return status_of_exit(ended.value().code, ended.value().signal, command[0],
                        child.value()->complaints());
}

Result<std::unique_ptr<ChildProcess>> CommandRunner::start_session(
    const Command& command, const Variables& variables) const {
  if (Status s = check_trusted_program(command[0], trusted_owner_); !s.ok()) return s.error();
  ChildOptions options = options_for(command, variables);
  options.die_with_parent = true;
  return ChildProcess::start(options);
}

}  // namespace stillframe::script
