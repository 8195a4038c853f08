// Making and taking away mounts. A mount that is still detached belongs to its descriptor and goes
// away with it, so that a crash between two steps leaves nothing behind.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// A detached mount of `device`. Options of the file system as ("subvolid", "5"), an empty value
// making a flag; options of the mount as mountinfo lists them, "ro,nosuid".
// Its content can be reached by openat() on the result, by this process and its heirs only.
Result<Descriptor> mount_detached(const std::string& fs_type, const BytePath& device,
                                  const std::vector<std::pair<std::string, std::string>>& options,
                                  std::string_view mount_options = {});

// Attaches a detached mount at `place`.
Status attach_mount(int mount, const BytePath& place);
// Shows the directory `source` at `place` as well, as mount --bind does.
Status bind_mount(const BytePath& source, const BytePath& place);

// Shows the directory `source` (an open descriptor) at the directory `place`: nosuid, nodev,
// noexec and, unless `writable`, read-only from its first moment. Mounts below `source` stay out.
Status bind_mount_sealed(int source, const BytePath& place, bool writable = false);

// in_use when a process or another mount goes on holding it; not_found when nothing is mounted
// there. Other mount namespaces may keep a copy of the mount, and with it the file system.
Status unmount(const BytePath& place);

// Makes the file system that is mounted at `place` itself read-only, in every mount namespace that
// shows it: its journal is written out and what lies on the device is clean. in_use, naming who,
// when files in it are open for writing.
Status seal_file_system(const BytePath& place);

// Writes out what the file system that holds the directory `place` has in memory. Blocks.
Status flush_file_system(const BytePath& place);

// Whether `place` is where a mount begins.
Result<bool> is_mount_point(const BytePath& place);

// Who keeps a mount busy, for messages: "the mount at /a/b, process 123 (postgres)".
std::string holders_of_mount(const BytePath& place);

}  // namespace stillframe
