// A deduplicated volume: its optimization job, and single files restored from a backup of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/ids.hpp>

#include "framework/chunkstore/cut.hpp"
#include "tests/bench/dedup/measured_run.hpp"

namespace stillframe::dedup::bench {

// What a restore had the backup read, and what it could not do without.
struct RestoreReads {
  std::uint64_t file_bytes = 0;       // of the files that were wanted
  std::uint64_t needed_bytes = 0;     // of the frames with their chunks and stream maps
  std::uint64_t container_bytes = 0;  // read of containers, tables and all
  std::uint64_t other_bytes = 0;      // of the store's other files: the file table above all
};

class OwnVolume {
 public:
  // `root` exists and is empty, on a file system with trusted attributes.
  OwnVolume(std::string root, chunkstore::ChunkProfile profile);

  // Puts a copy of `folder` into the volume as `name`, which is not measured, and optimizes it.
  Cost take(const std::string& folder, const std::string& name);
  // Ends the containers under way, as before a snapshot.
  std::string seal();
  // Stubs of these files of the volume go to `target`, which exists; from there RestoreFiles()
  // makes files of them, with the volume as its backup.
  Cost restore(const std::vector<std::string>& paths, const std::string& target,
               RestoreReads& reads);
  // Of the store and the file table.
  std::string own_folder() const;

 private:
  std::string optimize();
  std::string put_stubs(const std::vector<std::string>& paths, const std::string& target,
                        RestoreReads& reads) const;
  std::string count_needed(const std::vector<std::string>& paths, RestoreReads& reads) const;

  const std::string root_;
  const UuidBytes id_;
};

}  // namespace stillframe::dedup::bench
