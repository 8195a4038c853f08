#include "framework/providers/host/hosted_provider.hpp"

#include <cstdlib>

#include "framework/providers/guard/helper_path.hpp"

namespace stillframe {

Result<ChildOptions> provider_host_program(const std::string& name,
                                           const ProviderEnvironment& environment,
                                           const BytePath& helper_dir) {
  auto program = find_helper("stillframe-provider-host", helper_dir);
  if (!program.ok()) return program.error();
  ChildOptions host;
  host.command = {program.value(),    name,
                  "--state-dir",      environment.state_directory,
                  "--runtime-dir",    environment.runtime_directory,
                  "--host",           environment.host,
                  "--copy-bytes-max", std::to_string(environment.copy_bytes_max),
                  "--files-max",      std::to_string(environment.files_max),
                  "--commit-max-ms",  std::to_string(environment.commit_max.count()),
                  "--lease-ms",       std::to_string(environment.lease.count())};
  if (!helper_dir.empty()) {
    host.command.insert(host.command.end(), {"--helper-dir", helper_dir});
  }
  host.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
  if (const char* set = ::secure_getenv("STILLFRAME_LIBEXEC"); set != nullptr) {
    host.environment.emplace_back("STILLFRAME_LIBEXEC", set);
  }
  return host;
}

Result<std::unique_ptr<ProgramProvider>> start_hosted_provider(
    const std::string& name, const ProviderEnvironment& environment,
    const HostedProviderOptions& options) {
  ProgramProviderOptions host;
  host.name = "provider host of " + name;
  host.timeouts = options.timeouts;
  host.events = environment.events;
  host.start = options.starter;
  if (!options.starter) {
    auto program = provider_host_program(name, environment, options.helper_dir);
    if (!program.ok()) return program.error();
    host.program = std::move(program).value();
  }
  return ProgramProvider::start(std::move(host));
}

}  // namespace stillframe
