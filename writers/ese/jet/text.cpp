#include "writers/ese/jet/text.hpp"

#include <algorithm>
#include <cstdint>

namespace stillframe::ese::jet {

namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

bool high_surrogate(std::uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool low_surrogate(std::uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

void append_utf8(std::uint32_t point, std::string& to) {
  const auto tail = [&](unsigned shift) {
    to.push_back(static_cast<char>(0x80U | (point >> shift & 0x3FU)));
  };
  if (point < 0x80) {
    to.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    to.push_back(static_cast<char>(0xC0U | point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    to.push_back(static_cast<char>(0xE0U | point >> 12));
    tail(6);
    tail(0);
  } else {
    to.push_back(static_cast<char>(0xF0U | point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The code point that begins at `at`, which moves behind it.
std::uint32_t next_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t first = byte(at++);
  if (first < 0x80) return first;
  const int tails = first >= 0xF0 && first < 0xF5 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
  if (tails == 0 || first >= 0xF5) return kReplacement;
  std::uint32_t point = first & (0x3FU >> tails);
  const std::size_t end = at + static_cast<std::size_t>(tails);
  for (std::size_t i = at; i < end; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0U) != 0x80) return kReplacement;
    point = point << 6 | (byte(i) & 0x3FU);
  }
  const std::uint32_t least = tails == 1 ? 0x80 : tails == 2 ? 0x800 : 0x10000;
  if (point < least || point > 0x10FFFF) return kReplacement;
  at = end;
  return point;
}

}  // namespace

std::string utf8(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

std::string utf8(const char16_t* text) {
  return text == nullptr ? std::string() : utf8(std::u16string_view(text));
}

std::string utf8(std::u16string_view text) {
  std::string to;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t unit = text[i];
    if (high_surrogate(unit) && i + 1 < text.size() && low_surrogate(text[i + 1])) {
      append_utf8(0x10000 + ((unit - 0xD800) << 10) + (text[i + 1] - 0xDC00U), to);
      ++i;
    } else {
      append_utf8(unit, to);
    }
  }
  return to;
}

std::u16string utf16(std::string_view text) {
  std::u16string to;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t point = next_point(text, at);
    if (point < 0x10000) {
      to.push_back(static_cast<char16_t>(point));
    } else {
      to.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      to.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return to;
}

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty() && list.front() != '\0') {
    const std::size_t end = std::min(list.find('\0'), list.size());
    parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

}  // namespace stillframe::ese::jet
