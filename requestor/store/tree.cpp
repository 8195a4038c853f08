#include "requestor/store/tree.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/io/remove_tree.hpp"
#include "framework/io/walk.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::int64_t kNanosecondsOfSecond = 1'000'000'000;

BytePath parent_of(std::string_view relative) {
  const auto slash = relative.rfind('/');
  return slash == std::string_view::npos ? BytePath() : BytePath(relative.substr(0, slash));
}

FileKind kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  if (S_ISFIFO(mode)) return FileKind::fifo;
  if (S_ISCHR(mode)) return FileKind::character_device;
  if (S_ISBLK(mode)) return FileKind::block_device;
  if (S_ISSOCK(mode)) return FileKind::socket;
  return FileKind::regular;
}

Tree::Entry entry_from(BytePath name, const struct stat& info) {
  Tree::Entry entry;
  entry.name = std::move(name);
  entry.kind = kind_of(info.st_mode);
  entry.size = static_cast<std::uint64_t>(info.st_size);
  entry.modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * kNanosecondsOfSecond + info.st_mtim.tv_nsec;
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.links = info.st_nlink;
  return entry;
}

}  // namespace

Result<Tree> Tree::open(const BytePath& directory) {
  auto root = stillframe::open_directory(directory);
  if (!root.ok()) return root.error();
  return Tree(std::move(root).value(), directory);
}

Result<Tree> Tree::open_without_links(const BytePath& directory) {
  auto whole = open("/");
  if (!whole.ok() || directory == "/") return whole;
  auto root = whole.value().open_directory(directory.substr(1));
  if (!root.ok()) return root.error();
  return Tree(std::move(root).value(), directory);
}

Result<Tree> Tree::subtree(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  return Tree(std::move(directory).value(), display(relative));
}

BytePath Tree::display(std::string_view relative) const {
  return relative.empty() ? path_ : join_path(path_, relative);
}

Result<Descriptor> Tree::open_beneath(std::string_view relative, int flags,
                                      std::uint32_t mode) const {
  auto opened = stillframe::open_beneath(root_.get(), relative, flags | O_NOFOLLOW, mode);
  if (!opened.ok()) return opened.error().while_doing("below '" + escape_path(path_) + "'");
  return opened;
}

Result<Descriptor> Tree::open_file(std::string_view relative) const {
  // O_NONBLOCK: a pipe in place of the file must not hang us; it has no meaning for regular files.
  return open_beneath(relative, O_RDONLY | O_NONBLOCK, 0);
}

Result<Descriptor> Tree::open_directory(std::string_view relative) const {
  return open_beneath(relative, O_RDONLY | O_DIRECTORY, 0);
}

Result<Descriptor> Tree::create_file(std::string_view relative, std::uint32_t mode) const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL;
  auto file = open_beneath(relative, kFlags, mode);
  if (file.ok() || file.error().code() != Errc::not_found) return file;
  if (Status s = make_directories(parent_of(relative), 0700); !s.ok()) return s.error();
  return open_beneath(relative, kFlags, mode);
}

Status Tree::make_directories(std::string_view relative, std::uint32_t mode) const {
  if (relative.empty()) return Ok{};
  auto made = make_directories_beneath(root_.get(), relative, mode);
  if (made.ok()) return Ok{};
  return made.error().while_doing("below '" + escape_path(path_) + "'");
}

Result<std::string> Tree::read_text(std::string_view relative, std::size_t bytes_max) const {
  auto file = open_file(relative);
  if (!file.ok()) return file.error();
  struct stat info {};
  if (fstat(file.value().get(), &info) != 0) return posix_error(errno, "stat", display(relative));
  if (!S_ISREG(info.st_mode)) {
    return Error(Errc::corrupt, "'" + escape_path(display(relative)) + "' is not a regular file");
  }
  return read_all(file.value().get(), bytes_max, display(relative));
}

Status Tree::write_new(std::string_view relative, std::string_view content) const {
  auto file = create_file(relative, 0600);
  if (!file.ok()) return file.error();
  if (Status s = write_all(file.value().get(), content, display(relative)); !s.ok()) return s;
  return sync_file(file.value().get(), display(relative));
}

Status Tree::replace(std::string_view relative, std::string_view content) const {
  const BytePath temporary = BytePath(relative) + ".new";
  if (Status s = remove_all(temporary); !s.ok()) return s;
  if (Status s = write_new(temporary, content); !s.ok()) return s;
  auto directory = open_directory(parent_of(relative));
  if (!directory.ok()) return directory.error();
  const BytePath from = last_component(temporary), to = last_component(relative);
  const int fd = directory.value().get();
  if (renameat(fd, from.c_str(), fd, to.c_str()) != 0) {
    return posix_error(errno, "rename into place", display(relative));
  }
  return sync_file(fd, display(parent_of(relative)));
}

Status Tree::remove_all(std::string_view relative) const {
  auto directory = open_directory(parent_of(relative));
  if (!directory.ok()) {
    if (directory.error().code() == Errc::not_found) return Ok{};
    return directory.error();
  }
  Status removed = remove_tree(directory.value().get(), last_component(relative));
  if (removed.ok()) return removed;
  return removed.error().while_doing("removing '" + escape_path(display(relative)) + "'");
}

bool Tree::remove_empty_directory(std::string_view relative) const {
  auto directory = open_directory(parent_of(relative));
  return directory.ok() &&
         unlinkat(directory.value().get(), last_component(relative).c_str(), AT_REMOVEDIR) == 0;
}

Status Tree::sync_directory(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  return sync_file(directory.value().get(), display(relative));
}

Result<std::vector<Tree::Entry>> Tree::list(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  auto names = list_names(directory.value().get());
  if (!names.ok()) return names.error().while_doing(escape_path(display(relative)));
  std::vector<Entry> entries;
  for (BytePath& name : names.value()) {
    struct stat info {};
    if (fstatat(directory.value().get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return posix_error(errno, "stat", join_path(display(relative), name));
    }
    entries.push_back(entry_from(std::move(name), info));
  }
  return entries;
}

Result<Tree::Entry> Tree::stat(std::string_view relative) const {
  auto file = open_beneath(relative, O_PATH, 0);
  if (!file.ok()) return file.error();
  struct stat info {};
  if (fstat(file.value().get(), &info) != 0) return posix_error(errno, "stat", display(relative));
  return entry_from(last_component(relative), info);
}

}  // namespace stillframe::requestor
