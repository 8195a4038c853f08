// The logs that a restore would replay, checked by their headers before anything is changed.
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_chain.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct RestoreLogsAsked {
  BytePath set;  // the folder of the backup's logs
  std::string base = "edb";
  // As the backup said; none: by the files.
  Generation low = Generation::none, high = Generation::none;
  // Where newer logs may go on from them; it may be the same folder.
  BytePath further;
  Generation further_last = Generation::none;  // if it is set, no newer ones than this
};

struct RestoreLogs {
  Generation low = Generation::none, high = Generation::none;
  ChainLog newest_of_set;
  bool further = false;  // there are newer ones
  bool eight_digits = false;
};

// invalid_path; invalid_parameter for low above high; of the set file_not_found and
// missing_restore_log_files, log_generation_mismatch, given_log_file_has_bad_signature,
// given_log_file_is_not_contiguous, log_corrupt_during_hard_restore; starting_restore_log_too_high
// and ending_restore_log_too_low for finished logs in the set's folder that are not of it; of the
// newer ones missing_current_log_files, existing_log_file_has_bad_signature,
// existing_log_file_is_not_contiguous, log_corrupt_during_hard_recovery.
Result<RestoreLogs> check_restore_logs(Files& files, const RestoreLogsAsked& asked);

}  // namespace stillframe::ese
