#include "framework/daemon/hosts/host_spec.hpp"

#include <algorithm>
#include <set>

namespace stillframe::daemon {

namespace {

constexpr std::size_t kNameBytesMax = 64;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

void check_name(ConfigTable& table, const std::string& name, std::set<std::string>& taken) {
  if (name.empty()) return;  // reported as missing
  if (name.size() > kNameBytesMax || !std::all_of(name.begin(), name.end(), is_plain)) {
    table.reject("name", "is '" + escape_path(name) + "', but must be at most " +
                             std::to_string(kNameBytesMax) + " letters, digits, '.', '_' and '-'");
  } else if (name.front() == '.' || name.front() == '-') {
    table.reject("name", "is '" + name + "', but must begin with a letter, a digit or '_'");
  } else if (!taken.insert(name).second) {
    table.reject("name", "is '" + name + "', which another [[plugin]] or [[writer]] has already");
  }
}

HostSpec read_common(ConfigTable& table, std::set<std::string>& taken) {
  HostSpec spec;
  spec.name = table.required_text("name");
  check_name(table, spec.name, taken);
  spec.file = table.required_text("file");
  if (!spec.file.empty() && spec.file.front() != '/') {
    table.reject("file", "is '" + escape_path(spec.file) + "', but must be a path from /");
  }
  spec.user = table.text("user");
  if (table.has("user") && spec.user.empty()) {
    table.reject("user", "is empty; leave it out to run as the user of the daemon");
  }
  return spec;
}

HostKind read_makes(ConfigTable& table) {
  const std::string makes = table.required_text("makes");
  if (makes == "provider") return HostKind::plugin_provider;
  if (!makes.empty() && makes != "writer") {
    table.reject("makes",
                 "is '" + escape_path(makes) + "', but must be \"writer\" or \"provider\"");
  }
  return HostKind::plugin_writer;
}

}  // namespace

std::string_view kind_name(HostKind kind) noexcept {
  switch (kind) {
    case HostKind::plugin_writer:
      return "writer";
    case HostKind::plugin_provider:
      return "provider";
    case HostKind::declarative_writer:
      return "declarative";
  }
  return "unknown";
}

std::optional<HostKind> kind_of(std::string_view name) noexcept {
  for (const HostKind kind :
       {HostKind::plugin_writer, HostKind::plugin_provider, HostKind::declarative_writer}) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::vector<HostSpec> read_host_specs(ConfigTable& table) {
  std::vector<HostSpec> specs;
  std::set<std::string> taken;
  for (ConfigTable& plugin : table.tables("plugin")) {
    HostSpec spec = read_common(plugin, taken);
    spec.kind = read_makes(plugin);
    spec.config_json = plugin.json_object("config");
    specs.push_back(std::move(spec));
  }
  for (ConfigTable& writer : table.tables("writer")) {
    HostSpec spec = read_common(writer, taken);
    spec.kind = HostKind::declarative_writer;
    spec.config_json = "{}";
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace stillframe::daemon
