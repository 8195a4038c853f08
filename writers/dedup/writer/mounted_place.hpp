// The file system of a volume, mounted where only root gets to: below a view it is mounted nowhere,
// and providers and requestors go by mounts.
#pragma once

#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

// A folder that nothing is mounted on, in one that only root gets to.
Status make_own_place(const BytePath& place);
// What is mounted on it goes; whoever still has a file open keeps that.
Status clear_own_place(const BytePath& place);

class MountedPlace {
 public:
  // What a process that was killed left mounted at `place` is taken away first.
  static Result<std::unique_ptr<MountedPlace>> make(const BytePath& device, const BytePath& place);
  // From then on the place is empty; whoever still has a file open keeps that.
  ~MountedPlace();

  const BytePath& place() const { return place_; }

 private:
  explicit MountedPlace(BytePath place) : place_(std::move(place)) {}
  const BytePath place_;
};

}  // namespace stillframe::dedup
