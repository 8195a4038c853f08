// link: stillframe_dedup_volume
// Reads the input as the header and as a page of the index of a file table, with checksums put
// right. What is taken is in order, within its limits, and the same again once it was written.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "writers/dedup/volume/table_index.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(dedup::kIndexPageBytes);
  if (size > 0) std::memcpy(bytes.data(), data, std::min(size, bytes.size()));
  std::vector<std::byte> head(bytes.begin(), bytes.begin() + dedup::kIndexHeaderBytes);
  store_le(head.data() + 56, static_cast<std::uint64_t>(XXH3_64bits(head.data(), 56)));
  if (const auto header = dedup::parse_index_header(head); header.ok()) {
    const auto again = dedup::parse_index_header(dedup::format_index_header(header.value()));
    STILLFRAME_CHECK(again.ok() && again.value() == header.value(), "the same header");
  }
  // Short inputs are a page with the number of slots that they say.
  if (size < bytes.size() && size > 0) store_le(bytes.data() + 4064, std::uint32_t{data[0]});
  store_le(bytes.data() + 4088,
           static_cast<std::uint64_t>(XXH3_64bits_withSeed(bytes.data(), 4088, 5)));
  const auto slots = dedup::parse_index_page(bytes, 5);
  if (!slots.ok()) return 0;
  STILLFRAME_CHECK(std::is_sorted(slots.value().begin(), slots.value().end()), "in order");
  const auto again = dedup::parse_index_page(dedup::format_index_page(5, slots.value()), 5);
  STILLFRAME_CHECK(again.ok() && again.value() == slots.value(), "the same page");
  return 0;
}
