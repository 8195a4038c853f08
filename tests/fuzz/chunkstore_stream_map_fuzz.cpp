// link: stillframe_chunkstore
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "framework/chunkstore/stream_map.hpp"

// Reads the input as a stream map. What is taken is within its limits, and is the same again once
// it was written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::chunkstore;
  const auto map = parse_stream_map({reinterpret_cast<const std::byte*>(data), size});
  if (!map.ok()) return 0;
  if (map.value().extents.size() > kMapPartsMax) std::abort();
  const auto again = parse_stream_map(format_stream_map(map.value()));
  if (!again.ok() || !(again.value() == map.value())) std::abort();
  return 0;
}
