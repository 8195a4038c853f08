#include "writers/ese/jet/databases.hpp"

#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::size_t kUserDatabasesMax = 6;

JET_DBID dbid_of(const InstanceDatabase& database) {
  return static_cast<JET_DBID>(database.id());
}

Error not_found(const BytePath& path) {
  return jet_error(JET_errDatabaseNotFound, quoted_path(path) + " is not attached");
}

}  // namespace

Databases::Entry* Databases::find(const BytePath& path) {
  for (auto& [dbid, entry] : entries_) {
    if (entry.database->path() == path) return &entry;
  }
  return nullptr;
}

Status Databases::check_room() const {
  if (entries_.size() < kUserDatabasesMax) return Ok{};
  return jet_error(JET_errTooManyAttachedDatabases, "an instance has at most 6 databases");
}

Result<JET_DBID> Databases::create(JET_SESID session, const BytePath& path, bool overwrite) {
  const std::lock_guard lock(mutex_);
  if (find(path) != nullptr) {
    return jet_error(JET_errDatabaseDuplicate, quoted_path(path) + " is attached");
  }
  if (Status s = check_room(); !s.ok()) return s.error();
  if (Status s = instance_.check_not_held(); !s.ok()) return s.error();
  if (overwrite && exists(path)) {
    const auto others = PathLock::take(path, JET_errDatabaseSharingViolation);
    if (!others.ok()) return others.error();
    if (Status s = remove_file(path); !s.ok()) return s.error();
  }
  const auto made = instance_.create_database(path);
  if (!made.ok()) return made.error();
  auto held = PathLock::take(path, JET_errDatabaseSharingViolation);
  if (!held.ok()) return held.error();
  const JET_DBID dbid = dbid_of(*made.value());
  Entry& entry = entries_.emplace(dbid, Entry{made.value(), std::move(held).value()}).first->second;
  entry.users[session] = 1;
  return dbid;
}

Answer Databases::attach(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  if (find(path) != nullptr) return JET_ERR{JET_wrnDatabaseAttached};
  if (Status s = check_room(); !s.ok()) return s.error();
  if (!exists(path)) return jet_error(JET_errFileNotFound, "there is no " + quoted_path(path));
  auto held = PathLock::take(path, JET_errDatabaseSharingViolation);
  if (!held.ok()) return held.error();
  const auto attached = instance_.attach_database(path);
  if (!attached.ok()) return attached.error();
  entries_.emplace(dbid_of(*attached.value()), Entry{attached.value(), std::move(held).value()});
  return success();
}

Status Databases::detach_entry(JET_DBID dbid, const Entry& entry) {
  const BytePath path = entry.database->path();
  if (!entry.users.empty()) {
    return jet_error(JET_errDatabaseInUse, quoted_path(path) + " is open; close it first");
  }
  if (Status s = instance_.detach_database(path); !s.ok()) return s;
  entries_.erase(dbid);
  return Ok{};
}

Status Databases::detach(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  const Entry* entry = find(path);
  if (entry == nullptr) return not_found(path);
  return detach_entry(dbid_of(*entry->database), *entry);
}

Status Databases::detach_all() {
  const std::lock_guard lock(mutex_);
  while (!entries_.empty()) {
    const auto& [dbid, entry] = *entries_.begin();
    if (Status s = detach_entry(dbid, entry); !s.ok()) return s;
  }
  return Ok{};
}

Result<JET_DBID> Databases::open(JET_SESID session, const BytePath& path, bool exclusive) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(path);
  if (entry == nullptr) return not_found(path);
  const bool others = entry->users.size() > entry->users.count(session);
  if (entry->exclusive && others) {
    return jet_error(JET_errDatabaseLocked, quoted_path(path) + " is another session's alone");
  }
  if (exclusive && others) {
    return jet_error(JET_errDatabaseInUse, quoted_path(path) + " is open in another session");
  }
  entry->exclusive |= exclusive;
  ++entry->users[session];
  return dbid_of(*entry->database);
}

Status Databases::close(JET_SESID session, JET_DBID dbid) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(dbid);
  if (found == entries_.end() || found->second.users.count(session) == 0) {
    return jet_error(JET_errInvalidDatabaseId, "this session has no such database open");
  }
  Entry& entry = found->second;
  if (--entry.users[session] == 0) entry.users.erase(session);
  if (entry.users.empty()) entry.exclusive = false;
  return Ok{};
}

void Databases::close_all(JET_SESID session) {
  const std::lock_guard lock(mutex_);
  for (auto& [dbid, entry] : entries_) {
    entry.users.erase(session);
    if (entry.users.empty()) entry.exclusive = false;
  }
}

Result<InstanceDatabase*> Databases::find_open(JET_SESID session, JET_DBID dbid) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(dbid);
  if (found == entries_.end() || found->second.users.count(session) == 0) {
    return jet_error(JET_errInvalidDatabaseId, "this session has no such database open");
  }
  return found->second.database;
}

std::vector<BytePath> Databases::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<BytePath> all;
  for (const auto& [dbid, entry] : entries_) all.push_back(entry.database->path());
  return all;
}

}  // namespace stillframe::ese::jet
