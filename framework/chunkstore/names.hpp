// How chunks and streams are named, and how much of anything there may be. Every limit holds for
// what is read as well as for what is written. docs/formats/chunk-store.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stillframe::chunkstore {

constexpr std::uint64_t kContainerBytesMax = std::uint64_t{256} << 20;  // when it is sealed
constexpr std::uint32_t kContainerChunksMax = 65536;
constexpr std::uint32_t kContainerIdMax = (1u << 24) - 1;  // what the index has room for
constexpr std::uint32_t kFrameChunksMax = 4096;
constexpr std::size_t kFrameBytesMax = std::size_t{1} << 20;       // as chunks, and as payload
constexpr std::size_t kFrameFilledBytes = std::size_t{256} << 10;  // takes no further chunk
constexpr std::size_t kChunkBytesMax = std::size_t{128} << 10;     // of data
constexpr std::uint32_t kMapExtentsMax = 16384;
constexpr std::uint32_t kMapPartsMax = 32768;

// Where a chunk is said to be, for ever: compaction moves it within its container and keeps this.
struct ChunkName {
  std::uint32_t container = 0;  // 0: of no chunk
  std::uint32_t local_id = 0;
  friend bool operator==(const ChunkName&, const ChunkName&) = default;
};

// The chunk that is a stream's map.
struct StreamId {
  ChunkName map;
  friend bool operator==(const StreamId&, const StreamId&) = default;
};

enum class ContainerKind : std::uint32_t { data = 1, stream_maps = 2 };

}  // namespace stillframe::chunkstore
