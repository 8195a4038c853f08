// Where a fingerprint may be stored: the containers to ask, in 8 bytes a chunk.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "framework/chunkstore/fingerprint.hpp"

namespace stillframe::chunkstore {

// Forgets most of each fingerprint, so that a terabyte of chunks fits in memory: what it names has
// to be confirmed in the container's footer. It never forgets a container.
class ChunkIndex {
 public:
  void insert(const Fingerprint& fingerprint, std::uint32_t container);
  // What was inserted once.
  void remove(const Fingerprint& fingerprint, std::uint32_t container);

  // The containers that may have it, mostly none or one; wrong ones are rare (below one look-up in
  // a thousand, at a thousand million chunks).
  std::vector<std::uint32_t> candidates(const Fingerprint& fingerprint) const;

  std::uint64_t size() const;
  std::uint64_t memory_bytes() const;

 private:
  // One for each first byte of a fingerprint. They grow one after the other, so that never more
  // than a small part of the index is in memory twice.
  struct Shard {
    std::vector<std::uint64_t> slots;  // 40 bits of fingerprint, 24 of container; 0 is free
    std::size_t used = 0;
  };
  static void grow(Shard& shard);
  static void place(std::vector<std::uint64_t>& slots, std::uint64_t entry);

  std::array<Shard, 256> shards_;
};

}  // namespace stillframe::chunkstore
