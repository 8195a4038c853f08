#include "framework/daemon/remote/remote_settings.hpp"

namespace stillframe::daemon {
namespace {

BytePath absolute_path(ConfigTable& table, const char* key, bool needed) {
  BytePath path = needed ? table.required_text(key) : table.text(key);
  if (!path.empty() && path.front() != '/') table.reject(key, "must be an absolute path");
  return path;
}

}  // namespace

RemoteSettings read_remote_settings(ConfigTable table) {
  RemoteSettings settings;
  if (const std::string listen = table.text("listen"); !listen.empty()) {
    auto address = parse_remote_address(listen);
    if (address.ok()) {
      settings.listen = address.value();
    } else {
      table.reject("listen", "names no address: " + address.error().what());
    }
  }
  const bool needed = settings.listen.has_value();
  settings.tls.certificate = absolute_path(table, "certificate", needed);
  settings.tls.key = absolute_path(table, "key", needed);
  settings.tls.ca = absolute_path(table, "client_ca", needed);
  settings.connections_max = static_cast<std::size_t>(table.number(
      "connections_max", static_cast<std::int64_t>(settings.connections_max), 1, 1024));
  settings.handshake = table.milliseconds("handshake_ms", settings.handshake);
  settings.ticket = table.milliseconds("ticket_ms", settings.ticket);
  if (settings.ticket > std::chrono::minutes(10))
    table.reject("ticket_ms", "must not be more than 600000");
  return settings;
}

}  // namespace stillframe::daemon
