#include "framework/providers/common/snapshot_store.hpp"

#include <cerrno>

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

constexpr const char* kRecordName = "record.json";
constexpr const char* kOwnerName = "owner";
// Somebody else may be removing an empty set directory while we put a snapshot into it.
constexpr int kCreateTries = 1000;

template <class IdType>
bool is_id(const BytePath& name) {
  auto id = IdType::parse(name);
  return id.ok() && id.value().to_string() == name;
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
  } else if (record.ok()) {
    found.record.info.root = join_path(found.directory, found.record.view);
    findings.snapshots.push_back(std::move(found));
  }
}

}  // namespace

Result<SnapshotDirectory> SnapshotDirectory::create(const BytePath& store, const SetId& set,
                                                    const SnapshotId& snapshot) {
  const BytePath of_set = join_path(store, set.to_string());
  const BytePath path = join_path(of_set, snapshot.to_string());
  // A cleaner that comes between mkdir and the lock takes the directory for an abandoned one and
  // removes it; then we begin again.
  bool made_once = false;
  for (int tries = 0;; ++tries) {
    const bool last = tries == kCreateTries;
    if (Status s = make_directories(of_set, 0700); !s.ok()) {
      // It can also come between finding that the set's directory exists and looking at it.
      const bool vanished =
          s.error().code() == Errc::already_exists || s.error().code() == Errc::not_found;
      if (!vanished || last) return s.error();
      ::sched_yield();
      continue;
    }
    if (::mkdir(path.c_str(), 0700) == 0) {
      made_once = true;
      auto owner = FileLock::take(join_path(path, kOwnerName), "snapshot " + snapshot.to_string());
      if (owner.ok() && exists(join_path(path, kOwnerName))) {
        return SnapshotDirectory(path, std::move(owner).value());
      }
      const bool lost = owner.ok() || owner.error().code() == Errc::not_found ||
                        owner.error().code() == Errc::in_progress;
      if (!lost || last) return owner.ok() ? posix_error(ENOENT, "lock", path) : owner.error();
    } else if (last || (errno != ENOENT && !(errno == EEXIST && made_once))) {
      return posix_error(errno, "create the snapshot's directory", path);
    }
    ::sched_yield();
  }
}

BytePath SnapshotDirectory::entry(std::string_view name) const {
  return join_path(path_, name);
}

Status SnapshotDirectory::write(const SnapshotRecord& record) const {
  return write_snapshot_record(path_, record);
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
  for (const auto& set : names_in(store)) {
    if (!is_id<SetId>(set)) continue;
    for (const auto& snapshot : names_in(join_path(store, set))) {
      if (is_id<SnapshotId>(snapshot)) look_at(store, set, snapshot, provider, findings);
    }
  }
  return findings;
}

Status remove_snapshot_directory(const BytePath& store, const BytePath& directory,
                                 SnapshotDirectory* held) {
  if (!exists(directory)) return Ok{};
  std::optional<FileLock> lock;
  if (held == nullptr || !held->owned()) {
    auto taken = FileLock::take(join_path(directory, kOwnerName), "snapshot being removed");
    if (!taken.ok()) return taken.error();
    lock.emplace(std::move(taken).value());
  }
  if (Status s = remove_file(join_path(directory, kRecordName)); !s.ok()) return s;
  if (Status s = sync_directory(directory); !s.ok()) return s;
  if (Status s = remove_contents(directory); !s.ok()) return s;
  if (Status s = remove_file(join_path(directory, kOwnerName)); !s.ok()) return s;
  if (::rmdir(directory.c_str()) != 0 && errno != ENOENT) {
    return posix_error(errno, "remove the snapshot's directory", directory);
  }
  // Not empty means that others are in use.
  (void)::rmdir(parent_path(directory).c_str());
  (void)::rmdir(store.c_str());
  return Ok{};
}

}  // namespace stillframe
