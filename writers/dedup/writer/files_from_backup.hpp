// Gives the files of a backup that were put in another place their content, through RestoreFiles().
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/byte_path.hpp>

#include "writers/dedup/restore/counting_backup.hpp"

namespace stillframe::dedup {

struct FilledFiles {
  std::uint64_t files = 0, bytes = 0;  // that were given their content
  BackupReads reads;

  std::string text() const;  // for people, with how much was read for each byte
};

// All files below `folder` that are marked as of `store` (a UUID; empty: any store). `backup`: a
// copy of the volume's tree. partial_failure names the first file that could not be restored; it
// and the others are still marked and may be tried again. `key_file`: of a backup whose store is
// encrypted.
Result<FilledFiles> fill_from_backup(const BytePath& folder, const std::string& store,
                                     BackupOfVolume& backup, const BytePath& key_file = {});

}  // namespace stillframe::dedup
