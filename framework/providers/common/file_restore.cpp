#include "framework/providers/common/file_restore.hpp"

#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <linux/btrfs_tree.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/busy.hpp"
#include "framework/io/copy_metadata.hpp"
#include "framework/io/copy_tree.hpp"
#include "framework/io/file.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/remove_tree.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/file_scan.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

// A file set on one file system without borders: all of a revert, or one subvolume of it.
class PartRestore {
 public:
  PartRestore(const WorkEnvironment& environment, const StoredSnapshot& snapshot,
              const RestoreJob& job, const BytePath& place)
      : environment_(environment),
        snapshot_(snapshot),
        job_(job),
        place_(place),
        source_path_(join_path(job.source, place)),
        root_path_(join_path(snapshot.record.info.volume.mount_point, place)),
        store_(join_path(root_path_, kStoreName)),
        staging_(join_path(store_, "revert-" + snapshot.record.info.snapshot.to_string())) {}

  Status open() {
    auto source = open_directory(source_path_);
    if (!source.ok()) return source.error();
    source_ = std::move(source).value();
    if (!place_.empty()) {
      auto gone = is_gone();
      if (!gone.ok()) return gone.error();
      gone_ = gone.value();
      if (gone_) return Ok{};
    }
    auto volume = open_directory(root_path_);
    if (!volume.ok()) return volume.error();
    volume_ = std::move(volume).value();
    if (::fstat(volume_.get(), &root_) == 0) return Ok{};
    return posix_error(errno, "look at", root_path_);
  }

  Status scan() {
    if (gone_) return Ok{};
    const auto& request = snapshot_.record.request;
    static const std::vector<FileSet> kEverything;
    static const std::vector<ExcludedFiles> kNothing;
    const ScanRequest wanted{root_path_,
                             job_.whole_volume ? kEverything : request.files,
                             job_.whole_volume ? kNothing : request.exclude,
                             job_.storage,
                             0,
                             nullptr,
                             in_parts()};
    auto live = scan_files(volume_.get(), wanted);
    if (!live.ok()) return live.error();
    live_ = std::move(live).value();
    return walk_tree(source_.get(), WalkOptions{true, in_parts()},
                     [this](const WalkEntry& entry) -> Result<bool> {
                       if (entry.name == kStoreName && S_ISDIR(entry.status.st_mode)) return false;
                       if (is_border(entry.path, entry.status)) return false;
                       wanted_.emplace(entry.path, entry.status);
                       return true;
                     });
  }

  void note_files(std::set<FileIdentity>& touched) const {
    for (const auto& [path, status] : live_) {
      if (S_ISREG(status.st_mode)) touched.insert({status.st_dev, status.st_ino});
    }
  }

  Status stage() {
    if (gone_) return Ok{};
    if (Status s = remove_tree(staging_); !s.ok()) return s;
    if (Status s = make_directories(staging_, 0700); !s.ok()) return s;
    auto staging = open_directory(staging_);
    if (!staging.ok()) return staging.error();
    TreeCopyOptions options;
    options.data = job_.data;
    options.stay_on_device = in_parts();
    auto copied = copy_tree(source_.get(), staging.value().get(), options);
    if (!copied.ok()) return copied.error();
    staged_ = std::move(staging).value();
    if (::syncfs(staged_.get()) != 0) return posix_error(errno, "sync", staging_);
    return environment_.at("revert.staged");
  }

  Status swap() {
    if (gone_) return bring_back();
    if (Status s = remove_extra(); !s.ok()) return s;
    if (Status s = environment_.at("revert.extra_removed"); !s.ok()) return s;
    bool first = true;
    for (const auto& [path, status] : wanted_) {
      Status put = S_ISDIR(status.st_mode) ? put_directory(path) : put_file(path);
      if (!put.ok()) return put.error().while_doing("put back '" + escape_path(path) + "'");
      if (first) {
        if (Status s = environment_.at("revert.first_file"); !s.ok()) return s;
      }
      first = false;
    }
    if (Status s = finish_directories(); !s.ok()) return s;
    if (::syncfs(volume_.get()) != 0) return posix_error(errno, "sync", root_path_);
    return Ok{};
  }

  Status clear_staging() {
    if (Status s = remove_tree(staging_); !s.ok()) return s;
    (void)::rmdir(store_.c_str());
    return Ok{};
  }

