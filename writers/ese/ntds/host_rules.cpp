#include "writers/ese/ntds/host_rules.hpp"

#include <cerrno>
#include <ctime>
#include <mutex>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/ntds/ntds_error.hpp"

namespace stillframe::ese::ntds {

namespace {

// The calls' rules hold in the whole process, as their handles do.
struct HostState {
  std::mutex mutex;
  HostRules rules;
  Channel channel;
  std::optional<AuthIdentity> identity;
};

HostState& host_state() {
  static HostState* const state = new HostState;  // threads may be in calls while the process exits
  return *state;
}

Error access_denied(const std::string& why) {
  return ds_error(ERROR_ACCESS_DENIED, why);
}

Result<uid_t> caller() {
  std::optional<AuthIdentity> identity;
  {
    HostState& state = host_state();
    const std::lock_guard lock(state.mutex);
    identity = state.identity;
  }
  if (!identity) return ::geteuid();
  const HostRules rules = host_rules();
  const auto user = rules.authenticate ? rules.authenticate(*identity) : std::nullopt;
  if (!user) return access_denied("nobody here vouches for the user '" + identity->user + "'");
  return *user;
}

Result<bool> is_root_or_owner(uid_t user, const BytePath& logs) {
  struct stat folder {};
  if (::stat(logs.c_str(), &folder) != 0) {
    if (errno == EACCES) return posix_error(errno, "examine", logs);
    return ese_error(EseErr::invalid_path,
                     "the server's folder '" + escape_path(logs) + "' is not there; make it");
  }
  return user == 0 || user == folder.st_uid;
}

Error neither_root_nor_owner(uid_t user, const BytePath& logs, const char* nor) {
  return access_denied("user " + std::to_string(user) + " is neither root nor the owner of '" +
                       escape_path(logs) + "'" + nor);
}

}  // namespace

void set_host_rules(HostRules rules) {
  if (!rules.now) rules.now = [] { return std::int64_t{std::time(nullptr)}; };
  rules.token_days = std::max(rules.token_days, kTokenDaysLeast);
  HostState& state = host_state();
  const std::lock_guard lock(state.mutex);
  state.rules = std::move(rules);
}

HostRules host_rules() {
  HostState& state = host_state();
  const std::lock_guard lock(state.mutex);
  HostRules rules = state.rules;
  if (!rules.now) rules.now = [] { return std::int64_t{std::time(nullptr)}; };
  return rules;
}

void set_channel(Channel channel) {
  HostState& state = host_state();
  const std::lock_guard lock(state.mutex);
  state.channel = std::move(channel);
}

Channel host_channel() {
  HostState& state = host_state();
  const std::lock_guard lock(state.mutex);
  return state.channel;
}

void set_identity(std::optional<AuthIdentity> identity) {
  HostState& state = host_state();
  const std::lock_guard lock(state.mutex);
  state.identity = std::move(identity);
}

Status check_restore_authority(const BytePath& logs) {
  const auto user = caller();
  return user.ok() ? check_restore_authority(user.value(), logs) : Status(user.error());
}

Status check_restore_authority(uid_t user, const BytePath& logs) {
  const auto owns = is_root_or_owner(user, logs);
  if (!owns.ok()) return owns.error();
  if (owns.value()) return Ok{};
  const HostRules rules = host_rules();
  if (rules.may_restore && rules.may_restore(user, logs)) return Ok{};
  return neither_root_nor_owner(user, logs, ", and has no right to restore there");
}

Status check_backup_authority(uid_t user, const BytePath& logs) {
  const auto owns = is_root_or_owner(user, logs);
  if (!owns.ok()) return owns.error();
  return owns.value() ? Status(Ok{}) : neither_root_nor_owner(user, logs, "");
}

}  // namespace stillframe::ese::ntds
