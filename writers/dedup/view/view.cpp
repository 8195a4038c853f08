#include "writers/dedup/view/view.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "writers/dedup/view/requests.hpp"

namespace stillframe::dedup {

const fuse_lowlevel_ops& Operations::table() {
  static const fuse_lowlevel_ops table = [] {
    fuse_lowlevel_ops ops{};
    ops.lookup = Requests::look_up;
    ops.forget = Requests::forget;
    ops.getattr = Requests::get_attributes;
    ops.setattr = Requests::set_attributes;
    ops.readlink = Requests::read_link;
    ops.mknod = Requests::make_node;
    ops.mkdir = Requests::make_folder;
    ops.symlink = Requests::make_symlink;
    ops.unlink = Requests::unlink;
    ops.rmdir = Requests::remove_folder;
    ops.rename = Requests::rename;
    ops.link = Requests::link;
    ops.statfs = Requests::describe_volume;
    ops.setxattr = Requests::set_attribute;
    ops.getxattr = Requests::get_attribute;
    ops.listxattr = Requests::list_attributes;
    ops.removexattr = Requests::remove_attribute;
    ops.create = Requests::create;
    ops.open = Requests::open;
    ops.read = Requests::read;
    ops.write = Requests::write;
    ops.fsync = Requests::sync;
    ops.flush = Requests::flush;
    ops.release = Requests::release;
    ops.fallocate = Requests::allocate;
    ops.opendir = Requests::open_folder;
    ops.readdir = Requests::read_folder;
    ops.releasedir = Requests::release_folder;
    ops.fsyncdir = Requests::sync_folder;
    return ops;
  }();
  return table;
}

// Only what reads: the kernel asks for nothing else of a mount that is read-only, unless somebody
// makes it writable behind our back.
const fuse_lowlevel_ops& Operations::reading_table() {
  static const fuse_lowlevel_ops table = [] {
    fuse_lowlevel_ops ops{};
    ops.lookup = Requests::look_up;
    ops.forget = Requests::forget;
    ops.getattr = Requests::get_attributes;
    ops.readlink = Requests::read_link;
    ops.statfs = Requests::describe_volume;
    ops.getxattr = Requests::get_attribute;
    ops.listxattr = Requests::list_attributes;
    ops.open = Requests::open;
    ops.read = Requests::read;
    ops.flush = Requests::flush;
    ops.release = Requests::release;
    ops.opendir = Requests::open_folder;
    ops.readdir = Requests::read_folder;
    ops.releasedir = Requests::release_folder;
    return ops;
  }();
  return table;
}

namespace {

// One whose process was killed: it answers everybody with an error until it is unmounted.
Status clear_away_dead_view(const BytePath& place) {
  // Not from what the kernel remembers, which for a second is as if nothing had happened.
  struct statx about {};
  constexpr int kFlags = AT_STATX_FORCE_SYNC | AT_NO_AUTOMOUNT;
  if (::statx(AT_FDCWD, place.c_str(), kFlags, STATX_BASIC_STATS, &about) == 0) return Ok{};
  if (errno != ENOTCONN && errno != ECONNABORTED) return Ok{};
  if (::umount2(place.c_str(), MNT_DETACH) == 0) return Ok{};
  return posix_error(errno, "unmount the view of an engine that was killed from", place);
}

// Of libfuse, which takes a comma for the end of an option.
std::string escape_option(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

class MountedView final : public View {
 public:
  MountedView(VolumeParts volume, std::function<void(const Error&)> report, ViewAccess access)
      : operations_(volume, std::move(report), access) {}

  ~MountedView() override {
    if (session_ == nullptr) return;
    if (mounted_) fuse_session_unmount(session_);
    fuse_session_destroy(session_);
  }

  Status begin(Descriptor root, const BytePath& place, const std::string& source) {
    Descriptor at(::openat(root.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!at.valid()) return posix_error(errno, "open the root of", place);
    struct stat about {};
    if (::fstatat(at.get(), "", &about, AT_EMPTY_PATH) != 0)
      return posix_error(errno, "examine", place);
    operations_.inodes().set_root(std::move(at), about);
    if (Status s = clear_away_dead_view(place); !s.ok()) return s;
    stop_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (!stop_.valid()) return posix_error(errno, "prepare the end of", place);
    // The kernel checks permissions by what it is told of each file; all users may come.
    std::string name = "stillframe-dedup", option = "-o",
                options =
                    "default_permissions,allow_other,subtype=dedup,fsname=" + escape_option(source);
    if (operations_.reads_only()) options += ",ro";
    char* words[] = {name.data(), option.data(), options.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(3, words);
    session_ = fuse_session_new(
        &args, operations_.reads_only() ? &Operations::reading_table() : &Operations::table(),
        sizeof(fuse_lowlevel_ops), &operations_);
    fuse_opt_free_args(&args);
    if (session_ == nullptr) return Error(Errc::internal, "libfuse refuses its options");
    errno = 0;
    if (fuse_session_mount(session_, place.c_str()) != 0) {
      return posix_error(errno != 0 ? errno : EIO, "mount a view on", place);
    }
    mounted_ = true;
    return Ok{};
  }

  Status run() override {
    fuse_buf buffer{};
    while (wait_for_request()) {
      const int got = fuse_session_receive_buf(session_, &buffer);
      if (got == -EINTR) continue;
      if (got <= 0) break;
      const std::lock_guard lock(operations_.mutex());
      fuse_session_process_buf(session_, &buffer);
    }
    std::free(buffer.mem);
    return Ok{};
  }

  void stop() override { ::eventfd_write(stop_.get(), 1); }

  void exclusively(const std::function<void()>& work) override {
    const std::lock_guard lock(operations_.mutex());
    work();
    close_lent();
  }

  Result<DedupFile*> open_file(const BytePath& path) override {
    auto found = operations_.find(path);
    if (!found.ok()) return found.error();
    lent_.push_back(found.value());
    if (const int failed = operations_.open_dedup(*found.value()); failed != 0) {
      return posix_error(failed, "open", path);
    }
    return found.value()->file.get();
  }

  Use use_of(dev_t device, ino_t number) const override {
    const Inode* inode = operations_.inodes().find(device, number);
    if (inode == nullptr || inode->opened == 0) return Use::closed;
    return inode->writers > 0 ? Use::written : Use::read;
  }

  Result<std::set<FileId>> in_use() const override { return operations_.in_use(); }
  Status settle() override { return operations_.settle(); }

 private:
  // False when there will be none. Waiting for both, because a mount that is busy stays for those
  // who have it open, and would keep run() waiting for them.
  bool wait_for_request() const {
    pollfd either[2] = {{fuse_session_fd(session_), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    while (::poll(either, 2, -1) < 0) {
      if (errno != EINTR) return false;
    }
    return either[1].revents == 0 && fuse_session_exited(session_) == 0;
  }

  void close_lent() {
    for (Inode* inode : std::exchange(lent_, {})) {
      (void)operations_.close_if_unused(*inode);
      operations_.inodes().forget(*inode, 1);
    }
  }

  Operations operations_;
  fuse_session* session_ = nullptr;
  Descriptor stop_;  // an event
  bool mounted_ = false;
  std::vector<Inode*> lent_;
};

}  // namespace

Result<std::unique_ptr<View>> View::mount(Descriptor root, const BytePath& place,
                                          VolumeParts volume,
                                          std::function<void(const Error&)> report,
                                          const std::string& source, ViewAccess access) {
  auto view = std::make_unique<MountedView>(volume, std::move(report), access);
  if (Status s = view->begin(std::move(root), place, source); !s.ok()) return s.error();
  return std::unique_ptr<View>(std::move(view));
}

}  // namespace stillframe::dedup
