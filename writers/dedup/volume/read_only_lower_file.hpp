// A file of a snapshot, which stays as it is.
#pragma once

#include <memory>

#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup {

// Reads `file`. That it is cut is only remembered, as far as what is left is concerned: so a file
// that a crash left half changed is what it becomes when it is opened elsewhere. Any other change
// is access_denied.
std::unique_ptr<LowerFile> read_only_lower_file(std::unique_ptr<LowerFile> file);

}  // namespace stillframe::dedup
