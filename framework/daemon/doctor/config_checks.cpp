#include "framework/daemon/doctor/config_checks.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "framework/base/service_command.hpp"
#include "framework/daemon/config/config_changes.hpp"

namespace stillframe::daemon {
namespace {

// Shorter, and a machine under load loses holds that were kept.
constexpr std::chrono::milliseconds kLeaseMin{1'000};
constexpr mode_t kConfigOthersMayWrite = 022;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "'" : ", '") + word + "'";
  return text;
}

std::string with_unit(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

void odd_limit(const BytePath& file, const char* key, std::string what, std::string cause,
               std::string change, Findings& findings) {
  findings.push_back({Severity::warning, "limits.odd", std::string("[limits] ") + key,
                      std::move(what), std::move(cause),
                      "set " + std::move(change) + " in " + shell_word(file) + ", then " +
                          restart_command("stillframed", "stillframed")});
}

// Whoever may write below such a root can make links there, through which a restore would leave it.
void check_restore_root(const BytePath& root, Findings& findings) {
  struct stat info {};
  if (::stat(root.c_str(), &info) != 0) {
    findings.push_back({Severity::warning, "access.restore_root", escape_path(root),
                        "is not there, and [daemon] restore_roots names it", "",
                        "install -d -m 0755 " + shell_word(root)});
    return;
  }
  if (info.st_uid == 0 && (info.st_mode & kConfigOthersMayWrite) == 0) return;
  findings.push_back({Severity::warning, "access.restore_root", escape_path(root),
                      "can be written by others than root, and [daemon] restore_roots names it",
                      "they can make links there that lead restores elsewhere",
                      "chown root " + shell_word(root) + " && chmod go-w " + shell_word(root)});
}

void check_register_rules(const DaemonConfig& config, const BytePath& file, Findings& findings) {
  for (const AccessRule& rule : config.allow) {
    if (!rule.any_files || !rule.writers.empty()) continue;
    findings.push_back({Severity::warning, "access.any_files", "[[allow]]",
                        "lets every writer of its users declare files they cannot read",
                        "any_files stands in a table without 'writers'",
                        "name the writers it is meant for in " + shell_word(file) +
                            ", then kill -HUP the daemon"});
  }
}

}  // namespace

void check_limits(const DaemonConfig& config, const BytePath& file, Findings& findings) {
  if (config.lease >= config.hold)
    odd_limit(file, "lease_ms", "is " + with_unit(config.lease) + ", as long as a whole hold",
              "a writer whose coordinator died stays held until hold_ms", "lease_ms below hold_ms",
              findings);
  if (config.commit >= config.hold)
    odd_limit(file, "commit_ms", "is " + with_unit(config.commit) + ", as long as a whole hold",
              "a cut that takes its time outlasts the hold, and its set fails",
              "commit_ms below hold_ms", findings);
  if (config.lease < kLeaseMin)
    odd_limit(file, "lease_ms", "is " + with_unit(config.lease),
              "a machine under load is silent for as long now and then, and its sets fail",
              "lease_ms = 5000", findings);
}

void check_access(const DaemonConfig& config, const BytePath& file, Findings& findings) {
  if (config.allow.empty())
    findings.push_back({Severity::note, "access.nobody", escape_path(file),
                        "lets only root and the daemon's user do anything",
                        "it has no [[allow]] table", ""});
  const bool lets_others = std::any_of(
      config.allow.begin(), config.allow.end(),
      [](const AccessRule& rule) { return !rule.users.empty() || !rule.groups.empty(); });
  if (!config.open_to_all && lets_others)
    findings.push_back({Severity::warning, "access.unreachable", escape_path(file),
                        "names users who cannot connect", "[daemon] open_to_all is false",
                        "set open_to_all = true in " + shell_word(file) + ", then " +
                            restart_command("stillframed", "stillframed")});
  check_register_rules(config, file, findings);
  for (const BytePath& root : config.restore_roots) check_restore_root(root, findings);
}

void note_invalid_config(const Error& why, const BytePath& file, Findings& findings) {
  findings.push_back(
      {Severity::problem, "config.invalid", escape_path(file), why.what(),
       "the next start fails, and a reload changes nothing",
       "mend the line, then stillframed --config " + shell_word(file) + " --check-config"});
}

void check_config_counts(const DaemonConfig& running, const Result<DaemonConfig>& written,
                         const BytePath& file, pid_t pid, Findings& findings) {
  if (!written.ok()) return note_invalid_config(written.error(), file, findings);
  const auto restart = needs_restart(running, written.value());
  const auto reload = needs_reload(running, written.value());
  if (!restart.empty())
    findings.push_back({Severity::warning, "config.not_in_force", escape_path(file),
                        "says " + joined(restart) + " anew, which does not count yet",
                        "it was changed after the daemon started",
                        restart_command("stillframed", "stillframed")});
  if (!reload.empty())
    findings.push_back({Severity::warning, "config.not_in_force", escape_path(file),
                        "says " + joined(reload) + " anew, which does not count yet",
                        "it was changed after the daemon read it",
                        "kill -HUP " + std::to_string(pid)});
  if (restart.empty() && reload.empty())
    findings.push_back(
        {Severity::good, "config.in_force", escape_path(file), "is in force", "", ""});
}

}  // namespace stillframe::daemon
