#include "writers/ese/format/compression.hpp"

#include <algorithm>
#include <string>

#include <lz4.h>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/xpress.hpp"

namespace stillframe::ese {

namespace {

constexpr unsigned kSchemeShift = 3;
constexpr std::size_t kSizedHeader = 3;  // scheme byte and u16 size
constexpr std::size_t kBits = 7;

Error failed(const std::string& why) {
  return ese_error(EseErr::decompression_failed, "a compressed value " + why);
}

std::byte scheme_byte(Compression scheme, unsigned parameter) {
  return static_cast<std::byte>(static_cast<unsigned>(scheme) << kSchemeShift | parameter);
}

// Characters are seven bits each; the parameter says how many bits of the last byte count.
std::size_t characters_of(Bytes compressed) {
  const auto bits_in_last = (std::to_integer<std::size_t>(compressed[0]) & 7) + 1;
  return compressed.size() < 2 ? 0 : (8 * (compressed.size() - 2) + bits_in_last) / kBits;
}

std::vector<std::byte> expand_seven_bit(Bytes compressed, bool unicode) {
  const std::size_t count = characters_of(compressed);
  const Bytes from = compressed.subspan(1);
  std::vector<std::byte> to;
  to.reserve(count * (unicode ? 2 : 1));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * kBits;
    unsigned two = std::to_integer<unsigned>(from[bit / 8]);
    if (bit / 8 + 1 < from.size()) two |= std::to_integer<unsigned>(from[bit / 8 + 1]) << 8;
    to.push_back(static_cast<std::byte>(two >> bit % 8 & 0x7F));
    if (unicode) to.push_back(std::byte{0});
  }
  return to;
}

Result<std::vector<std::byte>> expand_lz4(Bytes from, std::size_t size) {
  std::vector<std::byte> to(size);
  const int got = LZ4_decompress_safe(reinterpret_cast<const char*>(from.data()),
                                      reinterpret_cast<char*>(to.data()),
                                      static_cast<int>(from.size()), static_cast<int>(size));
  if (got < 0 || static_cast<std::size_t>(got) != size) return failed("is not an LZ4 block");
  return to;
}

}  // namespace

std::string_view name_of(Compression scheme) noexcept {
  switch (scheme) {
    case Compression::none:
      return "none";
    case Compression::seven_bit_ascii:
      return "7-bit ASCII";
    case Compression::seven_bit_unicode:
      return "7-bit Unicode";
    case Compression::xpress:
      return "XPRESS";
    case Compression::scrubbed:
      return "scrubbed";
    case Compression::xpress9:
      return "XPRESS9";
    case Compression::xpress10:
      return "XPRESS10";
    case Compression::lz4:
      return "LZ4";
  }
  return "unknown";
}

Compression scheme_of(Bytes compressed) {
  return compressed.empty()
             ? Compression::none
             : static_cast<Compression>(std::to_integer<unsigned>(compressed[0]) >> kSchemeShift);
}

Result<std::size_t> decompressed_bytes(Bytes compressed) {
  const Compression scheme = scheme_of(compressed);
  switch (scheme) {
    case Compression::seven_bit_ascii:
      return characters_of(compressed);
    case Compression::seven_bit_unicode:
      return characters_of(compressed) * 2;
    case Compression::xpress:
    case Compression::lz4:
      if (compressed.size() < kSizedHeader) return failed("ends before its size");
      return std::size_t{load_le<std::uint16_t>(compressed.data() + 1)};
    case Compression::none:
    case Compression::scrubbed:
    case Compression::xpress9:
    case Compression::xpress10:
      break;
  }
  return failed("is of scheme " + std::to_string(static_cast<unsigned>(scheme)) + " (" +
                std::string(name_of(scheme)) + "), which this program does not read");
}

Result<std::vector<std::byte>> decompress(Bytes compressed) {
  const Result<std::size_t> size = decompressed_bytes(compressed);
  if (!size.ok()) return size.error();
  if (compressed.size() > kDecompressedBytesMax || size.value() > kDecompressedBytesMax) {
    return failed("is longer than any that the engine writes");
  }
  switch (scheme_of(compressed)) {
    case Compression::seven_bit_ascii:
      return expand_seven_bit(compressed, false);
    case Compression::seven_bit_unicode:
      return expand_seven_bit(compressed, true);
    case Compression::lz4:
      return expand_lz4(compressed.subspan(kSizedHeader), size.value());
    default:  // decompressed_bytes() refused the others
      break;
  }
  std::vector<std::byte> to;
  to.reserve(size.value());
  if (!expand_xpress(compressed.subspan(kSizedHeader), size.value(), to)) {
    return failed("is not an XPRESS stream of " + std::to_string(size.value()) + " bytes");
  }
  return to;
}

std::vector<std::byte> compress_seven_bit(Bytes plain, bool unicode) {
  const std::size_t each = unicode ? 2 : 1;
  if (plain.empty() || plain.size() % each != 0) return {};
  const std::size_t count = plain.size() / each;
  std::vector<std::byte> to(1 + (count * kBits + 7) / 8);
  if (to.size() >= plain.size()) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned character = std::to_integer<unsigned>(plain[i * each]);
    if (character > 0x7F || (unicode && plain[i * each + 1] != std::byte{0})) return {};
    const std::size_t bit = i * kBits;
    const unsigned shifted = character << bit % 8;
    to[1 + bit / 8] |= static_cast<std::byte>(shifted & 0xFF);
    if (shifted > 0xFF) to[2 + bit / 8] |= static_cast<std::byte>(shifted >> 8);
  }
  const auto in_last = static_cast<unsigned>((count * kBits - 1) % 8);
  to[0] =
      scheme_byte(unicode ? Compression::seven_bit_unicode : Compression::seven_bit_ascii, in_last);
  return to;
}

std::vector<std::byte> compress_xpress(Bytes plain) {
  if (plain.empty() || plain.size() > kDecompressedBytesMax) return {};
  std::vector<std::byte> to(kSizedHeader);
  to[0] = scheme_byte(Compression::xpress, 0);
  store_le(to.data() + 1, static_cast<std::uint16_t>(plain.size()));
  pack_xpress(plain, to);
  if (to.size() >= plain.size()) return {};
  return to;
}

std::vector<std::byte> compress(Bytes plain, bool unicode) {
  std::vector<std::byte> a = compress_seven_bit(plain, unicode), b = compress_xpress(plain);
  if (a.empty()) return b;
  return b.empty() || a.size() <= b.size() ? a : b;
}

}  // namespace stillframe::ese
