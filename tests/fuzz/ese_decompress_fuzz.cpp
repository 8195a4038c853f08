// link: stillframe_ese_format
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "writers/ese/format/compression.hpp"

// Expands the input; and packs it, which must come back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe;
  using namespace stillframe::ese;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto expanded = decompress(bytes);
  if (expanded.ok() && expanded.value().size() > kDecompressedBytesMax * 2) std::abort();
  for (const bool unicode : {false, true}) {
    const auto packed = compress(bytes, unicode);
    if (packed.empty()) continue;
    const auto again = decompress(packed);
    if (!again.ok() ||
        !std::equal(bytes.begin(), bytes.end(), again.value().begin(), again.value().end()))
      std::abort();
  }
  return 0;
}
