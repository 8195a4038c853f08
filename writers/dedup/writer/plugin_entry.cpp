// stillframe-writer-dedup.so: the writer of a deduplicated volume, in a plug-in host that runs as
// root. Its configuration is that of backed_up_volume.hpp.
#include <exception>
#include <memory>
#include <utility>

#include <stillframe/plugin.h>

#include "framework/plugin/exported_writer.hpp"
#include "writers/dedup/writer/dedup_files_writer.hpp"

namespace stillframe::dedup {

namespace {

std::int32_t make_dedup_writer(const char* config_json, stillframe_writer* table,
                               stillframe_error* error) {
  try {
    auto volume = parse_backed_up_volume(config_json);
    if (!volume.ok()) return plugin::report_failure(volume.error(), error);
    plugin::export_writer(make_dedup_writer(std::move(volume).value()), *table);
    return STILLFRAME_OK;
  } catch (const std::exception& thrown) {
    return plugin::report_failure(Error(Errc::writer_fatal, thrown.what()), error);
  }
}

constexpr stillframe_plugin kDedupPlugin = {
    sizeof(stillframe_plugin),   STILLFRAME_PLUGIN_ABI_MAJOR,
    STILLFRAME_PLUGIN_ABI_MINOR, "dedup",
    make_dedup_writer,           nullptr};

}  // namespace

}  // namespace stillframe::dedup

extern "C" __attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t) {
  return host_abi_major == STILLFRAME_PLUGIN_ABI_MAJOR ? &stillframe::dedup::kDedupPlugin : nullptr;
}
