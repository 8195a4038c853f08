// The verbs of a restore, to where the databases were and to other places.
#include <algorithm>
#include <set>
#include <utility>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"
#include "writers/ese/writer/ese_writer.hpp"
#include "writers/ese/writer/newest_backup.hpp"

namespace stillframe::ese {

namespace {

// The head of the databases, chosen with all its members.
bool chosen_whole(const RestoreView& restore) {
  return std::any_of(restore.components.begin(), restore.components.end(),
                     [](const BackupComponent& component) {
                       return component.name == log_stream_component() &&
                              (!component.restore || component.restore->subcomponents.empty());
                     });
}

bool more_follow(const RestoreView& restore) {
  return std::any_of(restore.components.begin(), restore.components.end(),
                     [](const BackupComponent& component) {
                       return component.restore && component.restore->additional_restores;
                     });
}

}  // namespace

// The logs of a backup and the databases are one state: where others are left as they are, no log
// would fit all of them, so these logs go to another place.
Status EseWriter::pre_restore(const CallContext& call, RestoreView& restore) {
  auto moved = RelocatedRestore::of(restore, host_.places());
  if (!moved.ok()) return moved.error();
  if (!moved.value()) return chosen_whole(restore) ? take_offline() : Status(needs_other_logs());
  if (moved.value()->replaces) {
    if (Status s = take_offline(); !s.ok()) return s;
  }
  relocated_[call.session] = std::move(*moved.value());
  return Ok{};
}

Error EseWriter::needs_other_logs() const {
  return Error(Errc::not_supported,
               "the logs and all databases of '" + instance_name_ +
                   "' are restored to their places together; to bring back one of them give the "
                   "logs a new place ('" +
                   escape_path(host_.places().logs) +
                   "' to an empty folder), and the database "
                   "one too if it is not to replace what is there");
}

// Whatever backup is under way ends with the databases it is of.
Status EseWriter::take_offline() {
  {
    const std::lock_guard lock(held_mutex_);
    held_.reset();
  }
  backups_.clear();
  return host_.close();
}

const RelocatedRestore* EseWriter::relocation(const SessionId& session) const {
  const auto moved = relocated_.find(session);
  return moved == relocated_.end() ? nullptr : &moved->second;
}

const BytePath& EseWriter::restored_logs(const SessionId& session) const {
  const RelocatedRestore* moved = relocation(session);
  return moved == nullptr ? host_.places().logs : moved->logs;
}

// Beside the logs whose instance must not start meanwhile.
const BytePath& EseWriter::record_place(const SessionId& session) const {
  return leaves_instance(session) ? restored_logs(session) : host_.places().logs;
}

Status EseWriter::restore_prepare(const CallContext&, const RestoreAuthority& authority) {
  const bool expires = authority.expires != WallTime();
  if (!expires || authority.expires > system_clock().wall_now()) return Ok{};
  return Error(Errc::access_denied, "the restore authority has expired; ask for a new one");
}

Result<std::vector<RestoreLocation>> EseWriter::restore_locations(const CallContext& call,
                                                                  const ComponentName& component) {
  const RelocatedRestore* moved = relocation(call.session);
  const bool own = moved == nullptr;
  const BytePath& logs = restored_logs(call.session);
  std::vector<RestoreLocation> locations{
      {component, "log", logs},
      {component, "checkpoint", own ? host_.places().system : logs},
      {component, "interlock", record_place(call.session)}};
  for (const BytePath& path : own ? host_.places().databases : moved->databases) {
    if (component_of(path) == component) locations.push_back({component, "database", path});
  }
  return locations;
}

Status EseWriter::restore_register(const CallContext& call, const RestoreAuthority&,
                                   const RestoreRegistration& registration) {
  const BytePath logs = record_place(call.session);
  const auto there = read_interlock(logs);
  if (there.ok() && there.value().session == call.session) {  // for another component
    if (there.value().state != InterlockRecord::State::failed) return Ok{};
    return Error(Errc::wrong_state,
                 "this restore of '" + instance_name_ + "' has failed: " + there.value().failure);
  }
  InterlockRecord record;
  record.session = call.session;
  record.target = "instance '" + instance_name_ + "'";
  record.registration = registration;
  record.since = system_clock().wall_now();
  const RelocatedRestore* moved = relocation(call.session);
  if (moved != nullptr) {
    moved->describe_in(record);
  } else {
    record.registration.backup_log_path = logs;
  }
  // What an earlier restore has put there is what this one adds to.
  const bool adds = awaited_.contains(logs) && there.ok() &&
                    there.value().state == InterlockRecord::State::copied;
  if (adds) return update_interlock(logs, record);
  if (moved != nullptr) {
    if (Status s = moved->make_room(host_.files(), host_.places()); !s.ok()) return s;
  }
  // The record needs a place even where the whole folder is lost.
  if (!leaves_instance(call.session)) {
    for (const BytePath& folder : {host_.places().logs, host_.places().system}) {
      if (Status s = host_.files().make_directory(folder); !s.ok()) return s;
    }
  }
  if (Status s = register_interlock(logs, record); !s.ok()) return s;
  const Status cleared = make_way(call.session);
  if (cleared.ok()) return Ok{};
  // Files copied among logs that are still there must not be recovered.
  record.state = InterlockRecord::State::failed;
  record.failure = cleared.error().what();
  if (Status s = update_interlock(logs, record); !s.ok()) return s;
  return cleared;
}

// For what is put in the instance's own places.
Status EseWriter::make_way(const SessionId& session) {
  if (leaves_instance(session)) return Ok{};
  const RelocatedRestore* moved = relocation(session);
  return moved != nullptr ? moved->clear_replaced(host_.files(), host_.places())
                          : move_aside(session);
}

// Logs from after the backup do not fit what comes back; nobody said that they may be deleted. Nor
// does what lies sheltered beside the databases.
Status EseWriter::move_aside(const SessionId& session) {
  Files& files = host_.files();
  const InstancePlaces& places = host_.places();
  for (const BytePath& folder : std::set<BytePath>{places.logs, places.system}) {
    const auto names = files.list(folder);
    if (!names.ok()) return names.error();
    const BytePath aside = join_path(folder, "replaced-" + session.to_string());
    for (const BytePath& name : names.value()) {
      if (!parse_log_file_name(places.base, name)) continue;
      if (Status s = files.make_directory(aside); !s.ok()) return s;
      const Status moved = files.rename(join_path(folder, name), join_path(aside, name));
      if (!moved.ok()) return moved;
    }
    if (Status s = files.sync_directory(folder); !s.ok()) return s;
  }
  // What comes back knows of no backup.
  if (Status s = remove_stamp(files, places); !s.ok()) return s;
  for (const BytePath& path : places.databases) {
    if (Status s = remove_shelter(files, path); !s.ok()) return s;
    if (Status s = discard_incomplete(files, path); !s.ok()) return s;
  }
  return Ok{};
}

Status EseWriter::restore_complete(const CallContext& call, const ComponentName&,
                                   const Status& copied) {
  const BytePath& logs = record_place(call.session);
  auto record = read_interlock(logs);
  if (!record.ok()) return record.error();
  // One component that failed fails the restore, whatever the others say later.
  if (record.value().state == InterlockRecord::State::failed) return Ok{};
  record.value().state =
      copied.ok() ? InterlockRecord::State::copied : InterlockRecord::State::failed;
  if (!copied.ok()) record.value().failure = copied.error().what();
  return update_interlock(logs, record.value());
}

Status EseWriter::post_restore(const CallContext& call, const RestoreView& restore) {
  const BytePath logs = record_place(call.session);
  if (more_follow(restore)) {  // recovery waits for the last
    awaited_.insert(logs);
    return Ok{};
  }
  awaited_.erase(logs);
  if (!leaves_instance(call.session)) return host_.open();
  const auto record = read_interlock(logs);
  if (!record.ok()) return record.error();
  if (record.value().state != InterlockRecord::State::copied) {
    return Error(Errc::interlocked, "the restore of '" + instance_name_ + "' to '" +
                                        escape_path(logs) + "' is not complete");
  }
  const Status recovered = relocation(call.session)->recover(host_.files(), host_.places());
  return recovered.ok() ? remove_interlock(logs) : recovered;
}

void EseWriter::restore_end(const CallContext& call) {
  const bool left = leaves_instance(call.session);
  relocated_.erase(call.session);
  // A restore that never got to register leaves the databases as they were: carry on.
  if (!left && !host_.running().ok() && !awaits_more()) (void)host_.open();
}

bool EseWriter::leaves_instance(const SessionId& session) const {
  const RelocatedRestore* moved = relocation(session);
  return moved != nullptr && !moved->replaces;
}

bool EseWriter::awaits_more() const {
  return awaited_.contains(host_.places().logs);
}

}  // namespace stillframe::ese
