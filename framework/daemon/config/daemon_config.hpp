// What `stillframed` reads: stillframe.toml, then conf.d/*.toml beside it in the order of their
// names. docs/operations.md is the reference for people. No file at all means the defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/daemon/access/access_policy.hpp"
#include "framework/daemon/hosts/host_spec.hpp"
#include "framework/daemon/observe/observe_options.hpp"
#include "framework/daemon/remote/remote_settings.hpp"

namespace stillframe::daemon {

inline constexpr const char* kDefaultConfig = "/etc/stillframe/stillframe.toml";

struct DaemonConfig {
  // [daemon]
  BytePath state_dir;    // empty: /var/lib/stillframe, or $XDG_STATE_HOME/stillframe without root
  BytePath runtime_dir;  // empty: /run/stillframe, or $XDG_RUNTIME_DIR/stillframe
  BytePath socket_dir;   // empty: the runtime directory
  BytePath helper_dir;   // empty: as installed
  BytePath broker;       // its socket; empty: the daemon does with its own rights what it can
  bool open_to_all =
      true;  // everybody may connect, the [[allow]] tables decide; else only its user
  std::vector<BytePath> restore_roots;  // where every writer may be restored to
  // [limits]
  std::chrono::milliseconds hold{60'000}, commit{10'000}, lease{5'000};
  std::uint64_t copy_bytes = std::uint64_t{64} << 30;
  // The longest message of a writer: its metadata and its edits. Two thousand components fit, and a
  // document made to waste memory takes some 25 MiB while it is read.
  std::size_t writer_message_bytes = std::size_t{768} << 10;
  // [providers]
  bool builtin_providers = true;
  std::vector<BytePath> command_providers;

  ObserveOptions observe;         // [events] and [metrics]
  RemoteSettings remote;          // [remote]
  std::vector<AccessRule> allow;  // [[allow]]
  std::vector<HostSpec> hosts;    // [[plugin]] and [[writer]]
};

struct ConfigFiles {
  BytePath main = kDefaultConfig;
  bool required = false;  // it was asked for by name, so it must be there
};

// Every file must belong to root or `own_uid` and nobody else may be able to write it: what it says
// is run and obeyed. invalid_argument names file, line and key.
Result<DaemonConfig> read_daemon_config(const ConfigFiles& files, std::int64_t own_uid);

}  // namespace stillframe::daemon
