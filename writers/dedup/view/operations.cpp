#include "writers/dedup/view/operations.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/volumes.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"
#include "writers/dedup/volume/read_only_lower_file.hpp"

namespace stillframe::dedup {

namespace {

// Its name now, below the volume's root.
BytePath name_of(const Inode& inode) {
  std::array<char, PATH_MAX> name{};
  const ssize_t got = ::readlink(inode.path().c_str(), name.data(), name.size());
  return got > 0 ? BytePath(name.data(), static_cast<std::size_t>(got)) : inode.path();
}

// What a descriptor without a handle still leads to. One with a name is found by its name.
Result<std::optional<Stub>> mark_of_nameless(const Inode& inode) {
  struct stat about {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  if (::fstatat(inode.place.get(), "", &about, kFlags) != 0) {
    return posix_error(errno, "examine", name_of(inode));
  }
  if (about.st_nlink > 0 || !S_ISREG(about.st_mode)) return std::optional<Stub>();
  Descriptor handle(::open(inode.path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!handle.valid()) return posix_error(errno, "open", name_of(inode));
  const auto lower = posix_lower_file(std::move(handle), name_of(inode));
  if (!lower.ok()) return lower.error();
  return lower.value()->mark();
}

std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

timespec to_timespec(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t rest = (ns % kSecond + kSecond) % kSecond;  // before 1970, too
  return {(ns - rest) / kSecond, rest};
}

int errno_of(const Error& error) {
  switch (error.code()) {
    case Errc::not_found:
      return ENOENT;
    case Errc::access_denied:
      return EACCES;
    case Errc::no_space:
      return ENOSPC;
    case Errc::limit_reached:
      return EFBIG;
    case Errc::out_of_resources:
      return ENOMEM;
    case Errc::invalid_argument:
      return EINVAL;
    default:
      return EIO;
  }
}

}  // namespace

int Operations::told(const Error& error, const Inode& inode) const {
  if (report_) report_(error.while_doing("file '" + escape_path(name_of(inode)) + "'"));
  return errno_of(error);
}

Inode& Operations::inode(fuse_ino_t number) {
  if (number == FUSE_ROOT_ID) return inodes_.root();
  return *reinterpret_cast<Inode*>(number);
}

// Snapshots on the volume too: their files have the marks of those they were cut from, and a file
// is only open once.
bool Operations::hides(const Inode& parent, const char* name) const {
  return inodes_.is_root(parent) && (std::strcmp(name, kVolumeFolder) == 0 || name == kStoreName);
}

int Operations::look_up(Inode& parent, const char* name, fuse_entry_param& entry) {
  if (hides(parent, name)) return ENOENT;
  Descriptor place(::openat(parent.place.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place.valid()) return errno;
  struct stat about {};
  if (::fstatat(place.get(), "", &about, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0) return errno;
  Inode& found = inodes_.look_up(std::move(place), about);
  entry = {};
  entry.ino = &found == &inodes_.root() ? FUSE_ROOT_ID : reinterpret_cast<fuse_ino_t>(&found);
  entry.attr = about;
  show(found, entry.attr);
  entry.attr_timeout = entry.entry_timeout = 1;
  return 0;
}

int Operations::open_dedup(Inode& inode) {
  if (inode.file) return 0;
  const int flags = reads_only() ? O_RDONLY | O_NOATIME : O_RDWR;
  Descriptor handle(::open(inode.path().c_str(), flags | O_CLOEXEC));
  // What nobody may change can be read all the same.
  if (!handle.valid() && (errno == EPERM || errno == EROFS)) {
    handle = Descriptor(::open(inode.path().c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!handle.valid()) return errno;
  auto lower = posix_lower_file(std::move(handle), inode.path());
  if (!lower.ok()) return told(lower.error(), inode);
  if (reads_only()) lower = read_only_lower_file(std::move(lower).value());
  auto file = DedupFile::open(volume_, std::move(lower).value());
  if (!file.ok()) return told(file.error(), inode);
  inode.file = std::move(file).value();
  return 0;
}

int Operations::close_if_unused(Inode& inode) {
  if (!inode.file || inode.opened > 0) return 0;
  const Status settled = inode.file->settled() ? Status(Ok{}) : inode.file->sync();
  inode.file.reset();
  return settled.ok() ? 0 : told(settled.error(), inode);
}

const FileRecord* Operations::record_of(const Inode& inode) const {
  if (inode.file) return inode.file->id() ? volume_.table.find(*inode.file->id()) : nullptr;
  std::array<std::byte, kStubBytes> bytes{};
  const ssize_t got = ::getxattr(inode.path().c_str(), kStubAttribute, bytes.data(), bytes.size());
  if (got != static_cast<ssize_t>(bytes.size())) return nullptr;
  const auto mark = parse_stub(bytes);
  return mark.ok() ? volume_.table.find(mark.value().file) : nullptr;
}

void Operations::show(const Inode& inode, struct stat& about) const {
  if (!S_ISREG(about.st_mode)) return;
  // What optimizing left alone has space for all of its bytes, or its user's ctime.
  const bool has_holes = about.st_blocks * 512 < about.st_size;
  if (!has_holes && !reads_only()) return;
  const FileRecord* record = record_of(inode);
  if (record == nullptr) return;  // opening it says what is wrong
  if (record->left_ns != 0 && to_ns(about.st_ctim) == record->left_ns) {
    about.st_ctim = to_timespec(record->changed_ns);
  }
  // A snapshot may have a file that was growing: nobody mends its size, as opening it elsewhere
  // does.
  if (reads_only()) {
    about.st_size = std::min<off_t>(about.st_size, static_cast<off_t>(record->map.file_bytes()));
  }
}

int Operations::resize(Inode& inode, off_t bytes) {
  if (bytes < 0) return EINVAL;
  if (const int failed = open_dedup(inode); failed != 0) return failed;
  const Status done = inode.file->resize(static_cast<std::uint64_t>(bytes));
  const int closed = close_if_unused(inode);
  return done.ok() ? closed : told(done.error(), inode);
}

Result<std::set<FileId>> Operations::in_use() const {
  std::set<FileId> files;
  Status told = Ok{};
  inodes_.for_each([&](const Inode& inode) {
    if (inode.file && inode.file->id()) files.insert(*inode.file->id());
    if (inode.file || !told.ok()) return;
    const auto mark = mark_of_nameless(inode);
    if (!mark.ok()) {
      told = mark.error();
    } else if (mark.value()) {
      files.insert(mark.value()->file);
    }
  });
  if (!told.ok()) return told.error();
  return files;
}

Status Operations::settle() {
  Status settled = Ok{};
  inodes_.for_each([&](const Inode& inode) {
    if (!inode.file || inode.file->settled()) return;
    const Status synced = inode.file->sync();
    if (!synced.ok() && settled.ok()) settled = synced;
  });
  return settled;
}

// A new file belongs to whoever asked for it, or to the group of a folder that wants it so.
int Operations::own(Inode& parent, const char* name, const fuse_ctx& who) {
  struct stat folder {};
  if (::fstatat(parent.place.get(), "", &folder, AT_EMPTY_PATH) != 0) return errno;
  const gid_t group = (folder.st_mode & S_ISGID) != 0 ? folder.st_gid : who.gid;
  if (::fchownat(parent.place.get(), name, who.uid, group, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  const int failed = errno;
  (void)::unlinkat(parent.place.get(), name, 0);
  return failed;
}

Result<Inode*> Operations::find(const std::string& path) {
  Inode* at = &inodes_.root();
  ++at->lookups;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    fuse_entry_param entry;
    const int failed = look_up(*at, name.c_str(), entry);
    inodes_.forget(*at, 1);
    if (failed != 0) return posix_error(failed, "find", path);
    at = &inode(entry.ino);
  }
  return at;
}

}  // namespace stillframe::dedup
