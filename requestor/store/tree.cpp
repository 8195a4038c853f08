#include "requestor/store/tree.hpp"

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::requestor {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// openat2() takes "." for the root but not an empty path.
std::string or_dot(std::string_view relative) {
  return relative.empty() ? std::string(".") : std::string(relative);
}

std::pair<std::string_view, std::string_view> split_last(std::string_view relative) {
  const auto slash = relative.rfind('/');
  if (slash == std::string_view::npos) return {std::string_view(), relative};
  return {relative.substr(0, slash), relative.substr(slash + 1)};
}

int openat2_retrying(int root, const std::string& path, const open_how& how) {
  // EAGAIN: something was renamed while the kernel walked, so it could not prove "beneath".
  for (int tries = 0; tries < 100; ++tries) {
    const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(fd);
  }
  return -1;
}

Status remove_children(int directory, const BytePath& name);

Status remove_entry(int parent, const char* name, const BytePath& shown) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return Ok{};
  if (errno != EISDIR && errno != EPERM) return posix_error(errno, "remove", shown);
  Descriptor directory(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid()) return posix_error(errno, "open to remove", shown);
  if (Status s = remove_children(directory.get(), shown); !s.ok()) return s;
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return posix_error(errno, "remove directory", shown);
  }
  return Ok{};
}

// Opens the directory again rather than sharing the caller's position in it.
DirectoryStream stream_of(int directory) {
  const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  DIR* stream = fdopendir(fd);
  if (stream == nullptr) ::close(fd);
  return DirectoryStream(stream);
}

Status remove_children(int directory, const BytePath& name) {
  DirectoryStream stream = stream_of(directory);
  if (!stream) return posix_error(errno, "list", name);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view child = entry->d_name;
    if (child != "." && child != "..") names.emplace_back(child);
    errno = 0;
  }
  if (errno != 0) return posix_error(errno, "list", name);
  for (const auto& child : names) {
    if (Status s = remove_entry(directory, child.c_str(), name + "/" + child); !s.ok()) return s;
  }
  return Ok{};
}

}  // namespace

Result<Tree> Tree::open(const BytePath& directory) {
  Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return posix_error(errno, "open directory", directory);
  return Tree(std::move(root), directory);
}

Result<Tree> Tree::subtree(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  return Tree(std::move(directory).value(), display(relative));
}

BytePath Tree::display(std::string_view relative) const {
  if (relative.empty()) return path_;
  return (path_ == "/" ? path_ : path_ + "/") + BytePath(relative);
}

Result<Descriptor> Tree::open_beneath(std::string_view relative, int flags,
                                      std::uint32_t mode) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const int fd = openat2_retrying(root_.get(), or_dot(relative), how);
  if (fd < 0) return posix_error(errno, "open", display(relative));
  return Descriptor(fd);
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
  if (Status s = make_directories(split_last(relative).first, 0700); !s.ok()) return s.error();
  return open_beneath(relative, kFlags, mode);
}

Status Tree::make_directories(std::string_view relative, std::uint32_t mode) const {
  if (relative.empty() || open_directory(relative).ok()) return Ok{};
  const auto [parent, name] = split_last(relative);
  if (Status s = make_directories(parent, mode); !s.ok()) return s;
  auto directory = open_directory(parent);
  if (!directory.ok()) return directory.error();
  const std::string child(name);
  if (mkdirat(directory.value().get(), child.c_str(), mode) != 0 && errno != EEXIST) {
    return posix_error(errno, "make directory", display(relative));
  }
  auto made = open_directory(relative);  // says so when a file or a link is in the way
  return made.ok() ? Status(Ok{}) : Status(made.error());
}

Result<std::string> Tree::read_text(std::string_view relative, std::size_t bytes_max) const {
  auto file = open_file(relative);
  if (!file.ok()) return file.error();
  struct stat info {};
  if (fstat(file.value().get(), &info) != 0) return posix_error(errno, "stat", display(relative));
  if (!S_ISREG(info.st_mode)) {
    return Error(Errc::corrupt, "'" + escape_path(display(relative)) + "' is not a regular file");
  }
  if (static_cast<std::uint64_t>(info.st_size) > bytes_max) {
    return Error(Errc::limit_reached, "'" + escape_path(display(relative)) + "' is larger than " +
                                          std::to_string(bytes_max) + " bytes");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::read(file.value().get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "read", display(relative));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

Status Tree::write_new(std::string_view relative, std::string_view content) const {
  auto file = create_file(relative, 0600);
  if (!file.ok()) return file.error();
  if (Status s = write_all(file.value().get(), content, display(relative)); !s.ok()) return s;
  if (fsync(file.value().get()) != 0) return posix_error(errno, "sync", display(relative));
  return Ok{};
}

Status Tree::replace(std::string_view relative, std::string_view content) const {
  const std::string target(relative);
  const std::string temporary = target + ".new";
  if (Status s = remove_all(temporary); !s.ok()) return s;
  if (Status s = write_new(temporary, content); !s.ok()) return s;
  const auto [parent, name] = split_last(target);
  auto directory = open_directory(parent);
  if (!directory.ok()) return directory.error();
  const std::string from = std::string(name) + ".new", to(name);
  const int fd = directory.value().get();
  if (renameat(fd, from.c_str(), fd, to.c_str()) != 0) {
    return posix_error(errno, "rename into place", display(relative));
  }
  if (fsync(fd) != 0) return posix_error(errno, "sync directory of", display(relative));
  return Ok{};
}

Status Tree::remove_all(std::string_view relative) const {
  const auto [parent, name] = split_last(relative);
  auto directory = open_directory(parent);
  if (!directory.ok()) {
    if (directory.error().code() == Errc::not_found) return Ok{};
    return directory.error();
  }
  return remove_entry(directory.value().get(), std::string(name).c_str(), display(relative));
}

Status Tree::sync_directory(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  if (fsync(directory.value().get()) != 0) {
    return posix_error(errno, "sync directory", display(relative));
  }
  return Ok{};
}

Result<std::vector<Tree::Entry>> Tree::list(std::string_view relative) const {
  auto directory = open_directory(relative);
  if (!directory.ok()) return directory.error();
  DirectoryStream stream = stream_of(directory.value().get());
  if (!stream) return posix_error(errno, "list", display(relative));
  std::vector<Entry> entries;
  errno = 0;
  while (const dirent* found = readdir(stream.get())) {
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    if (fstatat(directory.value().get(), found->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return posix_error(errno, "stat", display(relative) + "/" + BytePath(name));
    }
    Entry entry;
    entry.name = BytePath(name);
    entry.size = static_cast<std::uint64_t>(info.st_size);
    entry.device = info.st_dev;
    entry.inode = info.st_ino;
    entry.links = info.st_nlink;
    if (S_ISDIR(info.st_mode)) entry.kind = FileKind::directory;
    if (S_ISLNK(info.st_mode)) entry.kind = FileKind::symlink;
    entry.special = !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode);
    entries.push_back(std::move(entry));
    errno = 0;
  }
  if (errno != 0) return posix_error(errno, "list", display(relative));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Status write_all(int fd, std::string_view bytes, const BytePath& name) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return posix_error(errno, "write", name);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return Ok{};
}

}  // namespace stillframe::requestor
