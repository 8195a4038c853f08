// Programs that a root-owned configuration file names: plug-ins and declarative writers, each run
// in a process of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/config.hpp"

namespace stillframe::daemon {

enum class HostKind {
  plugin_writer,      // a shared object that makes a writer (<stillframe/plugin.h>)
  plugin_provider,    // one that makes a provider
  declarative_writer  // a TOML file and its programs
};

struct HostSpec {
  std::string name;  // unique among all; letters, digits, '.', '_' and '-'
  HostKind kind = HostKind::plugin_writer;
  BytePath file;            // the shared object or the TOML file
  std::string user;         // whom the process becomes; empty: whom its starter runs as
  std::string config_json;  // handed to a plug-in; "{}" when the file says nothing
  friend bool operator==(const HostSpec&, const HostSpec&) = default;
};

// "writer", "provider", "declarative": in lists, events and on a host's command line.
std::string_view kind_name(HostKind kind) noexcept;
std::optional<HostKind> kind_of(std::string_view name) noexcept;

// The [[plugin]] and [[writer]] tables of the configuration. Mistakes are noted in `table`.
//
//   [[plugin]]                      [[writer]]
//   name = "shop"                   name = "mail"
//   file = "/usr/lib/.../shop.so"   file = "/etc/stillframe/writers/mail.toml"
//   makes = "writer"                user = "mail"
//   user = "shop"
//   config = { data = "/srv/shop" }
std::vector<HostSpec> read_host_specs(ConfigTable& table);

}  // namespace stillframe::daemon
