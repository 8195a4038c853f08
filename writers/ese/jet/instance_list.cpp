#include "writers/ese/jet/instance_list.hpp"

namespace stillframe::ese::jet {

ListedInstance list_instance(JetInstance& instance, bool inside) {
  ListedInstance listed{instance.handle(), instance.name()};
  if (inside) listed.databases = instance.databases().paths();
  return listed;
}

std::vector<ListedInstance> list_instances(const std::vector<std::shared_ptr<JetInstance>>& those) {
  std::vector<ListedInstance> all;
  for (const auto& instance : those) {
    const auto use = InstanceUse::enter(instance);
    all.push_back(list_instance(*instance, use.ok()));
  }
  return all;
}

}  // namespace stillframe::ese::jet
