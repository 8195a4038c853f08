// Files that decide what a privileged process runs. Nobody but their owner may be able to change
// them, nor any folder on the way to them.
#pragma once

#include <string>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// ok when `path` is a regular file that belongs to root or `owner`, nobody else may write it, and
// every folder above it belongs to root or `owner` and others may at most add to it (sticky).
// Symbolic links are followed; what they lead to is checked. Else access_denied says what to
// change.
Status check_trusted_file(const BytePath& path, uid_t owner);
// The same for a program, which must be executable too.
Status check_trusted_program(const BytePath& path, uid_t owner);

// The same for a directory: nobody but root and `owner` can put anything into it, or put another in
// its place.
Status check_trusted_directory(const BytePath& path, uid_t owner);

// The content of a trusted file of at most `bytes_max`.
Result<std::string> read_trusted_file(const BytePath& path, uid_t owner, std::size_t bytes_max);

}  // namespace stillframe
