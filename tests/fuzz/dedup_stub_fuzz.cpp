// link: stillframe_dedup_volume
// Reads the input as the mark of a deduplicated file, with its checksum put right.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/check.hpp"
#include "writers/dedup/volume/stub.hpp"

using namespace stillframe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  if (size == dedup::kStubBytes) {
    store_le(bytes.data() + 48, static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), 48)));
  }
  const auto stub = dedup::parse_stub(bytes);
  if (!stub.ok()) return 0;
  const auto again = dedup::format_stub(stub.value());
  STILLFRAME_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()),
                   "there is one way to write a stub");
  return 0;
}
