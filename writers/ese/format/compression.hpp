// How column values, chunks of long values and page images in logs are made smaller. The first byte
// says how. docs/formats/compression.md has the schemes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

enum class Compression : std::uint8_t {
  none = 0,
  seven_bit_ascii = 1,
  seven_bit_unicode = 2,
  xpress = 3,
  scrubbed = 4,
  xpress9 = 5,
  xpress10 = 6,
  lz4 = 7,
};
std::string_view name_of(Compression scheme) noexcept;

// Nothing that the engine compresses is longer than a page or a chunk, so nothing is longer after.
inline constexpr std::size_t kDecompressedBytesMax = 65535;

Compression scheme_of(Bytes compressed);

// decompression_failed for bytes that are not what a compressor made, and for the schemes that only
// other builds of the engine read (scrubbed, xpress9, xpress10).
Result<std::vector<std::byte>> decompress(Bytes compressed);
// How long that will be, without doing it.
Result<std::size_t> decompressed_bytes(Bytes compressed);

// The smaller of 7-bit and XPRESS if either is smaller than `plain`, else empty. `unicode`: the
// value is UTF-16.
std::vector<std::byte> compress(Bytes plain, bool unicode);

// One scheme each; empty if the scheme cannot carry `plain` or does not make it smaller.
std::vector<std::byte> compress_seven_bit(Bytes plain, bool unicode);
std::vector<std::byte> compress_xpress(Bytes plain);

}  // namespace stillframe::ese
