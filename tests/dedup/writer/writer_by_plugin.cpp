#include "framework/plugin/plugin.hpp"
#include "tests/dedup/writer/writer_factory.hpp"

namespace stillframe::dedup::tests {

// As a plug-in host does it.
Result<std::unique_ptr<Writer>> make_dedup_writer(const std::string& config_json) {
  auto plugin = Plugin::load(STILLFRAME_DEDUP_PLUGIN);
  if (!plugin.ok()) return plugin.error();
  return plugin.value()->make_writer(config_json);
}

}  // namespace stillframe::dedup::tests
