#include "framework/daemon/config/config_changes.hpp"

namespace stillframe::daemon {

std::vector<std::string> needs_restart(const DaemonConfig& now, const DaemonConfig& next) {
  std::vector<std::string> keys;
  const auto differs = [&](const char* key, const auto& one, const auto& other) {
    if (one != other) keys.emplace_back(key);
  };
  differs("daemon.state_dir", now.state_dir, next.state_dir);
  differs("daemon.runtime_dir", now.runtime_dir, next.runtime_dir);
  differs("daemon.socket_dir", now.socket_dir, next.socket_dir);
  differs("daemon.helper_dir", now.helper_dir, next.helper_dir);
  differs("daemon.broker", now.broker, next.broker);
  differs("daemon.open_to_all", now.open_to_all, next.open_to_all);
  differs("daemon.restore_roots", now.restore_roots, next.restore_roots);
  differs("limits.hold_ms", now.hold, next.hold);
  differs("limits.commit_ms", now.commit, next.commit);
  differs("limits.lease_ms", now.lease, next.lease);
  differs("limits.copy_mib", now.copy_bytes, next.copy_bytes);
  differs("limits.writer_message_kib", now.writer_message_bytes, next.writer_message_bytes);
  differs("remote.listen", now.remote.listen, next.remote.listen);
  differs("remote.connections_max", now.remote.connections_max, next.remote.connections_max);
  differs("remote.handshake_ms", now.remote.handshake, next.remote.handshake);
  differs("remote.ticket_ms", now.remote.ticket, next.remote.ticket);
  differs("events or metrics", now.observe, next.observe);
  differs("providers.builtin", now.builtin_providers, next.builtin_providers);
  differs("providers.command", now.command_providers, next.command_providers);
  return keys;
}

std::vector<std::string> needs_reload(const DaemonConfig& now, const DaemonConfig& next) {
  std::vector<std::string> tables;
  if (now.allow != next.allow) tables.emplace_back("allow");
  if (now.hosts != next.hosts) tables.emplace_back("plugin or writer");
  if (!(now.remote.tls == next.remote.tls)) tables.emplace_back("remote");
  return tables;
}

}  // namespace stillframe::daemon
