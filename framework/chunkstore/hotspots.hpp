// Chunks that very many streams name have a second copy, so that the rot of one container does not
// damage all of these streams. What the store remembers of them; docs/formats/chunk-store.md.
#pragma once

#include <array>
#include <cstdint>

#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "framework/chunkstore/names.hpp"

namespace stillframe::chunkstore {

constexpr const char* kHotspotsFileName = "hotspots";
constexpr std::size_t kHotspotsBytes = 32;

// The stream whose map names the copies, and by that keeps them.
std::array<std::byte, kHotspotsBytes> format_hotspots(StreamId copies);
Result<StreamId> parse_hotspots(Bytes bytes);

struct HotspotCopies {
  std::uint64_t chunks = 0;                      // that are there twice now
  std::uint64_t written = 0, written_bytes = 0;  // of these, for the first time
  std::uint64_t left_out = 0;  // that could not be read, or were not to be written
};

}  // namespace stillframe::chunkstore
