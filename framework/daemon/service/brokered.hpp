// What a coordinator without privileges does through the broker.
#pragma once

#include "framework/coordinator/assembly/built_in_providers.hpp"
#include "framework/coordinator/assembly/coordinator.hpp"
#include "framework/daemon/broker/broker_client.hpp"
#include "framework/daemon/hosts/host_supervisor.hpp"

namespace stillframe::daemon {

// Thaws what an earlier run left, and flushes, by `broker`, which outlives the coordinator.
void use_broker(coordinator::CoordinatorOptions& options, BrokerClient& broker);

// Providers whose hosts the broker starts. Command providers are named to it like built-in ones.
std::function<Result<std::shared_ptr<Provider>>(const std::string&)> brokered_providers(
    const ProviderEnvironment& environment, BrokerClient& broker);

HostSupervisor::Starter brokered_starter(BrokerClient& broker);

}  // namespace stillframe::daemon
