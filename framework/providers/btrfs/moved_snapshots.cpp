#include "framework/providers/btrfs/moved_snapshots.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/snapshot_store.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

void rename_volume(SnapshotRecord& record, std::uint64_t new_id) {
  Volume& volume = record.info.volume;
  volume.subvolume_id = new_id;
  volume.id = "btrfs:" + volume.fs_uuid + ":" + std::to_string(new_id);
  record.request.volume = volume;
}

Status move_snapshot(int top, const RevertJournal& journal, const BytePath& below,
                     std::uint64_t new_id) {
  const BytePath from_path = join_path(journal.aside, below);
  auto from = open_beneath(top, from_path, O_RDONLY | O_DIRECTORY);
  if (!from.ok()) return from.error();
  auto record = read_snapshot_record("/proc/self/fd/" + std::to_string(from.value().get()));
  // Not ours, damaged or moved before: it stays.
  if (!record.ok() || record.value().info.provider_name != "btrfs") return Ok{};
  auto to = make_directories_beneath(top, join_path(journal.volume, below), 0700);
  if (!to.ok()) return to.error();
  auto names = list_names(from.value().get());
  if (!names.ok()) return names.error();
  for (const auto& name : names.value()) {
    if (!is_subvolume(from.value().get(), name)) continue;
    // Moving a sealed subvolume would have to change it: its parent is written down in it.
    const bool sealed = record.value().sealed;
    if (sealed) {
      if (Status s = set_subvolume_read_only(from.value().get(), name, false); !s.ok()) return s;
    }
    if (::renameat(from.value().get(), name.c_str(), to.value().get(), name.c_str()) != 0) {
      return posix_error(errno, "move the snapshot", below);
    }
    if (sealed) {
      if (Status s = set_subvolume_read_only(to.value().get(), name, true); !s.ok()) return s;
    }
  }
  SnapshotRecord moved = std::move(record).value();
  rename_volume(moved, new_id);
  Status written =
      write_snapshot_record("/proc/self/fd/" + std::to_string(to.value().get()), moved);
  if (!written.ok()) return written;
  return remove_file("/proc/self/fd/" + std::to_string(from.value().get()) + "/record.json");
}

}  // namespace

Status move_snapshots(int top, const RevertJournal& journal) {
  const BytePath old_store = join_path(journal.aside, journal.store);
  auto store = open_beneath(top, old_store, O_RDONLY | O_DIRECTORY);
  if (!store.ok()) return store.error().code() == Errc::not_found ? Status(Ok{}) : store.error();
  auto volume = open_beneath(top, journal.volume, O_RDONLY | O_DIRECTORY);
  if (!volume.ok()) return volume.error();
  auto id = subvolume_id_of(volume.value().get());
  if (!id.ok()) return id.error();
  auto sets = list_names(store.value().get());
  if (!sets.ok()) return sets.error();
  for (const auto& set : sets.value()) {
    auto directory = open_beneath(store.value().get(), set, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) continue;
    auto snapshots = list_names(directory.value().get());
    if (!snapshots.ok()) return snapshots.error();
    for (const auto& snapshot : snapshots.value()) {
      const BytePath below = join_path(join_path(journal.store, set), snapshot);
      if (Status s = move_snapshot(top, journal, below, id.value()); !s.ok()) return s;
    }
  }
  return Ok{};
}

Status rename_in_records(int top, const RevertJournal& journal) {
  auto volume = open_beneath(top, journal.volume, O_RDONLY | O_DIRECTORY);
  if (!volume.ok()) return volume.error();
  auto id = subvolume_id_of(volume.value().get());
  if (!id.ok()) return id.error();
  for (auto& found : look_through(journal.records, "btrfs").snapshots) {
    if (found.record.info.volume.id != journal.volume_id) continue;
    rename_volume(found.record, id.value());
    if (Status s = write_snapshot_record(found.directory, found.record); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace stillframe
