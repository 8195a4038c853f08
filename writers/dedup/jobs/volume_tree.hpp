// The regular files of a volume, found in the file system below the view.
#pragma once

#include <functional>
#include <optional>

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup {

struct FoundFile {
  const BytePath& path;  // below the root
  const struct stat& status;
};

// Every file once, by the first of its names: not the volume's own folder or that of snapshots on
// it, nothing behind symbolic links, on other mounts or in other subvolumes. `enters` may be empty.
// The first error of `each` ends it.
Status for_each_file(int root, const std::function<bool(const BytePath& folder)>& enters,
                     const std::function<Status(const FoundFile&)>& each);

// A file that was opened for reading, to look at it and to put its times back.
class LookedAtFile {
 public:
  // in_use when somebody has it open for writing, as far as `users` and the file system can tell.
  // Nobody else here may have it open.
  static Result<LookedAtFile> open(int root, const BytePath& path, const JobFiles& users);

  const FileVersion& version() const { return version_; }
  const std::optional<Stub>& mark() const { return mark_; }
  // Access and modification as they were when it was opened: giving space back moves the latter.
  Status put_times_back() const;

 private:
  Descriptor file_;
  BytePath path_;
  struct stat status_ {};
  FileVersion version_;
  std::optional<Stub> mark_;
};

// Nothing for an ordinary file.
Result<std::optional<Stub>> mark_of(int root, const BytePath& path);

}  // namespace stillframe::dedup
