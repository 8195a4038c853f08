// What the program that has the directory decides for these calls; and who they are made for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/ntds/directory_service.hpp"

namespace stillframe::ese::ntds {

// Of DsSetAuthIdentity.
struct AuthIdentity {
  std::string user, domain, password;
};

inline constexpr std::uint32_t kTokenDaysUsual = 180, kTokenDaysLeast = 2;

// Functions may be called from any thread.
struct HostRules {
  std::uint32_t token_days = kTokenDaysUsual;
  std::function<std::int64_t()> now{};  // seconds since 1970; none: this machine's
  // The `restore` right: who, besides root and the owner of the target's folder, may restore there.
  std::function<bool(uid_t user, const BytePath& logs)> may_restore{};
  // Whose identity this is; none: nobody's, and so without the function.
  std::function<std::optional<uid_t>(const AuthIdentity&)> authenticate{};
};

// Reaches the server at this socket.
using Channel = std::function<Result<std::unique_ptr<DirectoryService>>(const BytePath& socket)>;

// For calls from now on.
void set_host_rules(HostRules rules);
HostRules host_rules();
// Likewise; empty: servers in other processes cannot be reached.
void set_channel(Channel channel);
Channel host_channel();

// None: the user of the process.
void set_identity(std::optional<AuthIdentity> identity);

// ERROR_ACCESS_DENIED, unless whoever the calls are made for may restore to this folder.
Status check_restore_authority(const BytePath& logs);
// The same for somebody at the other end of a channel.
Status check_restore_authority(uid_t user, const BytePath& logs);
// Whether he may have what the databases hold, as who is root or owns the folder: the right to
// restore is none to read.
Status check_backup_authority(uid_t user, const BytePath& logs);

}  // namespace stillframe::ese::ntds
