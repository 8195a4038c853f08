#include "framework/plugin/plugin.hpp"

#include "framework/base/shared_object.hpp"
#include "framework/plugin/c_provider.hpp"
#include "framework/plugin/c_writer.hpp"

namespace stillframe {
namespace {

constexpr const char* kEntry = "stillframe_plugin_entry";

}  // namespace

Result<std::shared_ptr<Plugin>> Plugin::load(const BytePath& path) {
  const auto entry = load_symbol(path, kEntry);
  if (!entry.ok()) return entry.error();
  return adopt(reinterpret_cast<stillframe_plugin_entry_function>(entry.value()),
               "plug-in '" + escape_path(path) + "'");
}

Result<std::shared_ptr<Plugin>> Plugin::adopt(stillframe_plugin_entry_function entry,
                                              std::string where) {
  const stillframe_plugin* plugin = entry(STILLFRAME_PLUGIN_ABI_MAJOR, STILLFRAME_PLUGIN_ABI_MINOR);
  if (plugin == nullptr) {
    return Error(Errc::not_supported, where + " does not work with version " +
                                          std::to_string(STILLFRAME_PLUGIN_ABI_MAJOR) + "." +
                                          std::to_string(STILLFRAME_PLUGIN_ABI_MINOR) +
                                          " of the plug-in interface");
  }
  if (plugin->abi_major != STILLFRAME_PLUGIN_ABI_MAJOR) {
    return Error(Errc::not_supported,
                 where + " speaks version " + std::to_string(plugin->abi_major) +
                     " of the plug-in interface, this program version " +
                     std::to_string(STILLFRAME_PLUGIN_ABI_MAJOR) + "; rebuild the plug-in");
  }
  if (plugin->size < sizeof(stillframe_plugin) || plugin->name == nullptr) {
    return Error(Errc::invalid_argument, where + " describes itself incompletely");
  }
  return std::shared_ptr<Plugin>(new Plugin(plugin, std::move(where)));
}

std::string Plugin::name() const {
  return plugin_->name;
}

Result<std::unique_ptr<Writer>> Plugin::make_writer(std::string_view config_json) {
  if (plugin_->make_writer == nullptr) {
    return Error(Errc::not_supported, where_ + " makes no writers");
  }
  plugin::Table<stillframe_writer> table;
  stillframe_error error{};
  const std::int32_t code =
      plugin_->make_writer(std::string(config_json).c_str(), table.get(), &error);
  if (Status s = plugin::outcome(code, error, Errc::writer_fatal, "make_writer"); !s.ok()) {
    return s.error().while_doing(where_);
  }
  auto writer = plugin::wrap_writer(std::move(table));
  if (!writer.ok()) return writer.error().while_doing(where_);
  return writer;
}

Result<std::unique_ptr<Provider>> Plugin::make_provider(std::string_view config_json) {
  if (plugin_->make_provider == nullptr) {
    return Error(Errc::not_supported, where_ + " makes no providers");
  }
  plugin::Table<stillframe_provider> table;
  stillframe_error error{};
  const std::int32_t code =
      plugin_->make_provider(std::string(config_json).c_str(), table.get(), &error);
  if (Status s = plugin::outcome(code, error, Errc::provider_failed, "make_provider"); !s.ok()) {
    return s.error().while_doing(where_);
  }
  auto provider = plugin::wrap_provider(std::move(table));
  if (!provider.ok()) return provider.error().while_doing(where_);
  return provider;
}

}  // namespace stillframe
