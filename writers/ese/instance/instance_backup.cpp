// What a backup asks of an instance.
#include <algorithm>
#include <string>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese {

BackupHold::~BackupHold() {
  if (instance_ == nullptr) return;
  const std::lock_guard admin(instance_->admin_mutex_);
  instance_->backup_keeps_.reset();
}

Result<BackupHold> Instance::hold_for_backup() {
  const std::lock_guard admin(admin_mutex_);
  if (Status s = check_no_backup("another backup"); !s.ok()) return s.error();
  if (!broken_.empty()) {
    return Error(Errc::wrong_state,
                 "a database could not be opened or detached, so a backup would lack it: start the "
                 "instance again");
  }
  std::vector<InstanceDatabase*> databases;
  for (const auto& database : databases_) databases.push_back(database.get());
  backup_keeps_ = attachments_.checkpoint().generation;
  return BackupHold(*this, std::move(databases), *backup_keeps_);
}

Status Instance::check_not_held() {
  const std::lock_guard admin(admin_mutex_);
  return check_no_backup("replacing a database");
}

Status Instance::check_no_backup(const std::string& task) const {
  if (!backup_keeps_) return Ok{};
  return ese_error(EseErr::backup_in_progress,
                   task + " has to wait: the instance of '" + escape_path(options_.logs) +
                       "' is being backed up; end the backup, or stop it");
}

Result<std::size_t> Instance::remove_spent_logs(Generation checkpoint) {
  const auto removed =
      log_->remove_below(backup_keeps_ ? std::min(*backup_keeps_, checkpoint) : checkpoint);
  if (removed.ok() && removed.value() > 0) {
    const std::string count = std::to_string(removed.value());
    events_.tell(EngineEvent::logs_removed, EventLevel::info,
                 count + " logs that no recovery needs were removed", {{"logs_removed", count}});
  }
  return removed;
}

}  // namespace stillframe::ese
