#include "framework/providers/common/snapshot_store.hpp"

#include <cerrno>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

constexpr const char* kRecordName = "record.json";
constexpr const char* kOwnerName = "owner";
// A removed snapshot's directory on its last way: by this name nobody looks for a snapshot in it.
constexpr std::string_view kGonePrefix = ".gone-";

template <class IdType>
bool is_id(const BytePath& name) {
  auto id = IdType::parse(name);
  return id.ok() && id.value().to_string() == name;
}

// Records say what is unmounted, removed and put back. On a volume whose root belongs to an
// ordinary user anybody could have written them; so a store is its provider's own directory, or it
// is none.
Status check_store(const BytePath& store) {
  struct stat about {};
  if (::lstat(store.c_str(), &about) != 0) return posix_error(errno, "look at", store);
  if (S_ISDIR(about.st_mode) && about.st_uid == ::geteuid() && (about.st_mode & 022) == 0) {
    return Ok{};
  }
  return Error(Errc::access_denied,
               "'" + escape_path(store) + "' is no directory that belongs to user " +
                   std::to_string(::geteuid()) +
                   " and that nobody else may write; remove it, or look for who made it");
}

std::vector<BytePath> names_in(const BytePath& directory) {
  auto open = open_directory(directory);
  if (!open.ok()) return {};
  auto names = list_names(open.value().get());
  return names.ok() ? std::move(names).value() : std::vector<BytePath>();
}

// True when the process that made the snapshot still works on it.
bool has_living_owner(const BytePath& directory) {
  auto lock = FileLock::take(join_path(directory, kOwnerName), "snapshot");
  return !lock.ok() && lock.error().code() == Errc::in_progress;
}

Status remove_contents(const BytePath& directory) {
  auto open = open_directory(directory);
  if (!open.ok()) return open.error();
  for (const auto& name : names_in(directory)) {
    if (name == kOwnerName) continue;
    if (Status s = remove_entry(open.value().get(), name); !s.ok()) return s;
  }
  return Ok{};
}

void look_at(const BytePath& store, const BytePath& set, const BytePath& snapshot,
             const std::string& provider, StoreFindings& findings) {
  StoredSnapshot found;
  found.store = store;
  found.directory = join_path(join_path(store, set), snapshot);
  auto record = read_snapshot_record(found.directory);
  if (!record.ok() && record.error().code() != Errc::not_found) {
    findings.unreadable.push_back(
        record.error().while_doing("snapshot at '" + escape_path(found.directory) + "'"));
    return;
  }
  if (record.ok()) {
    found.record = std::move(record).value();
    if (found.record.info.provider_name != provider) return;
  }
  found.record.info.set = SetId::parse(set).value();
  found.record.info.snapshot = SnapshotId::parse(snapshot).value();
  const bool created = record.ok() && found.record.info.state == SnapshotState::created;
  if (!created && !has_living_owner(found.directory)) {
    findings.abandoned.push_back(std::move(found));
    return;
  }
  if (!created) ++findings.at_work;
  if (record.ok()) {
    found.record.info.root = join_path(found.directory, found.record.view);
    findings.snapshots.push_back(std::move(found));
  }
}

// One try. in_progress: a cleaner is at work on the same directories; it works when that is done.
Status try_to_make(const BytePath& path, bool& made_once, std::optional<FileLock>& owner) {
  const Error cleaned(Errc::in_progress, "the snapshot's directory '" + escape_path(path) +
                                             "' is cleaned away again and again; who does that?");
  if (Status s = make_directories(parent_path(path), 0700); !s.ok()) {
    // It can vanish between finding that it exists and looking at it.
    const Errc why = s.error().code();
    return why == Errc::already_exists || why == Errc::not_found ? Status(cleaned) : s;
  }
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == ENOENT || (errno == EEXIST && made_once)) return cleaned;
    return posix_error(errno, "create the snapshot's directory", path);
  }
  made_once = true;
  if (Status s = check_store(parent_path(parent_path(path))); !s.ok()) {
    return s.error().code() == Errc::not_found ? Status(cleaned) : s;
  }
  // A cleaner that comes between mkdir and the lock takes the directory for an abandoned one and
  // removes it; then we begin again.
  auto taken = FileLock::take(join_path(path, kOwnerName), "snapshot");
  if (taken.ok() && exists(join_path(path, kOwnerName))) {
    owner.emplace(std::move(taken).value());
    return Ok{};
  }
  const bool lost = taken.ok() || taken.error().code() == Errc::not_found ||
                    taken.error().code() == Errc::in_progress;
  return lost ? cleaned : taken.error();
}

// The rest of a removal, after the directory has its last name; also for one that a crash ended.
Status finish_removal(const BytePath& gone) {
  if (Status s = remove_file(join_path(gone, kOwnerName)); !s.ok()) return s;
  if (::rmdir(gone.c_str()) == 0 || errno == ENOENT) return Ok{};
  return posix_error(errno, "remove the snapshot's directory", gone);
}

}  // namespace

