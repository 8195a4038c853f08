#include "writers/dedup/jobs/volume_tree.hpp"

#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {

namespace {

constexpr int kLookFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

// A lease for reading is refused as long as anybody has the file open for writing. Whoever asks
// for nothing else gives it back at once; a file system without leases does not say.
bool is_open_for_writing(int file) {
  if (::fcntl(file, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  (void)::fcntl(file, F_SETLEASE, F_UNLCK);
  return false;
}

Result<std::unique_ptr<LowerFile>> open_to_look(int root, const BytePath& path) {
  auto file = open_beneath(root, path, kLookFlags);
  if (!file.ok()) return file.error();
  return posix_lower_file(std::move(file).value(), path);
}

}  // namespace

Status for_each_file(int root, const std::function<bool(const BytePath& folder)>& enters,
                     const std::function<Status(const FoundFile&)>& each) {
  std::set<std::pair<dev_t, ino_t>> seen;  // of those with several names
  WalkOptions options;
  options.stay_on_device = true;
  return walk_tree(root, options, [&](const WalkEntry& entry) -> Result<bool> {
    if (S_ISDIR(entry.status.st_mode)) {
      const bool hidden = entry.path == kVolumeFolder || entry.path == kStoreName;
      return !hidden && (!enters || enters(entry.path));
    }
    if (!S_ISREG(entry.status.st_mode)) return false;
    if (entry.status.st_nlink > 1 &&
        !seen.emplace(entry.status.st_dev, entry.status.st_ino).second) {
      return false;
    }
    if (Status s = each({entry.path, entry.status}); !s.ok()) return s.error();
    return false;
  });
}

Result<LookedAtFile> LookedAtFile::open(int root, const BytePath& path, const JobFiles& users) {
  LookedAtFile it;
  it.path_ = path;
  auto file = open_beneath(root, path, kLookFlags);
  if (!file.ok()) return file.error();
  it.file_ = std::move(file).value();
  if (::fstat(it.file_.get(), &it.status_) != 0) return posix_error(errno, "examine", path);
  const JobFiles::Use use = users.use_of(it.status_.st_dev, it.status_.st_ino);
  if (use == JobFiles::Use::written ||
      (use == JobFiles::Use::ask_the_kernel && is_open_for_writing(it.file_.get()))) {
    return Error(Errc::in_use, "'" + escape_path(path) + "' is open for writing");
  }
  auto lower = posix_lower_file(Descriptor(::fcntl(it.file_.get(), F_DUPFD_CLOEXEC, 0)), path);
  if (!lower.ok()) return lower.error();
  const auto version = lower.value()->version();
  if (!version.ok()) return version.error();
  const auto mark = lower.value()->mark();
  if (!mark.ok()) return mark.error();
  it.version_ = version.value();
  it.mark_ = mark.value();
  return it;
}

Status LookedAtFile::put_times_back() const {
  const std::array<timespec, 2> times{status_.st_atim, status_.st_mtim};
  if (::futimens(file_.get(), times.data()) == 0) return Ok{};
  return posix_error(errno, "set the times of", path_);
}

Result<std::optional<Stub>> mark_of(int root, const BytePath& path) {
  const auto lower = open_to_look(root, path);
  if (!lower.ok()) return lower.error();
  return lower.value()->mark();
}

}  // namespace stillframe::dedup
