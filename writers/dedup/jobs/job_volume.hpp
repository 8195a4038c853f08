// A deduplicated volume as a job has it: the tree below, and a way to its files that keeps out of
// the way of those who use them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/io/file_lock.hpp"
#include "framework/io/files.hpp"
#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

// The volume's files, opened by a job. The view has them open as well, and a file may be there as
// an object only once, so with a view it is the view that opens them.
class JobFiles {
 public:
  virtual ~JobFiles() = default;

  // Nobody else uses files, store or table during `work`.
  virtual void exclusively(const std::function<void()>& work) = 0;
  // Inside exclusively(); valid until its end. `path` is below the root.
  virtual Result<DedupFile*> open(const BytePath& path) = 0;
  // Inside exclusively(). The deduplicated files that users have open or could open without a name:
  // what the table says of these is still needed. An error: it cannot be told of one.
  virtual Result<std::set<FileId>> in_use() const = 0;
  // Inside exclusively(), of a file that open() has not opened. Whoever has files open on behalf of
  // its users answers; the kernel then says only that somebody has.
  enum class Use { ask_the_kernel, read, written };
  virtual Use use_of(dev_t device, ino_t number) const = 0;
  // Inside exclusively(). What was written to deduplicated files is durable on return, as if each
  // of their users had synced it.
  virtual Status settle() { return Ok{}; }
};

// Those of a volume that nobody uses: no view shows it. `root` outlives it.
class UnmountedFiles final : public JobFiles {
 public:
  UnmountedFiles(int root, VolumeParts volume) : root_(root), volume_(volume) {}

  void exclusively(const std::function<void()>& work) override;
  Result<DedupFile*> open(const BytePath& path) override;
  Result<std::set<FileId>> in_use() const override { return std::set<FileId>(); }
  Use use_of(dev_t, ino_t) const override { return Use::ask_the_kernel; }

 private:
  const int root_;
  VolumeParts volume_;
  std::vector<std::unique_ptr<DedupFile>> open_;
};

// What it refers to outlives the jobs.
struct JobVolume {
  int root = -1;  // the directory below which the files are, of the file system itself
  VolumeParts parts;
  JobFiles& files;
  Files& io;       // of the store
  BytePath store;  // its folder
};

inline constexpr std::uint64_t kFreeBytesMin = std::uint64_t{64} << 20;  // that jobs leave

// no_space, with how much is free, when these bytes would leave less than that.
Status expect_free_space(int root, std::uint64_t bytes, std::uint64_t leave = kFreeBytesMin);

// One job at a time on a volume (in_progress names the process that has it), as long as this
// lives; wrong_state for a volume that is disabled.
Result<FileLock> begin_job(const JobVolume& volume);

}  // namespace stillframe::dedup
