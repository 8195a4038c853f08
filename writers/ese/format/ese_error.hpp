// What can be wrong with ESE files and calls, by the numbers that JET callers know. Each travels as
// an ordinary Error whose application_code() is the number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe::ese {

enum class EseErr : std::int32_t {
  bad_page_link = -327,
  key_truncated = -346,
  log_file_corrupt = -501,
  missing_previous_log_file = -509,
  log_write_fail = -510,
  bad_log_version = -514,
  invalid_log_sequence = -515,
  log_sequence_end = -519,
  missing_log_file = -528,
  log_disk_full = -529,
  bad_log_signature = -530,
  bad_db_signature = -531,
  bad_checkpoint_signature = -532,
  checkpoint_corrupt = -533,
  missing_patch_page = -534,
  bad_patch_page = -535,
  required_log_files_missing = -543,
  soft_recovery_on_backup_database = -544,
  log_sector_size_mismatch = -546,
  database_dirty_shutdown = -550,
  consistent_time_mismatch = -551,
  database_patch_file_mismatch = -552,
  ending_restore_log_too_low = -553,
  starting_restore_log_too_high = -554,
  db_time_too_old = -566,
  db_time_too_new = -567,
  log_torn_write_during_hard_recovery = -571,
  committed_log_files_missing = -582,
  committed_log_file_corrupt = -586,
  log_sequence_checksum_mismatch = -590,
  unicode_translation_fail = -602,
  restore_of_non_backup_database = -615,
  db_time_beyond_max_required = -625,
  invalid_name = -1002,
  read_verify_failure = -1018,
  page_not_initialized = -1019,
  record_too_big = -1026,
  null_key_disallowed = -1053,
  version_store_out_of_memory = -1069,
  write_conflict = -1102,
  trans_too_deep = -1103,
  read_lost_flush_verify_failure = -1119,
  database_duplicate = -1201,
  database_in_use = -1202,
  database_not_found = -1203,
  database_corrupted = -1206,
  invalid_database_version = -1209,
  page_size_mismatch = -1213,
  attached_database_mismatch = -1216,
  database_incomplete_incremental_reseed = -1226,
  table_locked = -1302,
  table_duplicate = -1303,
  table_in_use = -1304,
  object_not_found = -1305,
  table_not_empty = -1308,
  cannot_delete_system_table = -1318,
  fixed_ddl = -1323,
  index_has_primary = -1402,
  index_duplicate = -1403,
  index_not_found = -1404,
  index_must_stay = -1405,
  index_invalid_def = -1406,
  column_does_not_fit = -1503,
  null_invalid = -1504,
  column_indexed = -1505,
  column_too_big = -1506,
  column_not_found = -1507,
  column_duplicate = -1508,
  multi_valued_column_must_be_tagged = -1509,
  column_redundant = -1510,
  invalid_column_type = -1511,
  tagged_not_null = -1514,
  cannot_be_tagged = -1521,
  default_value_too_big = -1524,
  record_not_found = -1601,
  no_current_record = -1603,
  record_primary_changed = -1604,
  key_duplicate = -1605,
  decompression_failed = -1620,
  log_corrupted = -1852,
  database_incomplete_revert = -1935,
};

// The name after JET_err, such as "ReadVerifyFailure".
std::string_view name_of(EseErr err) noexcept;

// `what` names the object, the operation and the cause; the number and its name are appended.
Error ese_error(EseErr err, std::string what);

// True when `error` carries this number.
bool is(const Error& error, EseErr err) noexcept;

}  // namespace stillframe::ese
