// link: stillframe_chunkstore
// Reads the input as a slot of the directory of containers, and as what a store knows of its
// hotspots, with the checksum put right. What is taken lies within its file and is the same again
// once it was written.
#include <cstdint>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "framework/chunkstore/container_directory.hpp"
#include "framework/chunkstore/hotspots.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  if (size == chunkstore::kDirectorySlotBytes && (data[0] & 1) == 0) {
    store_le(bytes.data() + 24, static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), 24)));
  }
  std::vector<std::byte> mended = bytes;
  if (size == chunkstore::kHotspotsBytes) {
    store_le(mended.data() + 24, static_cast<std::uint64_t>(XXH3_64bits(mended.data(), 24)));
  }
  if (const auto copies = chunkstore::parse_hotspots(mended); copies.ok()) {
    const auto again = chunkstore::parse_hotspots(chunkstore::format_hotspots(copies.value()));
    STILLFRAME_CHECK(again.ok() && again.value() == copies.value(), "the same hotspots");
  }
  const auto slot = chunkstore::parse_directory_slot(bytes);
  if (!slot.ok()) return 0;
  STILLFRAME_CHECK(slot.value().footer_bytes < slot.value().file_bytes, "a footer is in its file");
  const auto again = chunkstore::parse_directory_slot(format_directory_slot(slot.value()));
  STILLFRAME_CHECK(again.ok() && again.value() == slot.value(), "a slot that is written again");
  return 0;
}
