#include "framework/daemon/service/brokered.hpp"

#include "framework/providers/host/hosted_provider.hpp"

namespace stillframe::daemon {
namespace {

guard::RecordedThaw recorded(const BrokerThaw& thaw) {
  using Outcome = guard::RecordedThaw::Outcome;
  const Outcome outcome = thaw.outcome == "thawed"       ? Outcome::thawed
                          : thaw.outcome == "not frozen" ? Outcome::not_frozen
                          : thaw.outcome == "left alone" ? Outcome::left_alone
                                                         : Outcome::failed;
  return {thaw.record, thaw.mount_point, outcome, thaw.message};
}

}  // namespace

void use_broker(coordinator::CoordinatorOptions& options, BrokerClient& broker) {
  options.thaw_leftovers = [&broker]() -> Result<std::vector<guard::RecordedThaw>> {
    auto thawed = broker.thaw();
    if (!thawed.ok()) return thawed.error();
    std::vector<guard::RecordedThaw> records;
    for (const BrokerThaw& one : thawed.value()) records.push_back(recorded(one));
    return records;
  };
  options.flush_volume = [&broker](const BytePath& mount_point) {
    return broker.flush(mount_point);
  };
}

std::function<Result<std::shared_ptr<Provider>>(const std::string&)> brokered_providers(
    const ProviderEnvironment& environment, BrokerClient& broker) {
  return [environment, &broker](const std::string& name) -> Result<std::shared_ptr<Provider>> {
    HostedProviderOptions options;
    options.timeouts.commit = environment.commit_max;
    options.timeouts.lease = environment.lease;
    options.starter = [&broker, name] { return broker.start_provider(name); };
    auto provider = start_hosted_provider(name, environment, options);
    if (!provider.ok()) return provider.error();
    return std::shared_ptr<Provider>(std::move(provider).value());
  };
}

HostSupervisor::Starter brokered_starter(BrokerClient& broker) {
  return [&broker](const HostSpec& spec) { return broker.spawn(spec.name); };
}

}  // namespace stillframe::daemon
