#include "framework/daemon/hosts/host_program.hpp"

#include <utility>

#include "framework/daemon/hosts/plugin_host.hpp"
#include "framework/providers/guard/helper_path.hpp"

namespace stillframe::daemon {

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

void run_as(ChildOptions& program, const Account& account) {
  program.user = account.ids;
  for (const auto& [name, value] :
       {std::pair{"USER", account.name}, {"LOGNAME", account.name}, {"HOME", account.home}}) {
    program.environment.emplace_back(name, value);
  }
}

}  // namespace stillframe::daemon
