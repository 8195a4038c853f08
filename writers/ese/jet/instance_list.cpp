#include "writers/ese/jet/instance_list.hpp"

#include <utility>

namespace stillframe::ese::jet {

std::vector<ListedInstance> list_instances(const std::vector<std::shared_ptr<JetInstance>>& those) {
  std::vector<ListedInstance> all;
  for (const auto& instance : those) {
    ListedInstance listed{instance->handle(), instance->name()};
    const auto use = InstanceUse::enter(instance);
    if (use.ok()) listed.databases = use.value().instance().databases().paths();
    all.push_back(std::move(listed));
  }
  return all;
}

}  // namespace stillframe::ese::jet
