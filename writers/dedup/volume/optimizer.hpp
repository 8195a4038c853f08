// Moves files into the store, many at a time, because what is made durable costs the same for one
// file and for a hundred.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

struct OptimizedFile {
  DedupFile* file = nullptr;
  Status status = Ok{};         // in_use: it was written to meanwhile, and stays as it is
  std::uint64_t new_bytes = 0;  // that no other file had, before compression
};

// Files may be read and written between add() and commit(), by the thread that calls these.
class Optimizer {
 public:
  explicit Optimizer(VolumeParts volume) : volume_(volume) {}

  // Puts the file's content into the store. The file, which outlives the batch, is as before. An
  // error of the file leaves the batch without it.
  Status add(DedupFile& file);
  std::uint64_t bytes() const { return bytes_; }  // of all files in the batch
  // Makes it durable and gives the files' own space back. An error is one of the store: none of
  // the files was changed, or all that come before one of the table.
  Result<std::vector<OptimizedFile>> commit();

 private:
  struct Added {
    DedupFile* file;
    FileVersion version;
    std::uint64_t edits;
    chunkstore::StreamId stream;
    std::uint64_t new_bytes;
  };

  Status keep_changed_times(const std::vector<OptimizedFile>& done);

  VolumeParts volume_;
  std::vector<Added> added_;
  std::uint64_t bytes_ = 0;
  std::vector<std::byte> room_;  // for a piece of a file
};

}  // namespace stillframe::dedup
