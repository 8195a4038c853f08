// Stores one file of a streaming backup.
#pragma once

#include <cstdint>
#include <functional>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/backup/streaming_backup.hpp"
#include "writers/ese/backup/write_behind.hpp"

namespace stillframe::ese {

// Told how many bytes were copied since the last time.
using CopiedBytes = std::function<void(std::uint64_t bytes)>;

// Into a new file, whose contents are durable on return, its name not yet. After an error nothing
// is left of it. disk_full when there is no room.
Status copy_backup_file(StreamingBackup& backup, const BytePath& from, Files& files,
                        const BytePath& to, const CopiedBytes& copied = {});
// The same, but for what `to` promises: durable when that has settled, and what fails may be told
// there. For many files, which then become durable together.
Status copy_backup_file(StreamingBackup& backup, const BytePath& from, WriteBehind& to,
                        const BytePath& place, const CopiedBytes& copied = {});
// What a WriteBehind of backups says, as backups say it.
Status as_backup_error(Status written);

}  // namespace stillframe::ese
