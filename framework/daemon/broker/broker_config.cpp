#include "framework/daemon/broker/broker_config.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/daemon/hosts/host_program.hpp"
#include "framework/io/file.hpp"
#include "framework/providers/host/hosted_provider.hpp"
#include "framework/providers/host/make_provider.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::int64_t kBytesMax = std::int64_t{1} << 50;
constexpr std::int64_t kFilesMax = 1'000'000'000;
constexpr std::string_view kPermittedCommandPrefix = "command:";

bool is_plain_absolute(const BytePath& path) {
  return path.size() > 1 && path.front() == '/' && is_safe_relative(path.substr(1));
}

BytePath read_path(ConfigTable& table, const std::string& key, const BytePath& fallback) {
  BytePath path = table.text(key, fallback);
  if (path != fallback && !is_plain_absolute(path)) {
    table.reject(key, "must be an absolute path without '.', '..' or empty parts");
  }
  return path;
}

std::vector<BytePath> read_paths(ConfigTable& table, const std::string& key) {
  std::vector<BytePath> paths = table.texts(key);
  if (!std::all_of(paths.begin(), paths.end(), is_plain_absolute)) {
    table.reject(key, "must be absolute paths without '.', '..' or empty parts");
  }
  return paths;
}

std::vector<std::string> read_providers(ConfigTable& table) {
  const std::vector<std::string> built_in = builtin_provider_names();
  if (!table.has("providers")) return built_in;
  std::vector<std::string> names = table.texts("providers");
  for (const std::string& name : names) {
    if (std::find(built_in.begin(), built_in.end(), name) != built_in.end()) continue;
    std::string known;
    for (const std::string& one : built_in) known += (known.empty() ? "" : ", ") + one;
    table.reject("providers", "has no provider '" + escape_path(name) + "'; there are " + known +
                                  ", and files in command_providers");
  }
  return names;
}

// What the broker starts runs as somebody on purpose: as root only where the file says so.
void check_users(ConfigTable& table, const std::vector<HostSpec>& hosts) {
  for (const HostSpec& host : hosts) {
    if (!host.user.empty()) continue;
    const char* list = host.kind == HostKind::declarative_writer ? "writer" : "plugin";
    table.reject(list, "'" + escape_path(host.name) +
                           "' needs a 'user'; write user = \"root\" if that is meant");
  }
}

}  // namespace

Result<BrokerConfig> parse_broker_config(std::string_view toml, std::string_view source) {
  auto parsed = ConfigTable::parse(toml, source);
  if (!parsed.ok()) return parsed.error();
  ConfigTable table = parsed.value();
  BrokerConfig config;
  config.socket = read_path(table, "socket", config.socket);
  config.daemon_user = table.text("daemon_user", config.daemon_user);
  config.state_dir = read_path(table, "state_dir", config.state_dir);
  config.runtime_dir = read_path(table, "runtime_dir", config.runtime_dir);
  config.helper_dir = read_path(table, "helper_dir", config.helper_dir);
  config.writer_sockets = read_path(table, "writer_sockets", config.writer_sockets);
  config.expose_below = read_paths(table, "expose_below");
  if (config.expose_below.empty()) config.expose_below = {config.runtime_dir + "/exposed"};
  config.providers = read_providers(table);
  config.command_providers = read_paths(table, "command_providers");
  config.copy_bytes_max = static_cast<std::uint64_t>(table.number(
      "copy_bytes_max", static_cast<std::int64_t>(config.copy_bytes_max), 1, kBytesMax));
  config.files_max = static_cast<std::uint64_t>(
      table.number("files_max", static_cast<std::int64_t>(config.files_max), 1, kFilesMax));
  config.commit_max = table.milliseconds("commit_max_ms", config.commit_max);
  config.lease = table.milliseconds("lease_ms", config.lease);
  config.hosts = read_host_specs(table);
  check_users(table, config.hosts);
  if (Status s = table.finish(); !s.ok()) return s.error();
  return config;
}

Result<BrokerConfig> load_broker_config(const std::optional<BytePath>& path, uid_t owner) {
  const BytePath file = path.value_or(kBrokerConfigFile);
  if (!path && !exists(file)) return parse_broker_config("", file);
  auto text = read_trusted_file(file, owner, kConfigBytesMax);
  if (!text.ok()) return text.error();
  return parse_broker_config(text.value(), file);
}

Status prepare_directories(const BrokerConfig& config, uid_t owner) {
  // The runtime directory can be passed through, because the socket is in it.
  if (Status s = make_directories(config.runtime_dir, 0755); !s.ok()) return s;
  if (Status s = make_directories(config.state_dir, 0700); !s.ok()) return s;
  std::vector<BytePath> all = {config.runtime_dir, config.state_dir};
  for (const BytePath& directory : config.expose_below) {
    if (Status s = make_directories(directory, 0700); !s.ok()) return s;
    all.push_back(directory);
  }
  for (const BytePath& directory : all) {
    if (Status s = check_trusted_directory(directory, owner); !s.ok()) return s;
  }
  return Ok{};
}

Result<ChildOptions> provider_command(const BrokerConfig& config, const std::string& name) {
  const bool command = name.starts_with(kPermittedCommandPrefix);
  const std::string wanted = command ? name.substr(kPermittedCommandPrefix.size()) : name;
  const auto& allowed = command ? config.command_providers : config.providers;
  if (std::find(allowed.begin(), allowed.end(), wanted) == allowed.end()) {
    return Error(Errc::access_denied, "the broker's configuration does not name the provider '" +
                                          escape_path(name) + "'; add it to " +
                                          (command ? "command_providers" : "providers") +
                                          " if it should");
  }
  ProviderEnvironment environment;
  environment.state_directory = config.state_dir;
  environment.runtime_directory = config.runtime_dir;
  environment.copy_bytes_max = config.copy_bytes_max;
  environment.files_max = config.files_max;
  environment.commit_max = config.commit_max;
  environment.lease = config.lease;
  auto host = provider_host_program(name, environment, config.helper_dir);
  if (!host.ok()) return host.error();
  for (const BytePath& directory : config.expose_below) {
    host.value().command.insert(host.value().command.end(), {"--expose-below", directory});
  }
  return host;
}

Result<ChildOptions> host_command(const BrokerConfig& config, const std::string& name) {
  const auto spec = std::find_if(config.hosts.begin(), config.hosts.end(),
                                 [&](const HostSpec& host) { return host.name == name; });
  if (spec == config.hosts.end()) {
    return Error(Errc::access_denied,
                 "the broker's configuration does not name the host '" + escape_path(name) +
                     "'; add a [[plugin]] or [[writer]] of that name if it should");
  }
  auto account = find_account(spec->user);
  if (!account.ok()) return account.error();
  auto host = host_program(*spec, {config.helper_dir, config.writer_sockets});
  if (!host.ok()) return host.error();
  if (account.value().ids.uid != ::geteuid()) run_as(host.value(), account.value());
  return host;
}

}  // namespace stillframe::daemon
