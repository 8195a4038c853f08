#include "framework/coordinator/assembly/built_in_providers.hpp"

#include <unistd.h>

#include "framework/coordinator/event_ids.hpp"
#include "framework/providers/command/command_provider.hpp"
#include "framework/providers/host/hosted_provider.hpp"
#include "framework/providers/host/make_provider.hpp"

namespace stillframe::coordinator {
namespace {

template <class T>
Result<std::shared_ptr<Provider>> shared(Result<std::unique_ptr<T>> provider) {
  if (!provider.ok()) return provider.error();
  return std::shared_ptr<Provider>(std::move(provider).value());
}

void add(ProviderPool& pool, const std::string& name, const ProviderFactory& factory,
         EventSink& events) {
  const Status added = pool.add(factory);
  if (added.ok()) return;
  pool.note_unavailable(name, added.error(), factory);
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

std::function<Result<std::shared_ptr<Provider>>(const std::string&)> hosted_providers(
    const ProviderEnvironment& environment, const BytePath& helper_dir) {
  HostedProviderOptions hosted;
  hosted.helper_dir = helper_dir;
  hosted.timeouts.commit =
      std::chrono::duration_cast<std::chrono::milliseconds>(environment.commit_max);
  hosted.timeouts.lease = environment.lease;
  return [environment, hosted](const std::string& name) {
    return shared(start_hosted_provider(name, environment, hosted));
  };
}

std::function<Result<std::shared_ptr<Provider>>(const std::string&)> providers_in_process(
    const ProviderEnvironment& environment) {
  return
      [environment](const std::string& name) { return shared(make_provider(name, environment)); };
}

void add_providers(ProviderPool& pool, const ProviderSetup& setup) {
  EventSink& events = *setup.environment.events;
  if (setup.builtin)
    for (const std::string& name : builtin_provider_names())
      add(
          pool, name, [make = setup.make, name] { return make(name); }, events);

  CommandProviderOptions command;
  command.trusted_owner = ::geteuid();
  command.events = &events;
  for (const BytePath& file : setup.command_files) {
    const auto load = [file, command] { return shared(load_command_provider(file, command)); };
    add(pool, escape_path(file), load, events);
  }
  for (const auto& [name, factory] : setup.more) add(pool, name, factory, events);
}

}  // namespace stillframe::coordinator
