#include "framework/providers/host/hosted_provider.hpp"

#include <cstdlib>

#include "framework/providers/guard/helper_path.hpp"

namespace stillframe {

Result<std::unique_ptr<ProgramProvider>> start_hosted_provider(
    const std::string& name, const ProviderEnvironment& environment,
    const HostedProviderOptions& options) {
  auto program = find_helper("stillframe-provider-host", options.helper_dir);
  if (!program.ok()) return program.error();
  ProgramProviderOptions host;
  host.name = "provider host of " + name;
  host.timeouts = options.timeouts;
  host.events = environment.events;
  host.program.command = {program.value(),    name,
                          "--state-dir",      environment.state_directory,
                          "--runtime-dir",    environment.runtime_directory,
                          "--host",           environment.host,
                          "--copy-bytes-max", std::to_string(environment.copy_bytes_max),
                          "--files-max",      std::to_string(environment.files_max),
                          "--commit-max-ms",  std::to_string(environment.commit_max.count())};
  if (!options.helper_dir.empty()) {
    host.program.command.insert(host.program.command.end(), {"--helper-dir", options.helper_dir});
  }
  host.program.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C.UTF-8"}};
  if (const char* set = ::secure_getenv("STILLFRAME_LIBEXEC"); set != nullptr) {
    host.program.environment.emplace_back("STILLFRAME_LIBEXEC", set);
  }
  return ProgramProvider::start(std::move(host));
}

}  // namespace stillframe
