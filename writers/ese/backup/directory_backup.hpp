// A backup into a folder, whole or not at all: what JetBackup does.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/progress_meter.hpp"
#include "writers/ese/backup/streaming_backup.hpp"

namespace stillframe::ese {

struct DirectoryBackup {
  BytePath directory;  // empty: nothing is copied, only logs that no recovery needs are removed
  BackupContents contents = BackupContents::full;
  // A set in folders of its own below the directory, which replaces the one before when it is
  // whole.
  bool atomic = false;
  bool create_path = false;
  ProgressCallback progress = {};
};

// The set has the databases under the last part of their paths, the logs, and for each database an
// empty file NAME.pat. One bad page or log fails all of it; then no file of this call is left in
// the directory, no log was removed, and the databases remember nothing. An error after the set was
// whole says so: then it stays.
Status back_up_to_directory(StreamingBackup& backup, const DirectoryBackup& how);

// "one.pat" for "/db/one.edb".
std::string backup_marker_name(const BytePath& database);

}  // namespace stillframe::ese
