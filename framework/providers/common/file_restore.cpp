#include "framework/providers/common/file_restore.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/copy_metadata.hpp"
#include "framework/io/copy_tree.hpp"
#include "framework/io/file.hpp"
#include "framework/io/open_files.hpp"
#include "framework/io/remove_tree.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/file_scan.hpp"

namespace stillframe {
namespace {

class FileRestore {
 public:
  FileRestore(const WorkEnvironment& environment, StoredSnapshot& snapshot, const RestoreJob& job)
      : environment_(environment),
        snapshot_(snapshot),
        job_(job),
        mount_point_(snapshot.record.info.volume.mount_point),
        store_(join_path(mount_point_, kStoreName)),
        staging_(join_path(store_, "revert-" + snapshot.record.info.snapshot.to_string())) {}

  Status run(bool force) {
    if (Status s = open(); !s.ok()) return s;
    if (Status s = scan(); !s.ok()) return s;
    if (!force) {
      if (Status s = refuse_open_files(); !s.ok()) return s;
    }
    if (Status s = note(RevertStep::staging); !s.ok()) return s;
    if (Status s = stage(); !s.ok()) return give_up(s);
    if (Status s = note(RevertStep::swapping); !s.ok()) return s;
    if (Status s = swap(); !s.ok()) return s;
    if (Status s = clear_staging(); !s.ok()) return s;
    return note(RevertStep::none);
  }

 private:
  Status open() {
    auto source = open_directory(job_.source);
    if (!source.ok()) return source.error();
    auto volume = open_directory(mount_point_);
    if (!volume.ok()) return volume.error();
    source_ = std::move(source).value();
    volume_ = std::move(volume).value();
    auto located = VolumeDirectory::read();
    if (!located.ok()) return located.error();
    auto there = located.value().locate(mount_point_);
    if (!there.ok()) return there.error();
    if (there.value().volume.id == snapshot_.record.info.volume.id) return Ok{};
    return Error(Errc::wrong_state, "'" + escape_path(mount_point_) + "' now shows volume " +
                                        there.value().volume.id + ", the snapshot is of " +
                                        snapshot_.record.info.volume.id + "; mount that one there");
  }

  Status scan() {
    const auto& request = snapshot_.record.request;
    static const std::vector<FileSet> kEverything;
    static const std::vector<ExcludedFiles> kNothing;
    const ScanRequest wanted{mount_point_,
                             job_.whole_volume ? kEverything : request.files,
                             job_.whole_volume ? kNothing : request.exclude,
                             job_.storage,
                             0,
                             nullptr};
    auto live = scan_files(volume_.get(), wanted);
    if (!live.ok()) return live.error();
    live_ = std::move(live).value();
    return walk_tree(source_.get(), WalkOptions{}, [this](const WalkEntry& entry) -> Result<bool> {
      if (entry.name == kStoreName && S_ISDIR(entry.status.st_mode)) return false;
      wanted_.emplace(entry.path, entry.status);
      return true;
    });
  }

  Status refuse_open_files() const {
    std::set<FileIdentity> touched;
    for (const auto& [path, status] : live_) {
      if (S_ISREG(status.st_mode)) touched.insert({status.st_dev, status.st_ino});
    }
    const std::string holders = holders_of_files(touched);
    if (holders.empty()) return Ok{};
    return Error(Errc::in_use, "files of '" + escape_path(mount_point_) + "' are open in " +
                                   holders + "; stop that, or use force");
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
    (void)clear_staging();
    (void)note(RevertStep::none);
    return why;
  }

  Status clear_staging() {
    if (Status s = remove_tree(staging_); !s.ok()) return s;
    (void)::rmdir(store_.c_str());
    return Ok{};
  }

  Status stage() {
    if (Status s = remove_tree(staging_); !s.ok()) return s;
    if (Status s = make_directories(staging_, 0700); !s.ok()) return s;
    auto staging = open_directory(staging_);
    if (!staging.ok()) return staging.error();
    TreeCopyOptions options;
    options.data = job_.data;
    auto copied = copy_tree(source_.get(), staging.value().get(), options);
    if (!copied.ok()) return copied.error();
    staged_ = std::move(staging).value();
    if (::syncfs(staged_.get()) != 0) return posix_error(errno, "sync", staging_);
    return environment_.at("revert.staged");
  }

  Status swap() {
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
    if (::syncfs(volume_.get()) != 0) return posix_error(errno, "sync", mount_point_);
    return Ok{};
  }

  // Deepest first, so that directories are empty when their turn comes.
  Status remove_extra() {
    for (auto at = live_.rbegin(); at != live_.rend(); ++at) {
      const auto& [path, status] = *at;
      const auto keep = wanted_.find(path);
      const bool same_kind =
          keep != wanted_.end() && (keep->second.st_mode & S_IFMT) == (status.st_mode & S_IFMT);
      if (path.empty() || same_kind) continue;
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
    struct stat root {};
    if (::fstat(source_.get(), &root) != 0) return posix_error(errno, "look at", job_.source);
    return finish_directory("", root);
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
  StoredSnapshot& snapshot_;
  const RestoreJob& job_;
  const BytePath mount_point_, store_, staging_;
  Descriptor source_, volume_, staged_;
  FileScan live_, wanted_;
};

}  // namespace

Status restore_files(const WorkEnvironment& environment, StoredSnapshot& snapshot,
                     const RestoreJob& job, bool force) {
  return FileRestore(environment, snapshot, job).run(force);
}

}  // namespace stillframe
