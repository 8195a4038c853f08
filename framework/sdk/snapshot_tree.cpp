#include "framework/sdk/snapshot_tree.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

TreeEntry entry_of(BytePath name, const struct stat& status) {
  TreeEntry entry;
  entry.name = std::move(name);
  entry.type = S_ISREG(status.st_mode)   ? EntryType::file
               : S_ISDIR(status.st_mode) ? EntryType::directory
               : S_ISLNK(status.st_mode) ? EntryType::symlink
                                         : EntryType::other;
  entry.size = static_cast<std::uint64_t>(status.st_size);
  entry.modified =
      WallTime(Duration(status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec));
  return entry;
}

Result<TreeEntry> look_at(int directory, const BytePath& name) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return posix_error(errno, "look at", name);
  }
  return entry_of(name, status);
}

}  // namespace

Result<SnapshotTree::Place> SnapshotTree::place_of(const BytePath& path) {
  const VolumeInSet* volume = set_.volume_of(path);
  if (volume == nullptr) {
    return Error(Errc::not_found, "'" + escape_path(path) + "' is on no volume of the set");
  }
  auto known = roots_.find(volume->mount_point);
  if (known == roots_.end()) {
    auto root = set_.in_snapshot(volume->mount_point);
    if (!root.ok()) return root.error();
    auto opened = open_directory(root.value());
    if (!opened.ok()) return opened.error();
    known = roots_.emplace(volume->mount_point, std::move(opened).value()).first;
  }
  return Place{known->second.get(), path_relative_to(path, volume->mount_point)};
}

Result<std::vector<TreeEntry>> SnapshotTree::list(const BytePath& directory) {
  auto place = place_of(directory);
  if (!place.ok()) return place.error();
  auto opened =
      open_beneath(place.value().root, place.value().relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!opened.ok()) return opened.error();
  auto names = list_names(opened.value().get());
  if (!names.ok()) return names.error();
  std::vector<TreeEntry> entries;
  for (const BytePath& name : names.value()) {
    auto entry = look_at(opened.value().get(), name);
    if (entry.ok()) {
      entries.push_back(std::move(entry).value());
    } else if (entry.error().code() != Errc::not_found) {
      return entry.error();
    }
  }
  return entries;
}

Result<TreeEntry> SnapshotTree::stat(const BytePath& path) {
  auto place = place_of(path);
  if (!place.ok()) return place.error();
  auto parent = open_parent_beneath(place.value().root, place.value().relative);
  if (!parent.ok()) return parent.error();
  return look_at(parent.value().directory.get(), parent.value().name);
}

Status SnapshotTree::remove_file(const BytePath& path) {
  auto place = place_of(path);
  if (!place.ok()) return place.error();
  auto parent = open_parent_beneath(place.value().root, place.value().relative);
  if (!parent.ok()) return parent.error();
  if (::unlinkat(parent.value().directory.get(), parent.value().name.c_str(), 0) == 0) return Ok{};
  if (errno == ENOENT) return Ok{};
  return posix_error(errno, "delete from the snapshot", path);
}

FilesTakenOut take_out(SnapshotTree& tree, const SnapshotExclusion& plan) {
  FilesTakenOut out;
  out.notes = plan.notes;
  for (const BytePath& file : plan.files) {
    Status removed = tree.remove_file(file);
    if (removed.ok()) {
      ++out.files;
    } else {
      out.notes.push_back(removed.error().what());
    }
  }
  return out;
}

}  // namespace stillframe
