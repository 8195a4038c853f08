#include "writers/ese/format/ese_error.hpp"

#include <utility>

namespace stillframe::ese {

namespace {

struct Row {
  EseErr err;
  std::string_view name;
  Errc code;  // what a caller who knows nothing of JET should do about it
};

constexpr Row kRows[] = {
    {EseErr::bad_page_link, "BadPageLink", Errc::corrupt},
    {EseErr::key_truncated, "KeyTruncated", Errc::limit_reached},
    {EseErr::log_file_corrupt, "LogFileCorrupt", Errc::corrupt},
    {EseErr::backup_directory_not_empty, "BackupDirectoryNotEmpty", Errc::already_exists},
    {EseErr::backup_in_progress, "BackupInProgress", Errc::in_progress},
    {EseErr::restore_in_progress, "RestoreInProgress", Errc::interlocked},
    {EseErr::missing_previous_log_file, "MissingPreviousLogFile", Errc::not_found},
    {EseErr::log_write_fail, "LogWriteFail", Errc::io},
    {EseErr::log_generation_mismatch, "LogGenerationMismatch", Errc::chain_broken},
    {EseErr::bad_log_version, "BadLogVersion", Errc::not_supported},
    {EseErr::invalid_log_sequence, "InvalidLogSequence", Errc::chain_broken},
    {EseErr::log_sequence_end, "LogSequenceEnd", Errc::limit_reached},
    {EseErr::no_backup, "NoBackup", Errc::wrong_state},
    {EseErr::invalid_backup_sequence, "InvalidBackupSequence", Errc::wrong_state},
    {EseErr::delete_backup_file_fail, "DeleteBackupFileFail", Errc::io},
    {EseErr::make_backup_directory_fail, "MakeBackupDirectoryFail", Errc::io},
    {EseErr::invalid_backup, "InvalidBackup", Errc::wrong_state},
    {EseErr::missing_log_file, "MissingLogFile", Errc::not_found},
    {EseErr::log_disk_full, "LogDiskFull", Errc::no_space},
    {EseErr::bad_log_signature, "BadLogSignature", Errc::chain_broken},
    {EseErr::bad_db_signature, "BadDbSignature", Errc::chain_broken},
    {EseErr::bad_checkpoint_signature, "BadCheckpointSignature", Errc::chain_broken},
    {EseErr::checkpoint_corrupt, "CheckpointCorrupt", Errc::corrupt},
    {EseErr::missing_patch_page, "MissingPatchPage", Errc::corrupt},
    {EseErr::bad_patch_page, "BadPatchPage", Errc::corrupt},
    {EseErr::patch_file_missing, "PatchFileMissing", Errc::not_found},
    {EseErr::database_log_set_mismatch, "DatabaseLogSetMismatch", Errc::chain_broken},
    {EseErr::checkpoint_file_not_found, "CheckpointFileNotFound", Errc::not_found},
    {EseErr::required_log_files_missing, "RequiredLogFilesMissing", Errc::not_found},
    {EseErr::soft_recovery_on_backup_database, "SoftRecoveryOnBackupDatabase", Errc::wrong_state},
    {EseErr::log_sector_size_mismatch, "LogSectorSizeMismatch", Errc::not_supported},
    {EseErr::database_dirty_shutdown, "DatabaseDirtyShutdown", Errc::wrong_state},
    {EseErr::consistent_time_mismatch, "ConsistentTimeMismatch", Errc::chain_broken},
    {EseErr::database_patch_file_mismatch, "DatabasePatchFileMismatch", Errc::chain_broken},
    {EseErr::ending_restore_log_too_low, "EndingRestoreLogTooLow", Errc::invalid_argument},
    {EseErr::starting_restore_log_too_high, "StartingRestoreLogTooHigh", Errc::invalid_argument},
    {EseErr::given_log_file_has_bad_signature, "GivenLogFileHasBadSignature", Errc::chain_broken},
    {EseErr::given_log_file_is_not_contiguous, "GivenLogFileIsNotContiguous", Errc::chain_broken},
    {EseErr::missing_restore_log_files, "MissingRestoreLogFiles", Errc::not_found},
    {EseErr::missing_full_backup, "MissingFullBackup", Errc::chain_broken},
    {EseErr::missing_current_log_files, "MissingCurrentLogFiles", Errc::not_found},
    {EseErr::db_time_too_old, "DbTimeTooOld", Errc::corrupt},
    {EseErr::db_time_too_new, "DbTimeTooNew", Errc::corrupt},
    {EseErr::missing_file_to_backup, "MissingFileToBackup", Errc::not_found},
    {EseErr::log_torn_write_during_hard_restore, "LogTornWriteDuringHardRestore", Errc::truncated},
    {EseErr::log_torn_write_during_hard_recovery, "LogTornWriteDuringHardRecovery",
     Errc::truncated},
    {EseErr::log_corrupt_during_hard_restore, "LogCorruptDuringHardRestore", Errc::corrupt},
    {EseErr::log_corrupt_during_hard_recovery, "LogCorruptDuringHardRecovery", Errc::corrupt},
    {EseErr::bad_restore_target_instance, "BadRestoreTargetInstance", Errc::invalid_argument},
    {EseErr::committed_log_files_missing, "CommittedLogFilesMissing", Errc::not_found},
    {EseErr::committed_log_file_corrupt, "CommittedLogFileCorrupt", Errc::corrupt},
    {EseErr::log_sequence_checksum_mismatch, "LogSequenceChecksumMismatch", Errc::chain_broken},
    {EseErr::unicode_translation_fail, "UnicodeTranslationFail", Errc::not_supported},
    {EseErr::existing_log_file_has_bad_signature, "ExistingLogFileHasBadSignature",
     Errc::chain_broken},
    {EseErr::existing_log_file_is_not_contiguous, "ExistingLogFileIsNotContiguous",
     Errc::chain_broken},
    {EseErr::log_read_verify_failure, "LogReadVerifyFailure", Errc::corrupt},
    {EseErr::restore_of_non_backup_database, "RestoreOfNonBackupDatabase", Errc::wrong_state},
    {EseErr::log_file_not_copied, "LogFileNotCopied", Errc::wrong_state},
    {EseErr::db_time_beyond_max_required, "DbTimeBeyondMaxRequired", Errc::corrupt},
    {EseErr::backup_abort_by_server, "BackupAbortByServer", Errc::cancelled},
    {EseErr::invalid_name, "InvalidName", Errc::invalid_argument},
    {EseErr::invalid_parameter, "InvalidParameter", Errc::invalid_argument},
    {EseErr::out_of_memory, "OutOfMemory", Errc::out_of_resources},
    {EseErr::read_verify_failure, "ReadVerifyFailure", Errc::corrupt},
    {EseErr::page_not_initialized, "PageNotInitialized", Errc::corrupt},
    {EseErr::invalid_path, "InvalidPath", Errc::not_found},
    {EseErr::record_too_big, "RecordTooBig", Errc::limit_reached},
    {EseErr::null_key_disallowed, "NullKeyDisallowed", Errc::invalid_argument},
    {EseErr::version_store_out_of_memory, "VersionStoreOutOfMemory", Errc::out_of_resources},
    {EseErr::write_conflict, "WriteConflict", Errc::in_progress},
    {EseErr::trans_too_deep, "TransTooDeep", Errc::limit_reached},
    {EseErr::read_lost_flush_verify_failure, "ReadLostFlushVerifyFailure", Errc::corrupt},
    {EseErr::database_duplicate, "DatabaseDuplicate", Errc::already_exists},
    {EseErr::database_in_use, "DatabaseInUse", Errc::in_use},
    {EseErr::database_not_found, "DatabaseNotFound", Errc::not_found},
    {EseErr::database_invalid_name, "DatabaseInvalidName", Errc::invalid_argument},
    {EseErr::database_corrupted, "DatabaseCorrupted", Errc::corrupt},
    {EseErr::invalid_database_version, "InvalidDatabaseVersion", Errc::not_supported},
    {EseErr::page_size_mismatch, "PageSizeMismatch", Errc::invalid_argument},
    {EseErr::attached_database_mismatch, "AttachedDatabaseMismatch", Errc::chain_broken},
    {EseErr::database_incomplete_incremental_reseed, "DatabaseIncompleteIncrementalReseed",
     Errc::wrong_state},
    {EseErr::table_locked, "TableLocked", Errc::in_use},
    {EseErr::table_duplicate, "TableDuplicate", Errc::already_exists},
    {EseErr::table_in_use, "TableInUse", Errc::in_use},
    {EseErr::object_not_found, "ObjectNotFound", Errc::not_found},
    {EseErr::table_not_empty, "TableNotEmpty", Errc::wrong_state},
    {EseErr::cannot_delete_system_table, "CannotDeleteSystemTable", Errc::invalid_argument},
    {EseErr::fixed_ddl, "FixedDDL", Errc::invalid_argument},
    {EseErr::index_has_primary, "IndexHasPrimary", Errc::already_exists},
    {EseErr::index_duplicate, "IndexDuplicate", Errc::already_exists},
    {EseErr::index_not_found, "IndexNotFound", Errc::not_found},
    {EseErr::index_must_stay, "IndexMustStay", Errc::invalid_argument},
    {EseErr::index_invalid_def, "IndexInvalidDef", Errc::invalid_argument},
    {EseErr::column_does_not_fit, "ColumnDoesNotFit", Errc::invalid_argument},
    {EseErr::null_invalid, "NullInvalid", Errc::invalid_argument},
    {EseErr::column_indexed, "ColumnIndexed", Errc::in_use},
    {EseErr::column_too_big, "ColumnTooBig", Errc::limit_reached},
    {EseErr::column_not_found, "ColumnNotFound", Errc::not_found},
    {EseErr::column_duplicate, "ColumnDuplicate", Errc::already_exists},
    {EseErr::multi_valued_column_must_be_tagged, "MultiValuedColumnMustBeTagged",
     Errc::invalid_argument},
    {EseErr::column_redundant, "ColumnRedundant", Errc::already_exists},
    {EseErr::invalid_column_type, "InvalidColumnType", Errc::invalid_argument},
    {EseErr::tagged_not_null, "TaggedNotNULL", Errc::invalid_argument},
    {EseErr::cannot_be_tagged, "CannotBeTagged", Errc::invalid_argument},
    {EseErr::default_value_too_big, "DefaultValueTooBig", Errc::limit_reached},
    {EseErr::record_not_found, "RecordNotFound", Errc::not_found},
    {EseErr::no_current_record, "NoCurrentRecord", Errc::wrong_state},
    {EseErr::record_primary_changed, "RecordPrimaryChanged", Errc::invalid_argument},
    {EseErr::key_duplicate, "KeyDuplicate", Errc::already_exists},
    {EseErr::decompression_failed, "DecompressionFailed", Errc::corrupt},
    {EseErr::disk_full, "DiskFull", Errc::no_space},
    {EseErr::file_not_found, "FileNotFound", Errc::not_found},
    {EseErr::log_corrupted, "LogCorrupted", Errc::corrupt},
    {EseErr::database_incomplete_revert, "DatabaseIncompleteRevert", Errc::wrong_state},
    {EseErr::os_snapshot_invalid_sequence, "OSSnapshotInvalidSequence", Errc::wrong_state},
    {EseErr::os_snapshot_time_out, "OSSnapshotTimeOut", Errc::timed_out},
    {EseErr::os_snapshot_not_allowed, "OSSnapshotNotAllowed", Errc::in_use},
    {EseErr::os_snapshot_invalid_snap_id, "OSSnapshotInvalidSnapId", Errc::not_found},
};

constexpr Row kUnknown{EseErr{0}, "Unknown", Errc::internal};

const Row& row_of(EseErr err) noexcept {
  for (const Row& row : kRows) {
    if (row.err == err) return row;
  }
  return kUnknown;
}

}  // namespace

std::string_view name_of(EseErr err) noexcept {
  return row_of(err).name;
}

Error ese_error(EseErr err, std::string what) {
  const Row& row = row_of(err);
  const auto number = static_cast<std::int32_t>(err);
  what += " (" + std::string(row.name) + ", " + std::to_string(number) + ")";
  return {row.code, std::move(what), number};
}

bool is(const Error& error, EseErr err) noexcept {
  return error.application_code() == static_cast<std::int32_t>(err);
}

}  // namespace stillframe::ese
