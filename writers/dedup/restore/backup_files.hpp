// The files of the backup, as the callback lets them be read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/restore/ddpbackup.h>

#include "framework/base/bytes.hpp"

namespace stillframe::dedup {

class BackupFiles {
 public:
  // The callback outlives it.
  explicit BackupFiles(IDedupReadFileCallback& callback) : callback_(callback) {}

  // Of a file of the store that is no container. `got` is less than was asked for where it ends.
  HRESULT read_some(const BytePath& path, std::uint64_t offset, MutableBytes into,
                    std::size_t& got);
  HRESULT read(const BytePath& path, std::uint64_t offset, MutableBytes into);

  // Of a container: the first of the reads that are to come.
  HRESULT read_container(const BytePath& path, std::span<DDP_FILE_EXTENT> to_come,
                         MutableBytes into);

  // In which order the program wants to be asked; nothing if it does not care.
  std::vector<DEDUP_CONTAINER_EXTENT> order(const std::vector<BytePath>& containers);

  // Set once the program has ended the restore: with this code, and nothing is asked any more.
  const std::optional<HRESULT>& ended() const { return ended_; }

 private:
  HRESULT call_read(const BytePath& path, std::uint64_t offset, MutableBytes into,
                    std::size_t& got);

  IDedupReadFileCallback& callback_;
  std::optional<HRESULT> ended_;
};

}  // namespace stillframe::dedup
