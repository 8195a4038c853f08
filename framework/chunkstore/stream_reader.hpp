// Reads one stream of a store, anywhere in it.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/chunk_source.hpp"
#include "framework/chunkstore/stream_map.hpp"

namespace stillframe::chunkstore {

// The store, or the reader beside it, outlives it.
class StreamReader {
 public:
  std::uint64_t bytes() const { return bytes_; }
  StreamKind kind() const { return root_.kind; }
  Cutting cutting() const { return root_.cutting; }

  // Fills `into` from `offset` on. Past the end of the stream: truncated. Damage: corrupt,
  // truncated or not_found, naming the container; what `into` then holds is nothing.
  Status read(std::uint64_t offset, MutableBytes into);

 private:
  friend class Store;
  friend class StoreReader;
  StreamReader(ChunkSource& source, StreamMap root);

  Status load_part(std::uint64_t offset);
  Status read_extent(const Extent& extent, std::uint64_t skip, MutableBytes into);

  ChunkSource& source_;
  StreamMap root_;
  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> part_ends_;  // of a root of level 1

  // The part that was read last: the root itself when it is of level 0.
  StreamMap part_;
  std::uint64_t part_begin_ = 0;
  std::vector<std::uint64_t> extent_ends_;  // from the part's beginning
};

}  // namespace stillframe::chunkstore
