#include "writers/dedup/jobs/job_volume.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/statvfs.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/posix_lower_file.hpp"

namespace stillframe::dedup {

void UnmountedFiles::exclusively(const std::function<void()>& work) {
  work();
  open_.clear();
}

Result<DedupFile*> UnmountedFiles::open(const BytePath& path) {
  auto handle = open_beneath(root_, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!handle.ok()) return handle.error();
  auto lower = posix_lower_file(std::move(handle).value(), path);
  if (!lower.ok()) return lower.error();
  auto file = DedupFile::open(volume_, std::move(lower).value());
  if (!file.ok()) return file.error();
  open_.push_back(std::move(file).value());
  return open_.back().get();
}

// Asked first: a file that is half written out takes space and gives none.
Status expect_free_space(int root, std::uint64_t bytes, std::uint64_t leave) {
  struct statvfs about {};
  if (::fstatvfs(root, &about) != 0) return posix_error(errno, "examine", "the volume");
  const std::uint64_t free = std::uint64_t{about.f_bavail} * about.f_frsize;
  if (free >= leave && free - leave >= bytes) return Ok{};
  return Error(Errc::no_space, "the volume has " + std::to_string(free) + " bytes free, and " +
                                   std::to_string(bytes) + " are needed beside the " +
                                   std::to_string(leave) +
                                   " that stay so: free space and start again");
}

Result<FileLock> begin_job(const JobVolume& volume) {
  // A job that sees no marks would take every file for an ordinary one, and its content for
  // garbage.
  if (!may_read_marks()) {
    return Error(Errc::access_denied,
                 "jobs need CAP_SYS_ADMIN, without which nobody sees which files are deduplicated; "
                 "run them as root");
  }
  const BytePath folder = kVolumeFolder;
  const auto disabled =
      open_beneath(volume.root, folder + "/" + kDisabledFileName, O_PATH | O_NOFOLLOW);
  if (disabled.ok()) {
    return Error(Errc::wrong_state,
                 "deduplication of this volume is disabled: enable it before a job");
  }
  if (disabled.error().code() != Errc::not_found) return disabled.error();
  const auto own = open_beneath(volume.root, folder, O_PATH | O_NOFOLLOW | O_DIRECTORY);
  if (!own.ok()) return own.error().while_doing("find the volume's own folder");
  return FileLock::take(
      "/proc/self/fd/" + std::to_string(own.value().get()) + "/" + kJobLockFileName,
      "the volume for a job");
}

}  // namespace stillframe::dedup
