// Looks for damage, and says what of which stream is lost by it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/store_reader.hpp"

namespace stillframe::chunkstore {

enum class ScrubDepth {
  regular,  // headers, footers and stream maps: finds what is missing, and rot in none of the data
  deep,     // every byte: each chunk is compared with its fingerprint
};

struct LostRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const LostRange&, const LostRange&) = default;
};

// A stream of which something cannot be read.
struct LostStream {
  StreamId id;
  bool wholly = false;            // its map cannot be read: what it was made of is not known
  std::vector<LostRange> ranges;  // in order; none if `wholly`
  Error why;                      // of the first of them
};

// One that many streams name.
struct HotChunk {
  ChunkName name;
  std::uint32_t references = 0;  // at least; each place of a stream counts
};

struct ScrubReport {
  std::uint64_t containers = 0, streams = 0;
  std::uint64_t chunks = 0, bytes = 0;  // that were compared with their fingerprints
  std::vector<Damage> damage;           // by container
  std::vector<LostStream> lost;         // of the streams asked for
  std::vector<HotChunk> hot;            // the most referenced first, at most kMapExtentsMax
};

// Containers come first, then streams.
struct ScrubProgress {
  std::uint64_t containers = 0, done_containers = 0;
  std::uint64_t bytes = 0, done_bytes = 0;  // of files; what a deep one has to read
  std::uint64_t streams = 0, done_streams = 0;
};

constexpr std::uint32_t kReferencesMax = 65535;

// As of the reader's commit, and beside whoever writes or collects the store. `streams`: those
// whose losses are to be told. Damage is a finding and no error; `go_on` is asked before each
// container, frame and stream, and without it cancelled is the result. With `references_min`, at
// most kReferencesMax, it finds the chunks that the streams name as often: 2 bytes of memory for
// each chunk of the store.
Result<ScrubReport> scrub(StoreReader& reader, std::span<const StreamId> streams, ScrubDepth depth,
                          const std::function<bool(const ScrubProgress&)>& go_on = {},
                          std::uint32_t references_min = 0);

}  // namespace stillframe::chunkstore
