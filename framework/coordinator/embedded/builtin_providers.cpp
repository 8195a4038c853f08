#include "framework/coordinator/embedded/builtin_providers.hpp"

#include <unistd.h>

#include "framework/providers/builtin.hpp"
#include "framework/providers/command/command_provider.hpp"
#include "framework/providers/host/hosted_provider.hpp"

namespace stillframe::coordinator {
namespace {

using Maker = std::unique_ptr<Provider> (*)(ProviderEnvironment);

struct Builtin {
  const char* name;
  Maker make;
};

constexpr Builtin kBuiltins[] = {
    {"btrfs", make_btrfs_provider},
    {"reflink", make_reflink_provider},
    {"copy", make_copy_provider},
};

ProviderFactory factory_of(const Builtin& builtin, const ProviderEnvironment& environment,
                           const EmbeddedOptions& options) {
  if (options.providers_in_process)
    return [builtin, environment]() -> Result<std::shared_ptr<Provider>> {
      return std::shared_ptr<Provider>(builtin.make(environment));
    };
  HostedProviderOptions hosted;
  hosted.helper_dir = options.helper_dir;
  hosted.timeouts.commit = options.commit_limit;
  return [name = std::string(builtin.name), environment,
          hosted]() -> Result<std::shared_ptr<Provider>> {
    auto provider = start_hosted_provider(name, environment, hosted);
    if (!provider.ok()) return provider.error();
    return std::shared_ptr<Provider>(std::move(provider).value());
  };
}

}  // namespace

Status add_providers(ProviderPool& pool, const EmbeddedOptions& options, bool builtin,
                     EventSink& events, const std::string& host) {
  ProviderEnvironment environment;
  environment.state_directory = options.state_dir;
  environment.runtime_directory = options.runtime_dir;
  environment.events = &events;
  environment.host = host;
  environment.copy_bytes_max = options.copy_bytes_limit;
  environment.commit_max = options.commit_limit;
  if (builtin)
    for (const Builtin& known : kBuiltins)
      if (Status s = pool.add(factory_of(known, environment, options)); !s.ok())
        return s.error().while_doing(std::string("starting provider ") + known.name);

  CommandProviderOptions command;
  command.trusted_owner = ::geteuid();
  command.events = &events;
  for (const BytePath& file : options.command_providers) {
    const auto load = [file, command]() -> Result<std::shared_ptr<Provider>> {
      auto provider = load_command_provider(file, command);
      if (!provider.ok()) return provider.error();
      return std::shared_ptr<Provider>(std::move(provider).value());
    };
    if (Status s = pool.add(load); !s.ok())
      return s.error().while_doing("starting the provider of " + escape_path(file));
  }
  return Ok{};
}

}  // namespace stillframe::coordinator
