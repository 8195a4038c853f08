// A backup that counts what is read of it.
#pragma once

#include <cstdint>
#include <memory>

#include <stillframe/restore/selective_restore.hpp>

namespace stillframe::dedup {

struct BackupReads {
  std::uint64_t container_bytes = 0;
  std::uint64_t other_bytes = 0;  // of the file table and the commit records
};

// Passes everything on to `backup`, and counts in `reads`; both outlive it.
std::unique_ptr<BackupOfVolume> counting_backup(BackupOfVolume& backup, BackupReads& reads);

}  // namespace stillframe::dedup
