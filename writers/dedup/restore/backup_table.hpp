// Looks up files in the file table of a backup, of which nothing but the bytes can be had.
#pragma once

#include <map>
#include <set>

#include "writers/dedup/restore/backup_files.hpp"
#include "writers/dedup/volume/file_entry.hpp"

namespace stillframe::dedup {

struct BackupRecords {
  UuidBytes store{};
  std::map<FileId, FileRecord> files;  // of those that were asked for
  std::set<FileId> damaged;            // of which an entry does not follow from the others
};

// With an index that belongs to the table, what it says of these files and what was appended since;
// else all of the table, once and in pieces. Keeps nothing of other files.
HRESULT find_in_backup(BackupFiles& backup, const std::set<FileId>& wanted, BackupRecords& found);

}  // namespace stillframe::dedup
