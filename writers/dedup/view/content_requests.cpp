// Requests about what is in files and folders.
#include <algorithm>
#include <cerrno>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "writers/dedup/view/requests.hpp"

namespace stillframe::dedup {

namespace {

Bytes bytes_of(const char* from, size_t bytes) {
  return {reinterpret_cast<const std::byte*>(from), bytes};
}

struct OpenFolder {
  DIR* entries = nullptr;
  const Inode* inode = nullptr;
};

OpenFolder& folder_of(const fuse_file_info& handle) {
  return *reinterpret_cast<OpenFolder*>(handle.fh);
}

bool may_write(const fuse_file_info& handle) {
  return (handle.flags & O_ACCMODE) != O_RDONLY;
}

void note_opened(Inode& inode, const fuse_file_info& handle) {
  ++inode.opened;
  if (may_write(handle)) ++inode.writers;
}

int sync_place(const Inode& inode, int flags) {
  const Descriptor handle(::open(inode.path().c_str(), flags | O_CLOEXEC));
  return handle.valid() && ::fsync(handle.get()) == 0 ? 0 : errno;
}

}  // namespace

void Requests::create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                      fuse_file_info* handle) {
  Inode& folder = inode(request, parent);
  Operations& operations = of(request);
  if (operations.hides(folder, name)) {
    fuse_reply_err(request, EACCES);
    return;
  }
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor made(::openat(folder.place.get(), name, kFlags, mode));
  fuse_entry_param entry;
  int failed = made.valid() ? operations.own(folder, name, *fuse_req_ctx(request)) : errno;
  if (failed == 0) failed = operations.look_up(folder, name, entry);
  if (failed == 0) {
    failed = operations.open_dedup(inode(request, entry.ino));
    if (failed != 0) operations.inodes().forget(inode(request, entry.ino), 1);
  }
  if (failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  note_opened(inode(request, entry.ino), *handle);
  fuse_reply_create(request, &entry, handle);
}

void Requests::open(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle) {
  Inode& opened = inode(request, number);
  const bool changes = may_write(*handle) || (handle->flags & O_TRUNC) != 0;
  int failed = changes && of(request).reads_only() ? EROFS : of(request).open_dedup(opened);
  if (failed == 0 && (handle->flags & O_TRUNC) != 0) {
    const Status cut = opened.file->resize(0);
    if (!cut.ok()) failed = of(request).told(cut.error(), inode(request, number));
  }
  if (failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  note_opened(opened, *handle);
  fuse_reply_open(request, handle);
}

void Requests::read(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t offset,
                    fuse_file_info*) {
  DedupFile& file = *inode(request, number).file;
  const auto from = static_cast<std::uint64_t>(offset);
  const std::uint64_t left = file.bytes() > from ? file.bytes() - from : 0;
  std::vector<std::byte> into(std::min<std::uint64_t>(bytes, left));
  const Status done = file.read(from, into);
  if (!done.ok()) {
    fuse_reply_err(request, of(request).told(done.error(), inode(request, number)));
    return;
  }
  fuse_reply_buf(request, reinterpret_cast<const char*>(into.data()), into.size());
}

void Requests::write(fuse_req_t request, fuse_ino_t number, const char* from, size_t bytes,
                     off_t offset, fuse_file_info*) {
  const Status done =
      inode(request, number).file->write(static_cast<std::uint64_t>(offset), bytes_of(from, bytes));
  if (!done.ok()) {
    fuse_reply_err(request, of(request).told(done.error(), inode(request, number)));
    return;
  }
  fuse_reply_write(request, bytes);
}

void Requests::sync(fuse_req_t request, fuse_ino_t number, int, fuse_file_info*) {
  const Status done = inode(request, number).file->sync();
  fuse_reply_err(request, done.ok() ? 0 : of(request).told(done.error(), inode(request, number)));
}

// Whoever closes a file is told here if what he wrote cannot be kept; nobody hears of it later.
void Requests::flush(fuse_req_t request, fuse_ino_t number, fuse_file_info*) {
  DedupFile& file = *inode(request, number).file;
  const Status done = file.settled() ? Status(Ok{}) : file.sync();
  fuse_reply_err(request, done.ok() ? 0 : of(request).told(done.error(), inode(request, number)));
}

void Requests::release(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle) {
  Inode& closed = inode(request, number);
  --closed.opened;
  if (may_write(*handle)) --closed.writers;
  const int failed = of(request).close_if_unused(closed);
  of(request).inodes().forget(closed, 0);
  fuse_reply_err(request, failed);
}

// Only what takes something away; what reserves space is left to whoever writes it.
void Requests::allocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t bytes,
                        fuse_file_info*) {
  const bool punches = (mode & FALLOC_FL_PUNCH_HOLE) != 0;
  const bool zeroes = (mode & FALLOC_FL_ZERO_RANGE) != 0 && (mode & FALLOC_FL_KEEP_SIZE) != 0;
  if (!punches && !zeroes) {
    fuse_reply_err(request, EOPNOTSUPP);
    return;
  }
  const Status done =
      inode(request, number)
          .file->punch(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(bytes));
  fuse_reply_err(request, done.ok() ? 0 : of(request).told(done.error(), inode(request, number)));
}

void Requests::open_folder(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle) {
  const Inode& opened = inode(request, number);
  const int at = ::open(opened.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = at < 0 ? nullptr : ::fdopendir(at);
  if (entries == nullptr) {
    fuse_reply_err(request, errno);
    return;
  }
  handle->fh = reinterpret_cast<std::uint64_t>(new OpenFolder{entries, &opened});
  fuse_reply_open(request, handle);
}

void Requests::read_folder(fuse_req_t request, fuse_ino_t, size_t bytes, off_t offset,
                           fuse_file_info* handle) {
  const OpenFolder& folder = folder_of(*handle);
  ::seekdir(folder.entries, offset);
  std::vector<char> buffer(bytes);
  std::size_t filled = 0;
  errno = 0;
  while (const dirent* entry = ::readdir(folder.entries)) {
    if (of(request).hides(*folder.inode, entry->d_name)) continue;
    struct stat about {};
    about.st_ino = entry->d_ino;
    about.st_mode = static_cast<mode_t>(entry->d_type) << 12;
    const std::size_t needed =
        fuse_add_direntry(request, buffer.data() + filled, buffer.size() - filled, entry->d_name,
                          &about, entry->d_off);
    if (needed > buffer.size() - filled) break;
    filled += needed;
  }
  if (filled == 0 && errno != 0) {
    fuse_reply_err(request, errno);
    return;
  }
  fuse_reply_buf(request, buffer.data(), filled);
}

void Requests::release_folder(fuse_req_t request, fuse_ino_t, fuse_file_info* handle) {
  OpenFolder* folder = &folder_of(*handle);
  ::closedir(folder->entries);
  delete folder;
  fuse_reply_err(request, 0);
}

void Requests::sync_folder(fuse_req_t request, fuse_ino_t number, int, fuse_file_info*) {
  fuse_reply_err(request, sync_place(inode(request, number), O_RDONLY | O_DIRECTORY));
}

}  // namespace stillframe::dedup
