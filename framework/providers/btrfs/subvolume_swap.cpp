#include "framework/providers/btrfs/subvolume_swap.hpp"

#include <cerrno>

#include <btrfsutil.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/btrfs/btrfs_cut.hpp"
#include "framework/providers/btrfs/moved_snapshots.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

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

}  // namespace

BytePath revert_journals_in(const WorkEnvironment& environment) {
  return join_path(environment.settings().state_directory, "reverts");
}

Status SubvolumeSwap::open_top() {
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

Status SubvolumeSwap::write_journal() const {
  const BytePath directory = revert_journals_in(environment_);
  if (Status s = make_directories(directory, 0700); !s.ok()) return s;
  return write_file_durably(journal_path(), to_json(journal_));
}

Result<FileLock> SubvolumeSwap::lock() const {
  if (Status s = make_directories(revert_journals_in(environment_), 0700); !s.ok())
    return s.error();
  return FileLock::take(journal_path() + ".lock", "the revert of " + journal_.volume);
}

Status SubvolumeSwap::build_next(const SnapshotRecord& record, const BytePath& snapshot_directory) {
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

Status SubvolumeSwap::drop_next() {
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

Status SubvolumeSwap::unmount_all(bool force) {
  for (auto mount = journal_.mounts.rbegin(); mount != journal_.mounts.rend(); ++mount) {
    Status done = unmount(mount->mount_point);
    if (!done.ok() && force && done.error().code() == Errc::in_use) {
      if (::umount2(mount->mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) done = Ok{};
    }
    if (!done.ok()) return done;
  }
  return Ok{};
}

Status SubvolumeSwap::swap() {
  journal_.swapping = true;
  if (Status s = write_journal(); !s.ok()) return s;
  return environment_.at("revert.swapping");
}

Status SubvolumeSwap::finish() {
  if (has(journal_.next)) {
    if (has(journal_.volume) && !has(journal_.aside)) {
      if (Status s = rename(journal_.volume, journal_.aside); !s.ok()) return s;
      if (Status s = environment_.at("revert.aside"); !s.ok()) return s;
    }
    if (Status s = rename(journal_.next, journal_.volume); !s.ok()) return s;
    if (Status s = environment_.at("revert.swapped"); !s.ok()) return s;
  }
  if (Status s = move_snapshots(top_.get(), journal_); !s.ok()) return s;
  if (Status s = environment_.at("revert.moved"); !s.ok()) return s;
  if (Status s = keep_default(); !s.ok()) return s;
  if (::syncfs(top_.get()) != 0) return posix_error(errno, "sync", device());
  if (Status s = mount_all(); !s.ok()) return s;
  if (Status s = rename_in_records(top_.get(), journal_); !s.ok()) return s;
  return environment_.at("revert.mounted");
}

Status SubvolumeSwap::mount_all() {
  for (const auto& mount : journal_.mounts) {
    auto there = is_mount_point(mount.mount_point);
    if (!there.ok()) return there.error();
    if (there.value()) continue;
    if (Status s = mount_again(mount); !s.ok()) return s;
  }
  return Ok{};
}

Status SubvolumeSwap::forget() {
  if (Status s = remove_file(journal_path()); !s.ok()) return s;
  if (Status s = sync_directory(revert_journals_in(environment_)); !s.ok()) return s;
  if (Status s = remove_file(journal_path() + ".lock"); !s.ok()) return s;
  (void)::rmdir(revert_journals_in(environment_).c_str());
  return Ok{};
}

BytePath SubvolumeSwap::journal_path() const {
  return join_path(revert_journals_in(environment_), journal_.snapshot.to_string() + ".json");
}

// Device names change at a reboot; the UUID does not.
BytePath SubvolumeSwap::device() const {
  const BytePath by_uuid = "/dev/disk/by-uuid/" + journal_.fs_uuid;
  return exists(journal_.device) || !exists(by_uuid) ? journal_.device : by_uuid;
}

Result<ParentBeneath> SubvolumeSwap::open_parent(const BytePath& path) const {
  auto parent = open_parent_beneath(top_.get(), path);
  if (!parent.ok()) return parent;
  const int readable =
      ::openat(parent.value().directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable < 0) return posix_error(errno, "open the parent of", path);
  parent.value().directory = Descriptor(readable);
  return parent;
}

bool SubvolumeSwap::has(const BytePath& path) const {
  return open_beneath(top_.get(), path, O_PATH | O_DIRECTORY).ok();
}

Status SubvolumeSwap::rename(const BytePath& from, const BytePath& to) const {
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

// A file system whose default is the reverted subvolume must not mount the old state next time.
Status SubvolumeSwap::keep_default() {
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

Status SubvolumeSwap::mount_again(const MountToKeep& mount) {
  auto made = mount_detached("btrfs", device(), {{"subvol", "/" + journal_.volume}}, mount.options);
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

}  // namespace stillframe
