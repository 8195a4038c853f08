#include "writers/script/script_config.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "framework/base/config.hpp"
#include "framework/model/enum_names.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::script {

namespace {

constexpr std::size_t kComponentsMax = 10'000;

template <NamedEnum E>
E read_enum(ConfigTable& table, const std::string& key, E fallback) {
  const std::string name = table.text(key);
  if (name.empty()) return fallback;
  auto value = parse_enum<E>(name);
  if (!value.ok()) table.reject(key, value.error().what());
  return value.ok() ? value.value() : fallback;
}

// An absolute path, unescaped so that a file may name what is not UTF-8.
BytePath read_path(ConfigTable& table, const std::string& key, bool required) {
  const std::string text = required ? table.required_text(key) : table.text(key);
  if (text.empty()) return {};
  auto path = unescape_path(text);
  if (!path.ok()) {
    table.reject(key, path.error().what());
    return {};
  }
  if (!is_plain_absolute(path.value()) && path.value().front() != '$') {
    table.reject(key, "must be an absolute path without '.' and '..'");
  }
  return path.value();
}

bool is_variable_name(const std::string& name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

Version read_version(ConfigTable& table) {
  const std::string text = table.text("version");
  if (text.empty()) return {};
  Version version;
  const char* end = text.data() + text.size();
  auto major = std::from_chars(text.data(), end, version.major);
  const bool dot = major.ec == std::errc() && major.ptr != end && *major.ptr == '.';
  auto minor = dot ? std::from_chars(major.ptr + 1, end, version.minor) : major;
  if (!dot || minor.ec != std::errc() || minor.ptr != end) {
    table.reject("version", "must be written MAJOR.MINOR, such as \"1.0\"");
  }
  return version;
}

WriterClassId read_class(ConfigTable& table, const std::string& key) {
  auto id = WriterClassId::parse(table.required_text(key));
  if (!id.ok() || id.value().is_nil()) {
    table.reject(key, "must be an id such as uuidgen(1) prints");
    return {};
  }
  return id.value();
}

ComponentName read_component_name(ConfigTable& table, const std::string& key) {
  const std::string full = table.required_text(key);
  const auto slash = full.rfind('/');
  ComponentName name;
  name.logical_path = slash == std::string::npos ? "" : full.substr(0, slash);
  name.name = slash == std::string::npos ? full : full.substr(slash + 1);
  if (name.name.empty() || full.front() == '/') {
    table.reject(key, "must be a component's name such as \"Stores/EU/Mailbox\"");
  }
  return name;
}

FileSet read_file_set(ConfigTable table, bool database) {
  FileSet files;
  files.path = read_path(table, "path", true);
  files.pattern = unescape_path(table.text("pattern", "*")).ok()
                      ? unescape_path(table.text("pattern", "*")).value()
                      : BytePath();
  if (files.pattern.empty() || files.pattern.find('/') != BytePath::npos) {
    table.reject("pattern", "must be a file name, with ? and * if you like");
  }
  files.recursive = table.flag("recursive", false);
  if (table.has("alternate_path")) files.alternate_path = read_path(table, "alternate_path", true);
  files.is_log = table.flag("log", false);
  if (files.is_log && !database) table.reject("log", "is for components of type \"database\"");
  return files;
}

Component read_component(ConfigTable table) {
  Component component;
  component.type = read_enum(table, "type", ComponentType::file_group);
  component.name = read_component_name(table, "name");
  component.caption = table.text("caption");
  component.selectable_for_backup = table.flag("selectable_for_backup", true);
  component.selectable_for_restore = table.flag("selectable_for_restore", false);
  component.backup_recovery = table.flag("backup_recovery", false);
  component.rollback_recovery = table.flag("rollback_recovery", false);
  component.not_system_state = table.flag("not_system_state", false);
  for (ConfigTable& files : table.tables("files")) {
    component.files.push_back(read_file_set(files, component.type == ComponentType::database));
  }
  for (ConfigTable& needs : table.tables("dependency")) {
    Dependency dependency;
    dependency.writer_class = read_class(needs, "writer_class");
    dependency.component = read_component_name(needs, "component");
    dependency.host = needs.text("host");
    component.dependencies.push_back(std::move(dependency));
  }
  return component;
}

std::vector<ExcludedFiles> read_excluded(ConfigTable& root, const std::string& key) {
  std::vector<ExcludedFiles> all;
  for (ConfigTable& table : root.tables(key)) {
    ExcludedFiles one;
    one.path = read_path(table, "path", true);
    one.pattern = table.text("pattern", "*");
    one.recursive = table.flag("recursive", false);
    all.push_back(std::move(one));
  }
  return all;
}

void read_identity(ConfigTable table, ScriptConfig& config) {
  WriterIdentity& identity = config.identity;
  identity.class_id = read_class(table, "class_id");
  identity.name = table.required_text("name");
  identity.instance_name = table.text("instance_name", identity.name);
  identity.version = read_version(table);
  identity.usage = read_enum(table, "usage", UsageType::user_data);
  identity.source = read_enum(table, "source", SourceType::other);
  identity.level = read_enum(table, "level", FreezeLevel::front_end);
  if (table.has("hold_limit_ms")) {
    identity.hold_limit = table.milliseconds("hold_limit_ms", std::chrono::milliseconds(60'000));
  }
}

Command read_command(ConfigTable& table, const std::string& key) {
  Command command = table.texts(key);
  if (!command.empty() && !is_plain_absolute(command[0])) {
    table.reject(key, "must begin with the absolute path of a program");
  }
  if (command.empty() && table.has(key)) table.reject(key, "is empty");
  return command;
}

void read_run(ConfigTable table, ScriptConfig& config) {
  config.user = table.text("user");
  config.working_directory = read_path(table, "working_directory", false);
  if (config.working_directory.empty()) config.working_directory = "/";
  Commands& commands = config.commands;
  for (const auto& [key, command] :
       std::map<std::string, Command*>{{"session", &commands.session},
                                       {"prepare_backup", &commands.prepare_backup},
                                       {"prepare_snapshot", &commands.prepare_snapshot},
                                       {"freeze", &commands.freeze},
                                       {"thaw", &commands.thaw},
                                       {"post_snapshot", &commands.post_snapshot},
                                       {"backup_complete", &commands.backup_complete},
                                       {"abort", &commands.abort},
                                       {"shutdown", &commands.shutdown},
                                       {"pre_restore", &commands.pre_restore},
                                       {"post_restore", &commands.post_restore}}) {
    *command = read_command(table, key);
  }
  if (!commands.session.empty() &&
      !(commands.freeze.empty() && commands.thaw.empty() && commands.prepare_snapshot.empty())) {
    table.reject("session", "stands in for prepare_snapshot, freeze and thaw: remove those");
  }
  if (commands.freeze.empty() != commands.thaw.empty()) {
    table.reject(commands.freeze.empty() ? "thaw" : "freeze",
                 "needs its counterpart: what freezes must be able to thaw");
  }
}

void read_environment(ConfigTable table, ScriptConfig& config) {
  config.environment = table.all_texts();
  for (const auto& [name, value] : config.environment) {
    if (!is_variable_name(name)) table.reject(name, "is no name for an environment variable");
    if (name.starts_with("STILLFRAME_")) table.reject(name, "is set by Stillframe itself");
  }
}

void read_timeouts(ConfigTable table, Timeouts& timeouts) {
  timeouts.prepare = table.milliseconds("prepare", timeouts.prepare);
  timeouts.freeze = table.milliseconds("freeze", timeouts.freeze);
  timeouts.thaw = table.milliseconds("thaw", timeouts.thaw);
  timeouts.post = table.milliseconds("post", timeouts.post);
  timeouts.restore = table.milliseconds("restore", timeouts.restore);
}

void read_restore(ConfigTable table, ScriptConfig& config) {
  RestorePolicy& restore = config.restore;
  restore.method = read_enum(table, "method", RestoreMethod::restore_if_can_replace);
  restore.service = table.text("service");
  restore.user_procedure = table.text("user_procedure");
  restore.events = read_enum(table, "events", RestoreEvents::always);
  restore.reboot_required = table.flag("reboot_required", false);
  config.gate = read_path(table, "gate", false);
  const bool needs_service = restore.method == RestoreMethod::stop_restore_start ||
                             restore.method == RestoreMethod::restore_stop_start;
  if (needs_service && restore.service.empty()) {
    table.reject("service", "must name the service that the method stops and starts");
  }
  for (ConfigTable& mapping : table.tables("alternate_mapping")) {
    AlternateMapping one;
    one.path = read_path(mapping, "path", true);
    one.pattern = mapping.text("pattern", "*");
    one.recursive = mapping.flag("recursive", false);
    one.destination = read_path(mapping, "destination", true);
    config.alternate_mappings.push_back(std::move(one));
  }
}

// ${NAME} and $NAME in the paths of file sets, from the file's own [environment]: the writer's
// process has none that an administrator could see.
std::optional<BytePath> expand(const BytePath& path, const ScriptConfig& config) {
  BytePath out;
  for (std::size_t i = 0; i < path.size();) {
    if (path[i] != '$') {
      out.push_back(path[i++]);
      continue;
    }
    const bool braces = i + 1 < path.size() && path[i + 1] == '{';
    std::size_t begin = i + (braces ? 2 : 1), end = begin;
    while (end < path.size() && is_variable_name(path.substr(begin, end - begin + 1))) ++end;
    if (braces && (end >= path.size() || path[end] != '}')) return std::nullopt;
    const auto found =
        std::find_if(config.environment.begin(), config.environment.end(),
                     [&](const auto& one) { return one.first == path.substr(begin, end - begin); });
    if (found == config.environment.end()) return std::nullopt;
    out += found->second;
    i = end + (braces ? 1 : 0);
  }
  if (!is_plain_absolute(out)) return std::nullopt;
  return out;
}

void expand_paths(ConfigTable& root, ScriptConfig& config) {
  const auto expand_in_place = [&](BytePath& path, const char* key) {
    auto expanded = expand(path, config);
    if (expanded) {
      path = std::move(*expanded);
    } else {
      root.reject(key, "has the path '" + escape_path(path) +
                           "', whose variables [environment] does not make an absolute path");
    }
  };
  for (Component& component : config.components) {
    for (FileSet& files : component.files) {
      expand_in_place(files.path, "component");
      if (files.alternate_path) expand_in_place(*files.alternate_path, "component");
    }
  }
  for (ExcludedFiles& one : config.exclude) expand_in_place(one.path, "exclude");
  for (ExcludedFiles& one : config.exclude_from_snapshot) {
    expand_in_place(one.path, "exclude_from_snapshot");
  }
  for (AlternateMapping& one : config.alternate_mappings) {
    expand_in_place(one.path, "restore");
    expand_in_place(one.destination, "restore");
  }
}

void check_components(ConfigTable& root, const ScriptConfig& config) {
  if (config.components.empty()) root.reject("component", "is missing: a writer owns something");
  if (config.components.size() > kComponentsMax) {
    root.reject("component", "is there more than " + std::to_string(kComponentsMax) + " times");
  }
  std::set<ComponentName> names;
  for (const Component& component : config.components) {
    if (!names.insert(component.name).second) {
      root.reject("component", "'" + component.name.full() + "' is there twice");
    }
  }
}

}  // namespace

Result<ScriptConfig> parse_script_config(std::string_view toml, std::string_view source) {
  auto parsed = ConfigTable::parse(toml, source);
  if (!parsed.ok()) return parsed.error();
  ConfigTable root = parsed.value();
  ScriptConfig config;
  const std::int64_t format = root.number("format", 0, 0, INT64_MAX);
  if (format > 1) {
    return Error(Errc::future_version, escape_path(source) + ": format " + std::to_string(format) +
                                           " is newer than this program, which reads format 1");
  }
  if (format != 1) root.reject("format", "must be 1");
  read_environment(root.table("environment"), config);
  read_identity(root.table("writer"), config);
  read_run(root.table("run"), config);
  read_timeouts(root.table("timeouts_ms"), config.timeouts);
  read_restore(root.table("restore"), config);
  for (ConfigTable& table : root.tables("component")) {
    config.components.push_back(read_component(table));
  }
  config.exclude = read_excluded(root, "exclude");
  config.exclude_from_snapshot = read_excluded(root, "exclude_from_snapshot");
  check_components(root, config);
  expand_paths(root, config);

  Capabilities& can = config.identity.capabilities;
  if (!config.commands.pre_restore.empty() || !config.commands.post_restore.empty()) {
    can.add(Capability::restore_events);
  }
  if (!config.gate.empty()) can.add(Capability::staged_restore).add(Capability::restore_events);
  if (Status s = root.finish(); !s.ok()) return s.error();
  return config;
}

}  // namespace stillframe::script
