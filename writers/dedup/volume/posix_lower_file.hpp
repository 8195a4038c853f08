// A file of a real file system.
#pragma once

#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "writers/dedup/volume/lower_file.hpp"

namespace stillframe::dedup {

// Whether this thread sees marks, which need CAP_SYS_ADMIN as everything in the name space of
// trusted attributes. Without it the kernel says of every file that it has none.
bool may_read_marks();

// A regular file, open for reading and writing. `path` is for messages. access_denied for the mark
// of a file where marks cannot be seen: it must not pass for an ordinary one.
Result<std::unique_ptr<LowerFile>> posix_lower_file(Descriptor file, BytePath path);

}  // namespace stillframe::dedup