Result<SnapshotDirectory> SnapshotDirectory::create(const BytePath& store, const SetId& set,
                                                    const SnapshotId& snapshot) {
  const BytePath of_set = join_path(store, set.to_string());
  const BytePath path = join_path(of_set, snapshot.to_string());
  std::optional<FileLock> owner;
  Status made = Ok{};
  bool made_once = false;
  const int failed = while_busy([&] {
    made = try_to_make(path, made_once, owner);
    return made.ok() ? 0 : (made.error().code() == Errc::in_progress ? EBUSY : EIO);
  });
  if (failed != 0) return made.error();
  return SnapshotDirectory(path, std::move(*owner));
}

BytePath SnapshotDirectory::entry(std::string_view name) const {
  return join_path(path_, name);
}

Status SnapshotDirectory::write(const SnapshotRecord& record) const {
  return write_snapshot_record(path_, record);
}

Status SnapshotDirectory::remove(const BytePath& store) const {
  if (owner_ || !exists(path_)) return remove_snapshot_directory(store, path_);
  auto lock = lock_snapshot(path_);
  return lock.ok() ? remove_snapshot_directory(store, path_) : Status(lock.error());
}

Status write_snapshot_record(const BytePath& directory, const SnapshotRecord& record) {
  SnapshotRecord written = record;
  written.info.root.clear();
  return write_file_durably(join_path(directory, kRecordName), to_json(written), 0600);
}

Result<SnapshotRecord> read_snapshot_record(const BytePath& directory) {
  auto bytes = read_file(join_path(directory, kRecordName), kSnapshotRecordBytesMax);
  if (!bytes.ok()) return bytes.error();
  return parse_snapshot_record(bytes.value());
}

StoreFindings look_through(const BytePath& store, const std::string& provider) {
  StoreFindings findings;
  if (Status s = check_store(store); !s.ok()) {
    if (s.error().code() != Errc::not_found) findings.unreadable.push_back(s.error());
    return findings;
  }
  for (const auto& set : names_in(store)) {
    if (!is_id<SetId>(set)) continue;
    const BytePath of_set = join_path(store, set);
    for (const auto& snapshot : names_in(of_set)) {
      if (is_id<SnapshotId>(snapshot)) look_at(store, set, snapshot, provider, findings);
      if (snapshot.starts_with(kGonePrefix)) (void)finish_removal(join_path(of_set, snapshot));
    }
  }
  return findings;
}

Result<FileLock> lock_snapshot(const BytePath& directory, LockWait wait) {
  Result<FileLock> lock = Error(Errc::internal, "not tried");
  while_busy([&] {
    lock = FileLock::take(join_path(directory, kOwnerName),
                          "snapshot at '" + escape_path(directory) + "'");
    const bool held = !lock.ok() && lock.error().code() == Errc::in_progress;
    return held && wait == LockWait::a_moment ? EBUSY : 0;
  });
  if (lock.ok() && !exists(join_path(directory, kOwnerName))) {
    return Error(Errc::not_found,
                 "the snapshot at '" + escape_path(directory) + "' was removed meanwhile");
  }
  return lock;
}

Result<Descriptor> lock_for_cleaning(const BytePath& store) {
  auto directory = open_directory(store);
  if (!directory.ok()) return directory;
  const int failed = while_busy([&] {
    if (::flock(directory.value().get(), LOCK_EX | LOCK_NB) == 0) return 0;
    return errno == EWOULDBLOCK ? EBUSY : errno;
  });
  if (failed == 0) return directory;
  if (failed != EBUSY) return posix_error(failed, "lock", store);
  return Error(Errc::in_progress, "another process removes leftovers from '" + escape_path(store) +
                                      "'; try again when it is done");
}

Status remove_snapshot_directory(const BytePath& store, const BytePath& directory) {
  if (!exists(directory)) return Ok{};
  if (Status s = remove_file(join_path(directory, kRecordName)); !s.ok()) return s;
  if (Status s = sync_directory(directory); !s.ok()) return s;
  if (Status s = remove_contents(directory); !s.ok()) return s;
  const BytePath of_set = parent_path(directory);
  const BytePath gone =
      join_path(of_set, std::string(kGonePrefix) + directory.substr(of_set.size() + 1));
  if (::rename(directory.c_str(), gone.c_str()) != 0) {
    return posix_error(errno, "remove the snapshot's directory", directory);
  }
  if (Status s = finish_removal(gone); !s.ok()) return s;
  // Not empty means that others are in use.
  (void)::rmdir(of_set.c_str());
  (void)::rmdir(store.c_str());
  return Ok{};
}

}  // namespace stillframe
