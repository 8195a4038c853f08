// Brings back what back_up_to_directory() stored, and what the logs of the instance have since:
// what JetRestoreInstance does.
#pragma once

#include <functional>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/backup/progress_meter.hpp"
#include "writers/ese/instance/instance_options.hpp"

namespace stillframe::ese {

struct DirectoryRestore {
  BytePath directory;    // of a set, or of an atomic one
  BytePath destination;  // of all databases; empty: where they were
  ProgressCallback progress = {};
  // Asked of the place of each database, which may have one already, before anything is changed;
  // an error ends the restore with it.
  std::function<Status(const BytePath& place)> claim_place = {};
  // Only these, by their whole path at the time or its last part, and where to; an empty place is
  // as above. Empty: all.
  std::vector<RestoredPath> chosen = {};
  // A set without markers is one of Windows' own streaming backups: its databases are known by
  // their headers. Otherwise it has none.
  bool without_markers = false;
};

// `instance` says where an instance keeps its logs and checkpoint; it is not running, and has any
// page size if its own is 0. On success
// the databases are cleanly shut down with everything that the set's logs and newer ones there
// have. file_not_found without logs, patch_file_missing without databases, invalid_path,
// page_size_mismatch, invalid_log_sequence when the logs of the instance do not go on from those of
// the set; otherwise as restore_databases(). What is refused has changed nothing; what fails later
// may have replaced databases.
Result<HardRestored> restore_from_directory(Files& files, const InstanceOptions& instance,
                                            const DirectoryRestore& how);

}  // namespace stillframe::ese
