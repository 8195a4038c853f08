#include "writers/ese/format/text.hpp"

#include <cstdint>

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

// What 0x80 to 0x9F stand for; everything else is its own number.
constexpr std::uint16_t kHigh[32] = {
    0x20AC,       kReplacement, 0x201A, 0x0192, 0x201E, 0x2026,       0x2020, 0x2021,
    0x02C6,       0x2030,       0x0160, 0x2039, 0x0152, kReplacement, 0x017D, kReplacement,
    kReplacement, 0x2018,       0x2019, 0x201C, 0x201D, 0x2022,       0x2013, 0x2014,
    0x02DC,       0x2122,       0x0161, 0x203A, 0x0153, kReplacement, 0x017E, 0x0178};

void append_utf8(std::string& to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

}  // namespace

std::string code_page_text(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const std::byte byte : bytes) {
    const auto code = std::to_integer<std::uint32_t>(byte);
    append_utf8(text, code >= 0x80 && code < 0xA0 ? kHigh[code - 0x80] : code);
  }
  return text;
}

std::string unicode_text(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size());
  const std::size_t units = bytes.size() / 2;
  const auto unit = [&](std::size_t i) {
    return std::uint32_t{load_le<std::uint16_t>(bytes.data() + i * 2)};
  };
  for (std::size_t i = 0; i < units; ++i) {
    std::uint32_t code = unit(i);
    if (code >= 0xD800 && code < 0xDC00 && i + 1 < units && unit(i + 1) >= 0xDC00 &&
        unit(i + 1) < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(++i) - 0xDC00);
    } else if (code >= 0xD800 && code < 0xE000) {
      code = kReplacement;
    }
    append_utf8(text, code);
  }
  if (bytes.size() % 2 != 0) append_utf8(text, kReplacement);
  return text;
}

}  // namespace stillframe::ese
