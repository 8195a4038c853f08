// Files and directories by POSIX calls, errors as values that name the operation and the object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// open(2) with O_CLOEXEC, repeated when a signal interrupts it.
Result<Descriptor> open_file(const BytePath& path, int flags, mode_t mode = 0);
Result<Descriptor> open_directory(const BytePath& path);

// `name` is for the message only.
Status write_all(int fd, std::string_view bytes, std::string_view name);
Status write_all_at(int fd, std::string_view bytes, std::uint64_t offset, std::string_view name);
Result<std::string> read_all(int fd, std::size_t bytes_max, std::string_view name);
// Refuses (limit_reached) a file longer than `bytes_max`.
Result<std::string> read_file(const BytePath& path, std::size_t bytes_max);

Status sync_file(int fd, std::string_view name);
Status sync_directory(const BytePath& path);

// Replaces `path` by a file with `bytes`: after a crash at any moment it holds either the old or
// the new content, and once this has returned, the new. Written beside it and renamed.
Status write_file_durably(const BytePath& path, std::string_view bytes, mode_t mode = 0600);

// Renames the complete directory `made` to `final_name` on the same file system, durably; refuses
// (already_exists) to replace anything. What is inside must have been synced by the caller.
Status publish_directory(const BytePath& made, const BytePath& final_name);

// Like mkdir -p; directories it creates have `mode`. Follows symbolic links: for configured places,
// never for names from a document.
Status make_directories(const BytePath& path, mode_t mode = 0700);

bool exists(const BytePath& path);         // itself, even when it is a dangling symbolic link
Status remove_file(const BytePath& path);  // ok when it is not there

}  // namespace stillframe