  // Last, because the staging area leaves its mark on the times of the part's root.
  Status finish_root() {
    if (gone_) return Ok{};
    struct stat root {};
    if (::fstat(source_.get(), &root) != 0) return posix_error(errno, "look at", source_path_);
    return finish_directory("", root);
  }

 private:
  bool in_parts() const { return !job_.subvolumes.empty(); }

  // Where another subvolume begins, on the volume or in the snapshot: not this part's to touch. A
  // subvolume that was not cut is an empty directory with a number of its own in the snapshot.
  bool is_border(const BytePath& path, const struct stat& status) const {
    if (!in_parts() || !S_ISDIR(status.st_mode) || path.empty()) return false;
    if (status.st_ino == BTRFS_FIRST_FREE_OBJECTID ||
        status.st_ino == BTRFS_EMPTY_SUBVOL_DIR_OBJECTID) {
      return true;
    }
    const auto live = live_.find(path);
    return live != live_.end() && live->second.st_dev != root_.st_dev;
  }

  // Whether the live subvolume of this part is there. One that was deleted since the snapshot comes
  // back whole, after the directories on the way to it.
  Result<bool> is_gone() const {
    auto volume = open_directory(snapshot_.record.info.volume.mount_point);
    if (!volume.ok()) return volume.error();
    auto parent = open_parent_beneath(volume.value().get(), place_);
    if (!parent.ok() && parent.error().code() == Errc::not_found) return true;
    if (!parent.ok()) return parent.error();
    const auto& [directory, name] = parent.value();
    if (is_subvolume(directory.get(), name)) return false;
    struct stat other {};
    if (::fstatat(directory.get(), name.c_str(), &other, AT_SYMLINK_NOFOLLOW) != 0) return true;
    return Error(Errc::wrong_state, "'" + escape_path(root_path_) +
                                        "' was a subvolume and is something else now; move that "
                                        "away, then revert again");
  }

  Status bring_back() const {
    auto parent = open_directory(parent_path(root_path_));
    if (!parent.ok()) return parent.error();
    return snapshot_subvolume(source_.get(), parent.value().get(), last_component(place_), false);
  }

  // Deepest first, so that directories are empty when their turn comes.
  Status remove_extra() {
    for (auto at = live_.rbegin(); at != live_.rend(); ++at) {
      const auto& [path, status] = *at;
      const auto keep = wanted_.find(path);
      const bool same_kind =
          keep != wanted_.end() && (keep->second.st_mode & S_IFMT) == (status.st_mode & S_IFMT);
      if (path.empty() || same_kind || is_border(path, status)) continue;
      const bool directory = S_ISDIR(status.st_mode);
      if (keep != wanted_.end() && !directory && !S_ISDIR(keep->second.st_mode)) continue;
      auto parent = open_parent_beneath(volume_.get(), path);
      if (!parent.ok()) return parent.error();
      const int removed = ::unlinkat(parent.value().directory.get(), parent.value().name.c_str(),
                                     directory ? AT_REMOVEDIR : 0);
      // A directory may hold what no file set names: that is not ours to remove.
      const bool kept = directory && keep == wanted_.end() &&
                        (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY);
      if (removed != 0 && errno != ENOENT && !kept) return posix_error(errno, "remove", path);
    }
    return Ok{};
  }

  Status put_directory(const BytePath& path) {
    auto parent = open_parent_beneath(volume_.get(), path);
    if (!parent.ok()) return parent.error();
    if (::mkdirat(parent.value().directory.get(), parent.value().name.c_str(), 0700) == 0 ||
        errno == EEXIST) {
      return Ok{};
    }
    return posix_error(errno, "create directory", path);
  }

  Status put_file(const BytePath& path) {
    auto from = open_parent_beneath(staged_.get(), path);
    if (!from.ok()) return from.error();
    auto to = open_parent_beneath(volume_.get(), path);
    if (!to.ok()) return to.error();
    const auto& [from_directory, from_name] = from.value();
    if (::renameat(from_directory.get(), from_name.c_str(), to.value().directory.get(),
                   to.value().name.c_str()) == 0) {
      return Ok{};
    }
    if (errno == ENOENT) return Ok{};  // a socket: copies leave them out
    return posix_error(errno, "rename", path);
  }

  Status finish_directories() {
    for (auto at = wanted_.rbegin(); at != wanted_.rend(); ++at) {
      if (!S_ISDIR(at->second.st_mode)) continue;
      if (Status s = finish_directory(at->first, at->second); !s.ok()) return s;
    }
    return Ok{};
  }

