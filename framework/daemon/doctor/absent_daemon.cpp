#include "framework/daemon/doctor/absent_daemon.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "framework/coordinator/assembly/directories.hpp"
#include "framework/daemon/doctor/broker_check.hpp"
#include "framework/daemon/doctor/config_checks.hpp"
#include "framework/daemon/doctor/folder_checks.hpp"
#include "framework/daemon/doctor/freeze_checks.hpp"

namespace stillframe::daemon {
namespace {

uid_t daemon_user(const BytePath& state) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(state.c_str(), &info) != 0) return ::geteuid();
  return info.st_uid;
}

// Where the records of the broker's holds are: beside its socket, unless its own file says else.
BytePath held_by(const BytePath& broker) {
  return broker.substr(0, broker.rfind('/')) + "/held";
}

ServiceFolders folders_of(const DaemonConfig& config) {
  coordinator::Directories directories{config.state_dir, config.runtime_dir};
  coordinator::fill_defaults(directories);
  return {directories.state, directories.runtime,
          config.socket_dir.empty() ? directories.runtime : config.socket_dir};
}

}  // namespace

Findings diagnose_absent(const ConfigFiles& files, const Result<DaemonConfig>& config) {
  Findings findings;
  if (!config.ok()) {
    note_invalid_config(config.error(), files.main, findings);
    return findings;  // where its folders are is not known
  }
  const ServiceFolders folders = folders_of(config.value());
  const uid_t user = daemon_user(folders.state);
  findings.push_back({Severity::good, "config.valid", escape_path(files.main), "is valid", "", ""});
  check_limits(config.value(), files.main, findings);
  check_access(config.value(), files.main, findings);
  check_folders(folders, user, findings);
  check_in_the_way(folders, findings);
  check_journal_place(folders.state, findings);
  check_held_records(folders.runtime + "/held", config.value().helper_dir, findings);
  if (!config.value().broker.empty() && ::geteuid() == 0)
    check_held_records(held_by(config.value().broker), config.value().helper_dir, findings);
  check_broker(config.value().broker, user, findings);
  return findings;
}

}  // namespace stillframe::daemon
