#include "framework/io/walk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

// Descriptors held at a time; a deeper walk closes the shallowest and finds its way back by "..".
constexpr std::size_t kOpenLevelsMax = 96;
constexpr std::size_t kListBytes = std::size_t{64} << 10;

struct Level {
  Descriptor directory;
  BytePath name;               // in its parent
  std::size_t path_bytes = 0;  // of this directory's own path
  struct stat status {};
  std::vector<BytePath> names;
  std::size_t next = 0;
};

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

class Walk {
 public:
  Walk(int root, const WalkOptions& options, const WalkEnter& enter, const WalkLeave& leave)
      : options_(options), enter_(enter), leave_(leave), mount_(mount_id_of(root)) {}

  Status run(int root) {
    Level top;
    top.directory = Descriptor(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top.directory.valid()) return posix_error(errno, "open directory", ".");
    if (Status s = push(std::move(top)); !s.ok()) return s;
    while (!levels_.empty()) {
      Level& level = levels_.back();
      Status s = level.next < level.names.size() ? visit(level) : pop();
      if (!s.ok()) return s;
    }
    return Ok{};
  }

 private:
  Status visit(Level& level) {
    const BytePath name = std::move(level.names[level.next++]);
    struct stat status {};
    if (::fstatat(level.directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return Ok{};
      return posix_error(errno, "look at", path_ + "/" + name);
    }
    path_.resize(level.path_bytes);
    if (!path_.empty()) path_ += '/';
    path_ += name;
    auto entered = enter_({level.directory.get(), name, path_, status});
    if (!entered.ok()) return entered.error();
    if (!S_ISDIR(status.st_mode) || !entered.value()) return Ok{};
    if (options_.stay_on_device && status.st_dev != level.status.st_dev) return Ok{};
    return descend(level, name);
  }

  Status descend(Level& level, const BytePath& name) {
    Level below;
    below.name = name;
    below.path_bytes = path_.size();
    below.directory = Descriptor(::openat(level.directory.get(), name.c_str(),
                                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.directory.valid()) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return Ok{};  // replaced meanwhile
      return posix_error(errno, "open directory", path_);
    }
    if (options_.stay_on_mount && mount_id_of(below.directory.get()) != mount_) return Ok{};
    return push(std::move(below));
  }

  Status push(Level level) {
    if (::fstat(level.directory.get(), &level.status) != 0) {
      return posix_error(errno, "look at", path_);
    }
    auto names = list_names(level.directory.get());
    if (!names.ok()) return names.error().while_doing("list '" + escape_path(path_) + "'");
    level.names = std::move(names).value();
    levels_.push_back(std::move(level));
    if (levels_.size() > kOpenLevelsMax)
      levels_[levels_.size() - kOpenLevelsMax - 1].directory.reset();
    return Ok{};
  }

  Status pop() {
    Level done = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty()) return Ok{};
    Level& parent = levels_.back();
    if (Status s = reopen(parent, done); !s.ok()) return s;
    path_.resize(done.path_bytes);
    if (!leave_) return Ok{};
    return leave_({parent.directory.get(), done.name, path_, done.status});
  }

  Status reopen(Level& parent, const Level& child) {
    if (parent.directory.valid()) return Ok{};
    parent.directory = Descriptor(
        ::openat(child.directory.get(), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!parent.directory.valid() || ::fstat(parent.directory.get(), &status) != 0) {
      return posix_error(errno, "return to the parent of", path_);
    }
    if (same_file(status, parent.status)) return Ok{};
    return Error(Errc::io, "'" + escape_path(path_) +
                               "' was moved to another directory during the walk; try again");
  }

  const WalkOptions& options_;
  const WalkEnter& enter_;
  const WalkLeave& leave_;
  const std::uint64_t mount_;
  BytePath path_;
  std::vector<Level> levels_;
};

}  // namespace

std::uint64_t mount_id_of(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &status) != 0) return 0;
  return (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0;
}

Result<std::vector<BytePath>> list_names(int directory) {
  // readdir() would need a second descriptor and hides errors; the raw call reads whole blocks.
  std::vector<BytePath> names;
  std::vector<char> block(kListBytes);
  if (::lseek(directory, 0, SEEK_SET) < 0) return posix_error(errno, "rewind", "directory");
  for (;;) {
    const long got = ::syscall(SYS_getdents64, directory, block.data(), block.size());
    if (got < 0 && errno == ENOENT) break;  // the directory itself was removed
    if (got < 0) return posix_error(errno, "read", "directory");
    if (got == 0) break;
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(block.data() + at);
      const char* name = entry->d_name;
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) names.emplace_back(name);
      at += entry->d_reclen;
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status walk_tree(int root, const WalkOptions& options, const WalkEnter& enter,
                 const WalkLeave& leave) {
  return Walk(root, options, enter, leave).run(root);
}

}  // namespace stillframe
