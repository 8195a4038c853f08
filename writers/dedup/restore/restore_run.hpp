// One call of RestoreFiles(): what became of each file, and what is still to be done for it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/restore/ddpbackup.h>

#include "writers/dedup/restore/backup_containers.hpp"
#include "writers/dedup/restore/backup_table.hpp"
#include "writers/dedup/restore/target_volume.hpp"

namespace stillframe::dedup {

struct RestoreLimits {
  // Chunks that all files together may name, 40 bytes each: 1 TiB of files in chunks of 64 KiB.
  // Files beyond that fail, with DDP_E_UNEXPECTED.
  std::size_t chunks_max = std::size_t{16} << 20;
  std::size_t open_files_max = 128;
};

// `paths` are relative to the target's root; those that are no path are empty. Returns a code for
// each, and that of the call. `key`: of the key file, when the backup's store is encrypted.
HRESULT restore_files_from(TargetVolume& target, const std::vector<std::string>& paths,
                           IDedupReadFileCallback& callback, std::vector<HRESULT>& results,
                           const RestoreLimits& limits = {},
                           const std::optional<chunkstore::Key256>& key = std::nullopt);

// The object of this volume, with one reference.
IDedupBackupSupport* make_backup_support(
    std::unique_ptr<TargetVolume> target,
    const std::optional<chunkstore::Key256>& key = std::nullopt);

}  // namespace stillframe::dedup
