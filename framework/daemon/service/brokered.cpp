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

// The daemon itself may see little of the machine: not what lies below folders that are closed to
// it, nor where links in them lead.
class BrokeredVolumes final : public coordinator::VolumeSource {
 public:
  BrokeredVolumes(BrokerClient& broker, std::vector<Volume> volumes)
      : broker_(broker), volumes_(std::move(volumes)) {}

  Result<coordinator::Located> locate(const BytePath& path) const override {
    return broker_.locate(path);
  }
  std::vector<Volume> volumes() const override { return volumes_; }
  Status check_apart(const Volume& one, const Volume& other) const override {
    return broker_.check_apart(one.mount_point, other.mount_point);
  }

 private:
  BrokerClient& broker_;
  const std::vector<Volume> volumes_;
};

}  // namespace

void use_broker(coordinator::CoordinatorOptions& options, BrokerClient& broker) {
  options.thaw_leftovers = [&broker]() -> Result<std::vector<guard::RecordedThaw>> {
    auto thawed = broker.thaw();
    if (!thawed.ok()) return thawed.error();
    std::vector<guard::RecordedThaw> records;
    for (const BrokerThaw& one : thawed.value()) records.push_back(recorded(one));
    return records;
  };
  options.look_at_volumes = [&broker]() -> Result<std::unique_ptr<coordinator::VolumeSource>> {
    auto volumes = broker.volumes();
    if (!volumes.ok()) return volumes.error();
    return std::unique_ptr<coordinator::VolumeSource>(
        std::make_unique<BrokeredVolumes>(broker, std::move(volumes).value()));
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
