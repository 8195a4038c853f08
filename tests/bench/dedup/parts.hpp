// What each part of taking data in costs on this machine, alone and over the same data: no store
// can be faster than all of them together.
#pragma once

#include <string>

#include <stillframe/result.hpp>

#include "framework/chunkstore/cut.hpp"

namespace stillframe::dedup::bench {

// Seconds of processor, for all of the data.
struct Parts {
  double bytes = 0;
  double read = 0, cut = 0, fingerprints = 0;  // of all there is
  double compress = 0, write = 0;              // of what no chunk before had
  double speed(double seconds) const { return seconds > 0 ? bytes / seconds / 1e9 : 0; }
  // Without what the kernel does, as the bars were found.
  double known_limit() const { return speed(cut + fingerprints); }
  double new_limit() const { return speed(cut + fingerprints + compress); }
};

// Of all files below `folder`; `scratch` is a file that is written and removed.
Result<Parts> measure_parts(const std::string& folder, chunkstore::ChunkProfile profile,
                            const std::string& scratch);

}  // namespace stillframe::dedup::bench
