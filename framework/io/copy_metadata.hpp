// Everything of a directory entry but its data: type, owner, mode, times, extended attributes (and
// with them POSIX ACLs and capabilities), and the no-copy-on-write flag.
#pragma once

#include <string>
#include <vector>

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// A name in an open directory.
struct EntryAt {
  int directory = -1;
  const BytePath& name;
};

// Creates an entry of the same kind as `from` (whose status is given), empty and private to its
// creator: a directory, file, symbolic link, fifo or device node. A regular file gets the
// no-copy-on-write flag here, while it is empty; later would be too late. not_supported for
// sockets, which belong to a process and not to a backup.
Status make_entry_like(EntryAt from, const struct stat& status, EntryAt to);

struct MetadataOptions {
  bool owner = true;
  bool times = true;
};

// Gives `to` the owner, mode, extended attributes and times of `from`. Attributes that the target
// file system or our privileges do not permit are named in `not_kept`; running out of space is an
// error.
Status copy_metadata(EntryAt from, const struct stat& status, EntryAt to,
                     std::vector<std::string>& not_kept, const MetadataOptions& options = {});

// Nanosecond access and modification times.
Status set_times(EntryAt entry, const struct stat& status);

// Whether the open file has FS_NOCOW_FL; false where the file system knows no such flag.
bool has_nocow(int fd);
Status set_nocow(int fd, std::string_view name);

}  // namespace stillframe
