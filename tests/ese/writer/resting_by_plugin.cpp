#include "framework/plugin/plugin.hpp"
#include "tests/ese/writer/resting_factory.hpp"

namespace stillframe::ese::tests {

// As a plug-in host does it.
Result<std::unique_ptr<Writer>> make_writer_at_rest(const std::string& config_json) {
  auto plugin = Plugin::load(STILLFRAME_ESE_PLUGIN);
  if (!plugin.ok()) return plugin.error();
  return plugin.value()->make_writer(config_json);
}

}  // namespace stillframe::ese::tests
