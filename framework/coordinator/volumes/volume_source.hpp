// A look at the volumes of this machine. A seam: tests put their own behind it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <stillframe/provider.hpp>

namespace stillframe::coordinator {

// Where a path lies: which volume, and how it is named through the volume's mount point.
struct Located {
  Volume volume;
  BytePath path;
};

// What one look saw. One thread; made anew for each set, because mounts come and go.
class VolumeSource {
 public:
  virtual ~VolumeSource() = default;
  virtual Result<Located> locate(const BytePath& path) const = 0;
  virtual std::vector<Volume> volumes() const = 0;
  // volume_not_supported, naming both, when one of the two lies on an image below the other: while
  // one of them is held, the other cannot be cut.
  virtual Status check_apart(const Volume& one, const Volume& other) const = 0;
};

// May block on a file system that does not answer: not on a strand.
using VolumeSourceFactory = std::function<Result<std::unique_ptr<VolumeSource>>()>;

// The mounts of this machine; what lies below `snapshot_views` is never a volume.
VolumeSourceFactory system_volumes(std::vector<BytePath> snapshot_views);

}  // namespace stillframe::coordinator
