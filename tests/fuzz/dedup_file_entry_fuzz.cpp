// link: stillframe_dedup_volume
// Reads the input as an entry of a file table, with its checksum put right. What is taken is within
// its limits and is the same again once it was written.
#include <cstdint>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "writers/dedup/volume/file_entry.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  const auto head = dedup::parse_entry_head(bytes);
  if (head && head->bytes <= bytes.size()) {
    const std::size_t summed = head->bytes - dedup::kEntrySumBytes;
    store_le(bytes.data() + summed, static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), summed)));
  }
  const auto entry = dedup::parse_entry(bytes);
  if (!entry.ok()) return 0;
  const auto again = dedup::parse_entry(dedup::format_entry(entry.value(), head->durable_bytes));
  STILLFRAME_CHECK(again.ok() && again.value() == entry.value(), "an entry that is written again");
  return 0;
}
