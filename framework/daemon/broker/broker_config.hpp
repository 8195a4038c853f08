// What the broker may do, from its own configuration file. Nothing of this ever comes from the
// daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/child_process.hpp"
#include "framework/base/config.hpp"
#include "framework/daemon/hosts/host_spec.hpp"

namespace stillframe::daemon {

inline constexpr const char* kBrokerConfigFile = "/etc/stillframe/broker.toml";
inline constexpr const char* kBrokerSocket = "/run/stillframe-broker/broker.sock";

struct BrokerConfig {
  BytePath socket = kBrokerSocket;
  std::string daemon_user = "stillframe";  // who may connect, beside the broker's own user
  BytePath state_dir = "/var/lib/stillframe-broker";
  BytePath runtime_dir = "/run/stillframe-broker";
  BytePath helper_dir;                          // empty: find_helper()'s places
  std::vector<BytePath> expose_below;           // unless given: runtime_dir/exposed
  std::vector<std::string> providers;           // built-in ones; unless given: all
  std::vector<BytePath> command_providers;      // their files
  BytePath writer_sockets = "/run/stillframe";  // where plug-in hosts find the daemon
  std::uint64_t copy_bytes_max = std::uint64_t{4} << 30;
  std::uint64_t files_max = 1'000'000;
  std::chrono::milliseconds commit_max{10'000};
  std::chrono::milliseconds lease{5'000};  // longest silence of who keeps a file system frozen
  std::vector<HostSpec> hosts;

  BytePath held_directory() const { return runtime_dir + "/held"; }
};

// invalid_argument says where and what to write.
Result<BrokerConfig> parse_broker_config(std::string_view toml, std::string_view source);
// From a file that nobody but `owner` can change, else access_denied. Without a path the usual file
// is read, which need not be there.
Result<BrokerConfig> load_broker_config(const std::optional<BytePath>& path, uid_t owner);

// Makes the broker's directories where they are missing and refuses those that others can change.
Status prepare_directories(const BrokerConfig& config, uid_t owner);

// Command lines and users, or why the configuration does not allow it.
Result<ChildOptions> provider_command(const BrokerConfig& config, const std::string& name);
Result<ChildOptions> host_command(const BrokerConfig& config, const std::string& name);

}  // namespace stillframe::daemon
