// Stream maps: which chunks and zero runs, in order, make up a stream.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/names.hpp"
#include "framework/chunkstore/stream_kind.hpp"

namespace stillframe::chunkstore {

struct Extent {
  ChunkName chunk;  // none: a zero run
  std::uint64_t bytes = 0;
  std::uint32_t tag = 0;  // the first bytes of a chunk's fingerprint
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct StreamMap {
  // Of level 0 the extents are chunks and zero runs; of level 1 the chunks are stream maps of level
  // 0, each of a part of the stream, without tags.
  int level = 0;
  StreamKind kind = StreamKind::general;
  Cutting cutting = Cutting::by_content;
  ChunkProfile profile = ChunkProfile::kib64;
  std::vector<Extent> extents;

  std::uint64_t bytes() const;
  friend bool operator==(const StreamMap&, const StreamMap&) = default;
};

std::uint32_t fingerprint_tag(const std::array<std::uint8_t, 32>& fingerprint);

std::vector<std::byte> format_stream_map(const StreamMap& map);
Result<StreamMap> parse_stream_map(Bytes bytes);
// How many extents one of that length has.
std::uint32_t stream_map_entries(std::uint64_t bytes);

}  // namespace stillframe::chunkstore
