// The files of a snapshot of a deduplicated volume, shown by a thread of this process.
#pragma once

#include <memory>
#include <thread>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/engine/volume_in_snapshot.hpp"

namespace stillframe::dedup {

class ShownSnapshot {
 public:
  // `tree` at `place`, which is made if need be, in a folder that only root gets to. What a process
  // that was killed left there is taken away first. `key_file`: as VolumeInSnapshot has it.
  static Result<std::unique_ptr<ShownSnapshot>> make(const BytePath& tree, const BytePath& place,
                                                     const BytePath& key_file = {});
  // From then on nothing of the snapshot is open here, and who still reads gets errors.
  ~ShownSnapshot();
  ShownSnapshot(const ShownSnapshot&) = delete;
  ShownSnapshot& operator=(const ShownSnapshot&) = delete;

 private:
  explicit ShownSnapshot(BytePath place) : place_(std::move(place)) {}

  const BytePath place_;
  std::unique_ptr<VolumeInSnapshot> volume_;
  std::unique_ptr<View> view_;
  std::thread thread_;
};

}  // namespace stillframe::dedup
