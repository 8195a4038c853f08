#include "framework/daemon/hosts/host_starter.hpp"

#include <cstdlib>

#include <unistd.h>

#include "framework/base/account.hpp"
#include "framework/daemon/hosts/plugin_host.hpp"
#include "framework/providers/guard/helper_path.hpp"

namespace stillframe::daemon {

namespace {

void set_user(ChildOptions& program, const Account& account) {
  program.user = account.ids;
  for (const auto& [name, value] :
       {std::pair{"USER", account.name}, {"LOGNAME", account.name}, {"HOME", account.home}}) {
    program.environment.emplace_back(name, value);
  }
}

Result<std::unique_ptr<ChildProcess>> start_directly(const HostSpec& spec,
                                                     const HostStarterOptions& options) {
  auto program = host_program(spec, options);
  if (!program.ok()) return program.error();
  if (!spec.user.empty()) {
    auto account = find_account(spec.user);
    if (!account.ok()) return account.error();
    if (account.value().ids.uid != ::geteuid()) {
      if (::geteuid() != 0) {
        return Error(Errc::access_denied,
                     "running as '" + spec.user + "' needs root, or the broker");
      }
      set_user(program.value(), account.value());
    }
  }
  return ChildProcess::start(program.value());
}

}  // namespace

Result<ChildOptions> host_program(const HostSpec& spec, const HostStarterOptions& options) {
  auto path = find_helper(kPluginHostProgram, options.helper_dir);
  if (!path.ok()) return path.error();
  ChildOptions program;
  program.command = {path.value(),   "--kind",          std::string(kind_name(spec.kind)),
                     "--name",       spec.name,         "--file",
                     spec.file,      "--config",        spec.config_json,
                     "--socket-dir", options.socket_dir};
  program.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
  // A provider answers on its standard output.
  program.output_is_complaint = spec.kind != HostKind::plugin_provider;
  return program;
}

HostSupervisor::Starter direct_starter(HostStarterOptions options) {
  return [options = std::move(options)](const HostSpec& spec) {
    return start_directly(spec, options);
  };
}

}  // namespace stillframe::daemon
