// Loads plug-ins (<stillframe/plugin.h>) and makes their writers and providers look like any other.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <stillframe/plugin.h>
#include <stillframe/provider.hpp>
#include <stillframe/writer.hpp>

namespace stillframe {

class Plugin {
 public:
  // Loads a shared object. access_denied when others than its owner can write it, or its owner is
  // neither root nor this process's user; not_supported when it speaks another version of the
  // interface; invalid_argument when it is no plug-in. A plug-in is never unloaded: its code may be
  // on some thread's stack.
  static Result<std::shared_ptr<Plugin>> load(const BytePath& path);
  // For plug-ins that are linked in, and for tests.
  static Result<std::shared_ptr<Plugin>> adopt(stillframe_plugin_entry_function entry,
                                               std::string where);

  std::string name() const;
  // not_supported when the plug-in makes none. `config_json` is a JSON object.
  Result<std::unique_ptr<Writer>> make_writer(std::string_view config_json);
  Result<std::unique_ptr<Provider>> make_provider(std::string_view config_json);

 private:
  Plugin(const stillframe_plugin* plugin, std::string where)
      : plugin_(plugin), where_(std::move(where)) {}

  const stillframe_plugin* plugin_;
  const std::string where_;
};

}  // namespace stillframe
