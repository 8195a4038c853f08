#include "framework/daemon/config/daemon_config.hpp"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::daemon {
namespace {

// Files in conf.d that end in .toml, in the order of their names. A missing folder is an empty one.
Result<std::vector<BytePath>> drop_ins(const BytePath& main) {
  const auto slash = main.rfind('/');
  const BytePath folder =
      (slash == BytePath::npos ? BytePath(".") : main.substr(0, slash)) + "/conf.d";
  std::vector<BytePath> files;
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure), end;
  if (failure == std::errc::no_such_file_or_directory) return files;
  for (; !failure && entry != end; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".toml") && name.front() != '.') files.push_back(entry->path().string());
  }
  if (failure) return posix_error(failure.value(), "read the folder", folder);
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<ConfigSource>> read_sources(const ConfigFiles& files, std::int64_t own_uid) {
  std::vector<BytePath> names;
  if (files.required || ::access(files.main.c_str(), F_OK) == 0) names.push_back(files.main);
  auto more = drop_ins(files.main);
  if (!more.ok()) return more.error();
  names.insert(names.end(), more.value().begin(), more.value().end());
  std::vector<ConfigSource> sources;
  for (const BytePath& name : names) {
    auto text = read_trusted_file(name, static_cast<uid_t>(own_uid), kConfigBytesMax);
    if (!text.ok()) return text.error().while_doing("reading the configuration");
    sources.push_back({name, std::move(text).value()});
  }
  return sources;
}

BytePath absolute_path(ConfigTable& table, const char* key) {
  BytePath path = table.text(key);
  if (!path.empty() && path.front() != '/') table.reject(key, "must be an absolute path");
  return path;
}

void read_daemon(ConfigTable table, DaemonConfig& config) {
  config.state_dir = absolute_path(table, "state_dir");
  config.runtime_dir = absolute_path(table, "runtime_dir");
  config.socket_dir = absolute_path(table, "socket_dir");
  config.helper_dir = absolute_path(table, "helper_dir");
  config.broker = absolute_path(table, "broker");
  config.open_to_all = table.flag("open_to_all", config.open_to_all);
  for (const BytePath& root : table.texts("restore_roots")) {
    if (!is_plain_absolute(root) || trim_slashes(root) == "/")
      table.reject("restore_roots", "must be absolute directories other than /, without . or ..");
    config.restore_roots.push_back(trim_slashes(root));
  }
}

void read_limits(ConfigTable table, DaemonConfig& config) {
  config.hold = table.milliseconds("hold_ms", config.hold);
  config.commit = table.milliseconds("commit_ms", config.commit);
  config.lease = table.milliseconds("lease_ms", config.lease);
  if (config.lease > config.hold) table.reject("lease_ms", "must not be longer than hold_ms");
  if (config.commit > config.hold) table.reject("commit_ms", "must not be longer than hold_ms");
  constexpr std::int64_t kKibibyte = 1 << 10, kMebibyte = 1 << 20;
  config.writer_message_bytes = static_cast<std::size_t>(
      table.number("writer_message_kib",
                   static_cast<std::int64_t>(config.writer_message_bytes) / kKibibyte, 64,
                   std::int64_t{1} << 20) *
      kKibibyte);
  const auto bytes = static_cast<std::int64_t>(config.copy_bytes);
  config.copy_bytes = static_cast<std::uint64_t>(
      table.number("copy_mib", bytes / kMebibyte, 0, std::int64_t{1} << 40) * kMebibyte);
}

void read_providers(ConfigTable table, DaemonConfig& config) {
  config.builtin_providers = table.flag("builtin", config.builtin_providers);
  config.command_providers = table.texts("command");
  for (const BytePath& file : config.command_providers)
    if (file.empty() || file.front() != '/') table.reject("command", "must be absolute paths");
}

}  // namespace

Result<DaemonConfig> read_daemon_config(const ConfigFiles& files, std::int64_t own_uid) {
  auto sources = read_sources(files, own_uid);
  if (!sources.ok()) return sources.error();
  auto parsed = ConfigTable::parse_all(sources.value());
  if (!parsed.ok()) return parsed.error();
  ConfigTable table = parsed.value();
  DaemonConfig config;
  read_daemon(table.table("daemon"), config);
  read_limits(table.table("limits"), config);
  read_providers(table.table("providers"), config);
  config.observe = read_observe_options(table);
  config.remote = read_remote_settings(table.table("remote"));
  config.allow = read_access_rules(table);
  config.hosts = read_host_specs(table);
  if (Status s = table.finish(); !s.ok()) return s.error();
  return config;
}

}  // namespace stillframe::daemon
