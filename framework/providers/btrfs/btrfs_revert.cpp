#include "framework/providers/btrfs/btrfs_revert.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <btrfsutil.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/remove_tree.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/btrfs/btrfs_cut.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kJournalBytesMax = std::size_t{4} << 20;

BytePath journals_in(const WorkEnvironment& environment) {
  return join_path(environment.settings().state_directory, "reverts");
}

std::string stamp(WallTime now) {
  const auto seconds = static_cast<std::time_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.since_epoch()).count());
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

std::vector<std::pair<std::string, std::string>> options_for(const RevertJournal& journal) {
  std::vector<std::pair<std::string, std::string>> options;
  std::string_view rest = journal.super_options;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto option = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const auto equals = option.find('=');
    const std::string name(option.substr(0, equals));
    if (name == "rw" || name == "ro" || name == "subvol" || name == "subvolid") continue;
    options.emplace_back(name, equals == std::string_view::npos
                                   ? std::string()
                                   : std::string(option.substr(equals + 1)));
  }
  return options;
}

// The steps of one revert, each of which may find that it was done before a crash.
class Swap {
 public:
  Swap(const WorkEnvironment& environment, RevertJournal journal)
      : environment_(environment), journal_(std::move(journal)) {}

  // Keeps the file system mounted, so that its options live on while the volume is not.
  Status open_top() {
    auto with = [&](std::vector<std::pair<std::string, std::string>> options) {
      options.emplace_back("subvolid", "5");
      return mount_detached("btrfs", device(), options);
    };
    auto top = with({});
    if (!top.ok()) top = with(options_for(journal_));
    if (!top.ok()) return top.error();
    mount_ = std::move(top).value();
    top_ = Descriptor(::openat(mount_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return top_.valid() ? Status(Ok{}) : posix_error(errno, "open", device());
  }

  Status write_journal() const {
    const BytePath directory = journals_in(environment_);
    if (Status s = make_directories(directory, 0700); !s.ok()) return s;
    return write_file_durably(journal_path(), to_json(journal_));
  }

  Result<FileLock> lock() const {
    if (Status s = make_directories(journals_in(environment_), 0700); !s.ok()) return s.error();
    return FileLock::take(journal_path() + ".lock", "the revert of " + journal_.volume);
  }

  // The writable copy, nested subvolumes in their places, without the store of the volume's past.
  Status build_next(const SnapshotRecord& record, const BytePath& snapshot_directory) {
    auto from = open_directory(snapshot_directory);
    if (!from.ok()) return from.error();
    auto parent = open_parent(journal_.next);
    if (!parent.ok()) return parent.error();
    const int into = parent.value().directory.get();
    for (const auto& each : record.subvolumes) {
      auto source = open_beneath(from.value().get(), join_path(kTreeSubvolume, each.place),
                                 O_RDONLY | O_DIRECTORY);
      if (!source.ok()) return source.error();
      const bool whole = each.place.empty();
      const BytePath name = whole ? parent.value().name : parent.value().name + "." + each.held;
      Status made = snapshot_subvolume(source.value().get(), into, name, false);
      if (!made.ok()) return made;
      if (whole) continue;
      if (Status s = put_nested(into, name, parent.value().name, each.place); !s.ok()) return s;
    }
    auto stale = open_parent(join_path(journal_.next, journal_.store));
    if (!stale.ok()) return stale.error().code() == Errc::not_found ? Status(Ok{}) : stale.error();
    return remove_entry(stale.value().directory.get(), stale.value().name);
  }

  Status drop_next() {
    auto parent = open_parent(journal_.next);
    if (!parent.ok()) return parent.error();
    // Nested copies that were not yet in their places are named after it.
    auto names = list_names(parent.value().directory.get());
    if (!names.ok()) return names.error();
    const BytePath& name = parent.value().name;
    for (const auto& each : names.value()) {
      if (each != name && each.rfind(name + ".n", 0) != 0) continue;
      Status removed = remove_entry(parent.value().directory.get(), each);
      if (!removed.ok()) return removed;
    }
    return Ok{};
  }

  Status unmount_all(bool force) {
    for (auto mount = journal_.mounts.rbegin(); mount != journal_.mounts.rend(); ++mount) {
      Status done = unmount(mount->mount_point);
      if (!done.ok() && force && done.error().code() == Errc::in_use) {
        if (::umount2(mount->mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) done = Ok{};
      }
      if (!done.ok()) return done;
    }
    return Ok{};
  }

  Status swap() {
    journal_.swapping = true;
    if (Status s = write_journal(); !s.ok()) return s;
    return environment_.at("revert.swapping");
  }

  Status finish() {
    if (has(journal_.next)) {
      if (has(journal_.volume) && !has(journal_.aside)) {
        if (Status s = rename(journal_.volume, journal_.aside); !s.ok()) return s;
        if (Status s = environment_.at("revert.aside"); !s.ok()) return s;
      }
      if (Status s = rename(journal_.next, journal_.volume); !s.ok()) return s;
      if (Status s = environment_.at("revert.swapped"); !s.ok()) return s;
    }
    if (Status s = move_snapshots(); !s.ok()) return s;
    if (Status s = environment_.at("revert.moved"); !s.ok()) return s;
    if (Status s = keep_default(); !s.ok()) return s;
    if (::syncfs(top_.get()) != 0) return posix_error(errno, "sync", device());
    if (Status s = mount_all(); !s.ok()) return s;
    if (Status s = rename_in_records(); !s.ok()) return s;
    return environment_.at("revert.mounted");
  }

  Status mount_all() {
    for (const auto& mount : journal_.mounts) {
      auto there = is_mount_point(mount.mount_point);
      if (!there.ok()) return there.error();
      if (there.value()) continue;
      if (Status s = mount_again(mount); !s.ok()) return s;
    }
    return Ok{};
  }

  Status forget() {
    if (Status s = remove_file(journal_path()); !s.ok()) return s;
    if (Status s = sync_directory(journals_in(environment_)); !s.ok()) return s;
    if (Status s = remove_file(journal_path() + ".lock"); !s.ok()) return s;
    (void)::rmdir(journals_in(environment_).c_str());
    return Ok{};
  }

  const RevertJournal& journal() const { return journal_; }

 private:
  BytePath journal_path() const {
    return join_path(journals_in(environment_), journal_.snapshot.to_string() + ".json");
  }

  // Device names change at a reboot; the UUID does not.
  BytePath device() const {
    const BytePath by_uuid = "/dev/disk/by-uuid/" + journal_.fs_uuid;
    return exists(journal_.device) || !exists(by_uuid) ? journal_.device : by_uuid;
  }

  Result<ParentBeneath> open_parent(const BytePath& path) const {
    auto parent = open_parent_beneath(top_.get(), path);
    if (!parent.ok()) return parent;
    const int readable =
        ::openat(parent.value().directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (readable < 0) return posix_error(errno, "open the parent of", path);
    parent.value().directory = Descriptor(readable);
    return parent;
  }

  bool has(const BytePath& path) const {
    return open_beneath(top_.get(), path, O_PATH | O_DIRECTORY).ok();
  }

  Status rename(const BytePath& from, const BytePath& to) const {
    auto source = open_parent(from), target = open_parent(to);
    if (!source.ok()) return source.error();
    if (!target.ok()) return target.error();
    if (::renameat2(source.value().directory.get(), source.value().name.c_str(),
                    target.value().directory.get(), target.value().name.c_str(),
                    RENAME_NOREPLACE) != 0) {
      return posix_error(errno, "rename to", to);
    }
    return Ok{};
  }

  // Snapshots are nested in the volume they are of, and have to come along to its new self. Clones
  // made by other providers are plain files: they stay where they are, beside the old state.
  Status move_snapshots() {
    const BytePath old_store = join_path(journal_.aside, journal_.store);
    auto store = open_beneath(top_.get(), old_store, O_RDONLY | O_DIRECTORY);
    if (!store.ok()) return store.error().code() == Errc::not_found ? Status(Ok{}) : store.error();
    auto volume = open_beneath(top_.get(), journal_.volume, O_RDONLY | O_DIRECTORY);
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
        const BytePath below = join_path(join_path(journal_.store, set), snapshot);
        if (Status s = move_snapshot(below, id.value()); !s.ok()) return s;
      }
    }
    return Ok{};
  }

  Status move_snapshot(const BytePath& below, std::uint64_t new_id) {
    const BytePath from_path = join_path(journal_.aside, below);
    auto from = open_beneath(top_.get(), from_path, O_RDONLY | O_DIRECTORY);
    if (!from.ok()) return from.error();
    auto record = read_snapshot_record("/proc/self/fd/" + std::to_string(from.value().get()));
    // Not ours, damaged or moved before: it stays.
    if (!record.ok() || record.value().info.provider_name != "btrfs") return Ok{};
    auto to = make_directories_beneath(top_.get(), join_path(journal_.volume, below), 0700);
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

  // Snapshots of a nested subvolume can be kept around it; they did not move, but their volume has
  // a new id.
  Status rename_in_records() {
    auto volume = open_beneath(top_.get(), journal_.volume, O_RDONLY | O_DIRECTORY);
    if (!volume.ok()) return volume.error();
    auto id = subvolume_id_of(volume.value().get());
    if (!id.ok()) return id.error();
    for (auto& found : look_through(journal_.records, "btrfs").snapshots) {
      if (found.record.info.volume.id != journal_.volume_id) continue;
      rename_volume(found.record, id.value());
      if (Status s = write_snapshot_record(found.directory, found.record); !s.ok()) return s;
    }
    return Ok{};
  }

  static void rename_volume(SnapshotRecord& record, std::uint64_t new_id) {
    Volume& volume = record.info.volume;
    volume.subvolume_id = new_id;
    volume.id = "btrfs:" + volume.fs_uuid + ":" + std::to_string(new_id);
    record.request.volume = volume;
  }

  // A file system whose default is the reverted subvolume must not mount the old state next time.
  Status keep_default() {
    std::uint64_t by_default = 0;
    auto aside = open_beneath(top_.get(), journal_.aside, O_RDONLY | O_DIRECTORY);
    auto volume = open_beneath(top_.get(), journal_.volume, O_RDONLY | O_DIRECTORY);
    if (!aside.ok()) return aside.error();
    if (!volume.ok()) return volume.error();
    auto old_id = subvolume_id_of(aside.value().get());
    auto new_id = subvolume_id_of(volume.value().get());
    if (!old_id.ok()) return old_id.error();
    if (!new_id.ok()) return new_id.error();
    const auto asked = btrfs_util_get_default_subvolume_fd(top_.get(), &by_default);
    if (asked != BTRFS_UTIL_OK) {
      return Error(Errc::io,
                   std::string("ask for the default subvolume: ") + btrfs_util_strerror(asked));
    }
    if (by_default != old_id.value()) return Ok{};
    const auto set = btrfs_util_set_default_subvolume_fd(top_.get(), new_id.value());
    if (set == BTRFS_UTIL_OK) return Ok{};
    return Error(Errc::io, std::string("set the default subvolume: ") + btrfs_util_strerror(set));
  }

  Status mount_again(const MountToKeep& mount) {
    auto made =
        mount_detached("btrfs", device(), {{"subvol", "/" + journal_.volume}}, mount.options);
    if (!made.ok()) return made.error();
    if (mount.below.empty()) return attach_mount(made.value().get(), mount.mount_point);
    // A directory of it was bound there: the whole is attached for a moment to bind from.
    const BytePath through = join_path(environment_.settings().runtime_directory,
                                       "revert-" + journal_.snapshot.to_string());
    if (Status s = make_directories(through, 0700); !s.ok()) return s;
    if (Status s = attach_mount(made.value().get(), through); !s.ok()) return s;
    Status bound = bind_mount(join_path(through, mount.below), mount.mount_point);
    (void)::umount2(through.c_str(), MNT_DETACH);
    (void)::rmdir(through.c_str());
    return bound;
  }

  const WorkEnvironment& environment_;
  RevertJournal journal_;
  Descriptor mount_, top_;
};

// Every mount that shows the subvolume, or a directory of it, and is no view of a snapshot.
Result<std::vector<MountToKeep>> mounts_of(const BytePath& subvolume, const Volume& volume,
                                           std::string& super_options) {
  auto table = read_mountinfo();
  if (!table.ok()) return table.error();
  const MountEntry* shown = nullptr;
  for (const auto& entry : table.value()) {
    const bool ours = entry.fs_type == "btrfs" && entry.source == volume.device;
    if (ours && is_within(volume.mount_point, entry.mount_point)) shown = &entry;
  }
  if (shown == nullptr) return Error(Errc::not_found, "the volume is not mounted any more");
  super_options = shown->super_options;
  std::vector<MountToKeep> mounts;
  for (const auto& entry : table.value()) {
    if (entry.major != shown->major || entry.minor != shown->minor) continue;
    const auto below = path_below(entry.root, "/" + subvolume);
    if (!below ||
        ("/" + *below + "/").find("/" + std::string(kStoreName) + "/") != std::string::npos) {
      continue;
    }
    mounts.push_back({entry.mount_point, *below, entry.options});
  }
  return mounts;
}

Status refuse_if_busy(const Volume& volume) {
  struct stat st {};
  if (::stat(volume.mount_point.c_str(), &st) != 0) {
    return posix_error(errno, "look at", volume.mount_point);
  }
  const std::string holders = processes_that_hold([&](const std::string& link) {
    struct stat held {};
    return ::stat(link.c_str(), &held) == 0 && held.st_dev == st.st_dev;
  });
  if (holders.empty()) return Ok{};
  return Error(Errc::in_use, "'" + escape_path(volume.mount_point) + "' is in use by " + holders +
                                 "; stop that, or use force");
}

Result<RevertJournal> plan(const WorkEnvironment& environment, const StoredSnapshot& snapshot) {
  const Volume& volume = snapshot.record.info.volume;
  auto here = open_directory(volume.mount_point);
  if (!here.ok()) return here.error();
  auto id = subvolume_id_of(here.value().get());
  if (!id.ok()) return id.error();
  if (id.value() != volume.subvolume_id) {
    return Error(Errc::wrong_state, "'" + escape_path(volume.mount_point) + "' shows subvolume " +
                                        std::to_string(id.value()) + " now, the snapshot is of " +
                                        std::to_string(volume.subvolume_id) + "; mount that there");
  }
  auto path = subvolume_path_of(here.value().get(), id.value());
  if (!path.ok()) return path.error();
  RevertJournal journal;
  journal.snapshot = snapshot.record.info.snapshot;
  journal.device = volume.device;
  journal.fs_uuid = volume.fs_uuid;
  journal.volume = path.value().substr(1);
  const std::string suffix =
      stamp(environment.clock().wall_now()) + "-" + SnapshotId::generate().to_string().substr(0, 8);
  journal.next = journal.volume + ".next-" + suffix;
  journal.aside = journal.volume + ".before-revert-" + suffix;
  const BytePath inside = path_below(volume.mount_root, path.value()).value_or(BytePath());
  journal.store = join_path(inside, kStoreName);
  auto mounts = mounts_of(journal.volume, volume, journal.super_options);
  if (!mounts.ok()) return mounts.error();
  journal.mounts = std::move(mounts).value();
  journal.records = snapshot.store;
  journal.volume_id = volume.id;
  return journal;
}

Status roll_back(Swap& swap, const Status& why) {
  Status dropped = swap.drop_next();
  Status mounted = swap.mount_all();
  if (!dropped.ok()) return dropped.error().while_doing(why.error().what() + "; and undoing it");
  if (!mounted.ok()) return mounted.error().while_doing(why.error().what() + "; and undoing it");
  (void)swap.forget();
  return why;
}

Status recover_one(const WorkEnvironment& environment, const BytePath& path) {
  auto bytes = read_file(path, kJournalBytesMax);
  if (!bytes.ok()) return bytes.error();
  auto journal = parse_revert_journal(bytes.value());
  if (!journal.ok()) return journal.error();
  const bool forward = journal.value().swapping;
  Swap swap(environment, std::move(journal).value());
  auto lock = swap.lock();
  if (!lock.ok()) return lock.error().code() == Errc::in_progress ? Status(Ok{}) : lock.error();
  if (!exists(path)) return Ok{};  // whoever held the lock has finished it
  if (Status s = swap.open_top(); !s.ok()) return s;
  if (forward) {
    if (Status s = swap.finish(); !s.ok()) return s;
  } else {
    if (Status s = swap.drop_next(); !s.ok()) return s;
    if (Status s = swap.mount_all(); !s.ok()) return s;
  }
  environment.inform(ProviderEvent::revert_resumed, std::string(forward ? "finished" : "undid") +
                                                        " an interrupted revert of '" +
                                                        escape_path(swap.journal().volume) + "'");
  return swap.forget();
}

}  // namespace

Status revert_subvolume(const WorkEnvironment& environment, const StoredSnapshot& snapshot,
                        bool force) {
  if (!force) {
    if (Status s = refuse_if_busy(snapshot.record.info.volume); !s.ok()) return s;
  }
  auto journal = plan(environment, snapshot);
  if (!journal.ok()) return journal.error();
  Swap swap(environment, std::move(journal).value());
  auto lock = swap.lock();
  if (!lock.ok()) return lock.error();
  if (Status s = swap.open_top(); !s.ok()) return s;
  if (Status s = swap.write_journal(); !s.ok()) return s;
  if (Status s = environment.at("revert.journal"); !s.ok()) return roll_back(swap, s);
  Status built = swap.build_next(snapshot.record, snapshot.directory);
  if (built.ok()) built = environment.at("revert.built");
  if (!built.ok()) return roll_back(swap, built);
  Status unmounted = swap.unmount_all(force);
  if (unmounted.ok()) unmounted = environment.at("revert.unmounted");
  if (!unmounted.ok()) return roll_back(swap, unmounted);
  if (Status s = swap.swap(); !s.ok()) return s;
  if (Status s = swap.finish(); !s.ok()) return s;
  environment.inform(ProviderEvent::revert_finished,
                     "the state before the revert is kept in subvolume '/" +
                         escape_path(swap.journal().aside) + "'; delete it when it is not needed");
  return swap.forget();
}

void recover_reverts(const WorkEnvironment& environment) {
  const BytePath directory = journals_in(environment);
  auto open = open_directory(directory);
  if (!open.ok()) return;
  auto names = list_names(open.value().get());
  if (!names.ok()) return;
  for (const auto& name : names.value()) {
    if (name.size() < 5 || name.compare(name.size() - 5, 5, ".json") != 0) continue;
    Status done = recover_one(environment, join_path(directory, name));
    if (!done.ok()) {
      environment.warn(ProviderEvent::leftover_kept, "cannot finish the interrupted revert in '" +
                                                         escape_path(name) +
                                                         "': " + done.error().what());
    }
  }
}

}  // namespace stillframe
