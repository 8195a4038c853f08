// A file of a real file system.
#pragma once

#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup {

// A regular file, open for reading and writing. `path` is for messages. Marks need CAP_SYS_ADMIN,
// as everything in the name space of trusted attributes.
Result<std::unique_ptr<LowerFile>> posix_lower_file(Descriptor file, BytePath path);

}  // namespace stillframe::dedup
