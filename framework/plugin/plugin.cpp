#include "framework/plugin/plugin.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/plugin/c_provider.hpp"
#include "framework/plugin/c_writer.hpp"

namespace stillframe {
namespace {

constexpr const char* kEntry = "stillframe_plugin_entry";

// Whoever can write the file decides what this process does.
Status check_file(const BytePath& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return posix_error(errno, "look at plug-in", path);
  const std::string name = "plug-in '" + escape_path(path) + "'";
  if (!S_ISREG(st.st_mode)) return Error(Errc::invalid_argument, name + " is no regular file");
  if (st.st_uid != 0 && st.st_uid != ::geteuid()) {
    return Error(Errc::access_denied, name + " belongs to user " + std::to_string(st.st_uid) +
                                          "; it must belong to root or to the user that loads it");
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Errc::access_denied, name + " can be written by others; chmod go-w it");
  }
  return Ok{};
}

std::string last_dl_error() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "unknown";
}

}  // namespace

Result<std::shared_ptr<Plugin>> Plugin::load(const BytePath& path) {
  if (path.empty() || path[0] != '/') {
    return Error(Errc::invalid_argument, "plug-in path '" + escape_path(path) +
                                             "' is not absolute, so it would be searched for");
  }
  if (Status s = check_file(path); !s.ok()) return s.error();
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error(Errc::invalid_argument,
                 "cannot load plug-in '" + escape_path(path) + "': " + last_dl_error());
  }
  void* symbol = ::dlsym(handle, kEntry);
  if (symbol == nullptr) {
    return Error(Errc::invalid_argument, "'" + escape_path(path) + "' is no Stillframe plug-in: " +
                                             "it does not export " + kEntry);
  }
  return adopt(reinterpret_cast<stillframe_plugin_entry_function>(symbol),
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