  Status finish_directory(const BytePath& path, const struct stat& status) {
    std::vector<std::string> not_kept;
    auto from = open_beneath(source_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!from.ok()) return from.error();
    auto to = open_beneath(volume_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!to.ok()) return to.error();
    const BytePath here = ".";
    return copy_metadata({from.value().get(), here}, status, {to.value().get(), here}, not_kept);
  }

  const WorkEnvironment& environment_;
  const StoredSnapshot& snapshot_;
  const RestoreJob& job_;
  const BytePath place_;  // the part's root on the volume and in the snapshot
  const BytePath source_path_, root_path_, store_, staging_;
  Descriptor source_, volume_, staged_;
  struct stat root_ {};
  bool gone_ = false;
  FileScan live_, wanted_;
};

class FileRestore {
 public:
  FileRestore(const WorkEnvironment& environment, StoredSnapshot& snapshot, const RestoreJob& job)
      : environment_(environment), snapshot_(snapshot) {
    const std::vector<BytePath> whole{""};
    for (const BytePath& place : job.subvolumes.empty() ? whole : job.subvolumes) {
      parts_.push_back(std::make_unique<PartRestore>(environment, snapshot, job, place));
    }
  }

  Status run(bool force) {
    if (Status s = check_volume(); !s.ok()) return s;
    if (Status s = each(&PartRestore::open); !s.ok()) return s;
    if (Status s = each(&PartRestore::scan); !s.ok()) return s;
    if (!force) {
      if (Status s = refuse_open_files(); !s.ok()) return s;
    }
    if (Status s = note(RevertStep::staging); !s.ok()) return s;
    if (Status s = each(&PartRestore::stage); !s.ok()) return give_up(s);
    if (Status s = note(RevertStep::swapping); !s.ok()) return s;
    if (Status s = each(&PartRestore::swap); !s.ok()) return s;
    if (Status s = each(&PartRestore::clear_staging); !s.ok()) return s;
    if (Status s = each(&PartRestore::finish_root); !s.ok()) return s;
    return note(RevertStep::none);
  }

 private:
  Status each(Status (PartRestore::*step)()) {
    for (auto& part : parts_) {
      if (Status s = (part.get()->*step)(); !s.ok()) return s;
    }
    return Ok{};
  }

  Status check_volume() const {
    const Volume& volume = snapshot_.record.info.volume;
    auto located = VolumeDirectory::read();
    if (!located.ok()) return located.error();
    auto there = located.value().locate(volume.mount_point);
    if (!there.ok()) return there.error();
    if (there.value().volume.id == volume.id) return Ok{};
    return Error(Errc::wrong_state, "'" + escape_path(volume.mount_point) + "' now shows volume " +
                                        there.value().volume.id + ", the snapshot is of " +
                                        volume.id + "; mount that one there");
  }

  Status refuse_open_files() const {
    std::set<FileIdentity> touched;
    for (const auto& part : parts_) part->note_files(touched);
    std::string holders;
    const auto look = [&] {
      holders = holders_of_files(touched);
      return holders.empty() ? 0 : EBUSY;
    };
    if (while_busy(look, kBusyTriesOfAScan) == 0) return Ok{};
    return Error(Errc::in_use, "files of '" +
                                   escape_path(snapshot_.record.info.volume.mount_point) +
                                   "' are open in " + holders + "; stop that, or use force");
  }

  Status note(RevertStep step) {
    const bool known = snapshot_.record.revert == step;
    snapshot_.record.revert = step;
    if (!known) {
      if (Status s = write_snapshot_record(snapshot_.directory, snapshot_.record); !s.ok())
        return s;
    }
    return environment_.at(step == RevertStep::staging    ? "revert.staging"
                           : step == RevertStep::swapping ? "revert.swapping"
                                                          : "revert.done");
  }

  // Nothing was changed yet: the revert did not happen.
  Status give_up(const Status& why) {
    (void)each(&PartRestore::clear_staging);
    (void)note(RevertStep::none);
    return why;
  }

  const WorkEnvironment& environment_;
  StoredSnapshot& snapshot_;
  std::vector<std::unique_ptr<PartRestore>> parts_;
};

}  // namespace

Status restore_files(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                     const RestoreJob& job, bool force) {
  return FileRestore(environment, snapshot, job).run(force);
}

}  // namespace stillframe
