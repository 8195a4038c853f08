// Requests about names and attributes. They pass through to the file system below.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "writers/dedup/view/requests.hpp"

namespace stillframe::dedup {

void Requests::reply_entry(fuse_req_t request, Inode& parent, const char* name) {
  fuse_entry_param entry;
  if (const int failed = of(request).look_up(parent, name, entry); failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  fuse_reply_entry(request, &entry);
}

void Requests::look_up(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_entry(request, inode(request, parent), name);
}

void Requests::forget(fuse_req_t request, fuse_ino_t number, std::uint64_t lookups) {
  if (number != FUSE_ROOT_ID) of(request).inodes().forget(inode(request, number), lookups);
  fuse_reply_none(request);
}

void Requests::get_attributes(fuse_req_t request, fuse_ino_t number, fuse_file_info*) {
  struct stat about {};
  const Inode& asked = inode(request, number);
  constexpr int kFlags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  if (::fstatat(asked.place.get(), "", &about, kFlags) != 0) {
    fuse_reply_err(request, errno);
    return;
  }
  of(request).show(asked, about);
  fuse_reply_attr(request, &about, 1);
}

int Requests::set_times(const Inode& inode, const struct stat& wanted, int which) {
  timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
  if ((which & FUSE_SET_ATTR_ATIME) != 0) times[0] = wanted.st_atim;
  if ((which & FUSE_SET_ATTR_MTIME) != 0) times[1] = wanted.st_mtim;
  if ((which & FUSE_SET_ATTR_ATIME_NOW) != 0) times[0].tv_nsec = UTIME_NOW;
  if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0) times[1].tv_nsec = UTIME_NOW;
  return ::utimensat(AT_FDCWD, inode.path().c_str(), times, 0) == 0 ? 0 : errno;
}

void Requests::set_attributes(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int which,
                              fuse_file_info* handle) {
  Inode& changed = inode(request, number);
  constexpr int kOwner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
  constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
  int failed = 0;
  if ((which & FUSE_SET_ATTR_MODE) != 0 && ::chmod(changed.path().c_str(), wanted->st_mode) != 0)
    failed = errno;
  if (failed == 0 && (which & kOwner) != 0) {
    const uid_t user = (which & FUSE_SET_ATTR_UID) != 0 ? wanted->st_uid : static_cast<uid_t>(-1);
    const gid_t group = (which & FUSE_SET_ATTR_GID) != 0 ? wanted->st_gid : static_cast<gid_t>(-1);
    constexpr int kFlags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    if (::fchownat(changed.place.get(), "", user, group, kFlags) != 0) failed = errno;
  }
  if (failed == 0 && (which & FUSE_SET_ATTR_SIZE) != 0)
    failed = of(request).resize(changed, wanted->st_size);
  if (failed == 0 && (which & kTimes) != 0) failed = set_times(changed, *wanted, which);
  if (failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  get_attributes(request, number, handle);
}

void Requests::read_link(fuse_req_t request, fuse_ino_t number) {
  char text[PATH_MAX + 1];
  const ssize_t got = ::readlinkat(inode(request, number).place.get(), "", text, sizeof text - 1);
  if (got < 0) {
    fuse_reply_err(request, errno);
    return;
  }
  text[got] = '\0';
  fuse_reply_readlink(request, text);
}

void Requests::make(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    dev_t device, const char* link_to) {
  Inode& folder = inode(request, parent);
  if (of(request).hides(folder, name)) {
    fuse_reply_err(request, EACCES);
    return;
  }
  const int at = folder.place.get();
  const int made = S_ISDIR(mode)   ? ::mkdirat(at, name, mode)
                   : S_ISLNK(mode) ? ::symlinkat(link_to, at, name)
                                   : ::mknodat(at, name, mode, device);
  const int failed = made != 0 ? errno : of(request).own(folder, name, *fuse_req_ctx(request));
  if (failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  reply_entry(request, folder, name);
}

void Requests::make_node(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                         dev_t device) {
  make(request, parent, name, mode, device, nullptr);
}

void Requests::make_folder(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  make(request, parent, name, (mode & ~S_IFMT) | S_IFDIR, 0, nullptr);
}

void Requests::make_symlink(fuse_req_t request, const char* to, fuse_ino_t parent,
                            const char* name) {
  make(request, parent, name, S_IFLNK, 0, to);
}

void Requests::remove(fuse_req_t request, fuse_ino_t parent, const char* name, int flags) {
  const Inode& folder = inode(request, parent);
  const bool hidden = of(request).hides(folder, name);
  const bool done = !hidden && ::unlinkat(folder.place.get(), name, flags) == 0;
  fuse_reply_err(request, done ? 0 : hidden ? ENOENT : errno);
}

void Requests::unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  remove(request, parent, name, 0);
}

void Requests::remove_folder(fuse_req_t request, fuse_ino_t parent, const char* name) {
  remove(request, parent, name, AT_REMOVEDIR);
}

void Requests::rename(fuse_req_t request, fuse_ino_t parent, const char* name,
                      fuse_ino_t new_parent, const char* new_name, unsigned int flags) {
  const Inode& from = inode(request, parent);
  const Inode& to = inode(request, new_parent);
  if (of(request).hides(from, name) || of(request).hides(to, new_name)) {
    fuse_reply_err(request, EACCES);
    return;
  }
  const int done = ::renameat2(from.place.get(), name, to.place.get(), new_name, flags);
  fuse_reply_err(request, done == 0 ? 0 : errno);
}

void Requests::link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                    const char* new_name) {
  Inode& folder = inode(request, new_parent);
  const std::string path = inode(request, number).path();
  const int done =
      ::linkat(AT_FDCWD, path.c_str(), folder.place.get(), new_name, AT_SYMLINK_FOLLOW);
  if (done != 0) {
    fuse_reply_err(request, errno);
    return;
  }
  reply_entry(request, folder, new_name);
}

void Requests::describe_volume(fuse_req_t request, fuse_ino_t number) {
  struct statvfs about {};
  if (::statvfs(inode(request, number).path().c_str(), &about) != 0) {
    fuse_reply_err(request, errno);
    return;
  }
  fuse_reply_statfs(request, &about);
}

}  // namespace stillframe::dedup
