// The providers a coordinator starts with.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/provider_pool/provider_pool.hpp"
#include "framework/providers/builtin.hpp"

namespace stillframe::coordinator {

struct ProviderSetup {
  ProviderEnvironment environment;
  bool builtin = true;
  // Makes one more object of a built-in provider, by name.
  std::function<Result<std::shared_ptr<Provider>>(const std::string& name)> make;
  std::vector<BytePath> command_files;  // configurations of command providers
  // Others that can be made again and again, by name.
  std::vector<std::pair<std::string, ProviderFactory>> more;
};

// Each in a process of its own, a child of this one; or in this process, where a crash of it is
// ours.
std::function<Result<std::shared_ptr<Provider>>(const std::string&)> hosted_providers(
    const ProviderEnvironment& environment, const BytePath& helper_dir);
std::function<Result<std::shared_ptr<Provider>>(const std::string&)> providers_in_process(
    const ProviderEnvironment& environment);

// One that cannot start is no reason to do without the others: an event says so, and so does every
// plan that misses it.
void add_providers(ProviderPool& pool, const ProviderSetup& setup);

}  // namespace stillframe::coordinator
