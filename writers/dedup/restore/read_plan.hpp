// Which parts of which containers are read when. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <stillframe/restore/ddpbackup.h>

namespace stillframe::dedup {

struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t bytes() const { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct PlanStep {
  std::size_t container = 0;
  ByteRange part;
  friend bool operator==(const PlanStep&, const PlanStep&) = default;
};

// Every byte of every container once: as was answered, without what makes no sense or overlaps with
// what came before, and then what that leaves out, by container.
std::vector<PlanStep> make_read_plan(std::size_t containers,
                                     std::span<const DEDUP_CONTAINER_EXTENT> answered);

// `needed` is in order and without overlaps. What of it lies in `part`, as reads of at most
// `read_bytes_max`; needs that touch are one read.
std::vector<DDP_FILE_EXTENT> reads_in(std::span<const ByteRange> needed, ByteRange part,
                                      std::uint64_t read_bytes_max);

}  // namespace stillframe::dedup
