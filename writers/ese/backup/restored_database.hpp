// A database that a restore has been given: whether it is the copy that it should be.
#pragma once

#include <cstdint>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/backup/restore_logs.hpp"
#include "writers/ese/recovery/attached_databases.hpp"

namespace stillframe::ese {

// Only reads. What recovery has to know of the file, with the ranges that the trailer and the logs
// of the backup give it. Errors, each naming the file: database_invalid_name for an empty path,
// file_not_found, database_corrupted, restore_of_non_backup_database, page_size_mismatch,
// missing_patch_page, bad_patch_page, database_patch_file_mismatch, database_log_set_mismatch,
// starting_restore_log_too_high, ending_restore_log_too_low; database_dirty_shutdown when an
// earlier restore of it was interrupted while it was writing the result.
Result<StreamedCopy> check_restored_database(Files& files, const BytePath& path,
                                             const RestoreLogs& logs);

}  // namespace stillframe::ese
