#include "framework/coordinator/embedded/builtin_providers.hpp"

#include <unistd.h>

#include "framework/coordinator/event_ids.hpp"
#include "framework/providers/command/command_provider.hpp"
#include "framework/providers/host/hosted_provider.hpp"
#include "framework/providers/host/make_provider.hpp"

namespace stillframe::coordinator {
namespace {

ProviderFactory factory_of(const std::string& name, const ProviderEnvironment& environment,
                           const EmbeddedOptions& options) {
  if (options.providers_in_process)
    return [name, environment]() -> Result<std::shared_ptr<Provider>> {
      auto provider = make_provider(name, environment);
      if (!provider.ok()) return provider.error();
      return std::shared_ptr<Provider>(std::move(provider).value());
    };
  HostedProviderOptions hosted;
  hosted.helper_dir = options.helper_dir;
  hosted.timeouts.commit = options.commit_limit;
  return [name, environment, hosted]() -> Result<std::shared_ptr<Provider>> {
    auto provider = start_hosted_provider(name, environment, hosted);
    if (!provider.ok()) return provider.error();
    return std::shared_ptr<Provider>(std::move(provider).value());
  };
}

void add(ProviderPool& pool, const std::string& name, const ProviderFactory& factory,
         EventSink& events) {
  const Status added = pool.add(factory);
  if (added.ok()) return;
  pool.note_unavailable(name, added.error());
  EventRecord event;
  event.id = kEventProviderUnavailable;
  event.source = "coordinator";
  event.level = EventLevel::error;
  event.message = "provider " + name + " could not be started: " + added.error().what();
  event.fields = {{"provider", name}};
  event.when = system_clock().wall_now();
  events.emit(event);
}

}  // namespace

void add_providers(ProviderPool& pool, const EmbeddedOptions& options, bool builtin,
                   EventSink& events, const std::string& host) {
  ProviderEnvironment environment;
  environment.state_directory = options.state_dir;
  environment.runtime_directory = options.runtime_dir;
  environment.events = &events;
  environment.host = host;
  environment.copy_bytes_max = options.copy_bytes_limit;
  environment.commit_max = options.commit_limit;
  if (builtin)
    for (const std::string& name : builtin_provider_names())
      add(pool, name, factory_of(name, environment, options), events);

  CommandProviderOptions command;
  command.trusted_owner = ::geteuid();
  command.events = &events;
  for (const BytePath& file : options.command_providers) {
    const auto load = [file, command]() -> Result<std::shared_ptr<Provider>> {
      auto provider = load_command_provider(file, command);
      if (!provider.ok()) return provider.error();
      return std::shared_ptr<Provider>(std::move(provider).value());
    };
    add(pool, escape_path(file), load, events);
  }
}

}  // namespace stillframe::coordinator
