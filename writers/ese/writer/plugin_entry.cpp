// stillframe-writer-ese.so: a writer for databases at rest, in a plug-in host. Its configuration is
// that of resting_writer.hpp.
#include <exception>
#include <memory>
#include <utility>

#include <stillframe/plugin.h>

#include "framework/plugin/exported_writer.hpp"
#include "writers/ese/writer/resting_writer.hpp"

namespace stillframe::ese {

namespace {

std::int32_t make_resting_writer(const char* config_json, stillframe_writer* table,
                                 stillframe_error* error) {
  try {
    auto databases = parse_resting_databases(config_json);
    if (!databases.ok()) return plugin::report_failure(databases.error(), error);
    plugin::export_writer(
        std::make_unique<RestingWriter>(posix_files(), std::move(databases).value()), *table);
    return STILLFRAME_OK;
  } catch (const std::exception& thrown) {
    return plugin::report_failure(Error(Errc::writer_fatal, thrown.what()), error);
  }
}

constexpr stillframe_plugin kEsePlugin = {sizeof(stillframe_plugin),   STILLFRAME_PLUGIN_ABI_MAJOR,
                                          STILLFRAME_PLUGIN_ABI_MINOR, "ese",
                                          make_resting_writer,         nullptr};

}  // namespace

}  // namespace stillframe::ese

extern "C" __attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t) {
  return host_abi_major == STILLFRAME_PLUGIN_ABI_MAJOR ? &stillframe::ese::kEsePlugin : nullptr;
}
