#include <stillframe/byte_path.hpp>

#include "framework/base/utf8.hpp"

namespace stillframe {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_control(unsigned char byte) noexcept {
  return byte < 0x20 || byte == 0x7f;
}

bool is_plain(unsigned char byte) noexcept {
  return byte < 0x80 && !is_control(byte) && byte != '\\';
}

// Nearly every path is plain ASCII, and documents hold hundreds of thousands of them.
bool all_plain(std::string_view bytes) noexcept {
  for (char c : bytes) {
    if (!is_plain(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

void append_escaped_byte(std::string& out, unsigned char byte) {
  out += "\\x";
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0xf];
}

// -1 for anything but a lower-case hexadecimal digit.
int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Error refused(std::string_view text, std::size_t at, std::string_view why) {
  constexpr std::size_t kShownBytesMax = 80;
  return {Errc::invalid_argument, "escaped path '" + escape_path(text.substr(0, kShownBytesMax)) +
                                      "' at byte " + std::to_string(at) + ": " + std::string(why)};
}

// The bytes of `text` with its escapes undone; what they stand for is checked by the caller.
Result<BytePath> undo_escapes(std::string_view text) {
  BytePath bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      bytes += text[i++];
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes += '\\';
      i += 2;
      continue;
    }
    if (i + 1 >= text.size()) return refused(text, i, "a lone backslash ends it");
    if (text[i + 1] != 'x') return refused(text, i, "only \\\\ and \\xHH are escapes");
    if (i + 3 >= text.size()) return refused(text, i, "\\x needs two digits");
    const int high = digit_value(text[i + 2]), low = digit_value(text[i + 3]);
    if (high < 0 || low < 0) return refused(text, i, "\\x needs two lower-case hexadecimal digits");
    bytes += static_cast<char>(high * 16 + low);
    i += 4;
  }
  return bytes;
}

Error too_long(std::size_t bytes) {
  return {Errc::invalid_argument, "a path of " + std::to_string(bytes) +
                                      " bytes is longer than the limit of " +
                                      std::to_string(kBytePathBytesMax)};
}

}  // namespace

std::string escape_path(std::string_view bytes) {
  if (all_plain(bytes)) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4 + 8);
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes.front());
    std::size_t taken = 1;
    if (first == '\\') {
      out += "\\\\";
    } else if (is_control(first)) {
      append_escaped_byte(out, first);
    } else if (const std::size_t length = utf8_sequence_bytes(bytes); length > 0) {
      out.append(bytes.substr(0, length));
      taken = length;
    } else {
      append_escaped_byte(out, first);
    }
    bytes.remove_prefix(taken);
  }
  return out;
}

Result<BytePath> unescape_path(std::string_view text) {
  if (all_plain(text)) {
    if (text.size() > kBytePathBytesMax) return too_long(text.size());
    return BytePath(text);
  }
  // Four characters stand for at most one byte, so anything longer cannot fit: do not build it.
  if (text.size() > 4 * kBytePathBytesMax) return too_long(text.size() / 4);
  auto bytes = undo_escapes(text);
  if (!bytes.ok()) return bytes;
  if (bytes.value().size() > kBytePathBytesMax) return too_long(bytes.value().size());
  if (const auto nul = bytes.value().find('\0'); nul != std::string::npos) {
    return refused(text, nul, "a path cannot hold a NUL byte");
  }
  // Every path has exactly one escaped form: two documents that name the same file are equal.
  const std::string canonical = escape_path(bytes.value());
  if (canonical != text) {
    std::size_t at = 0;
    while (at < canonical.size() && at < text.size() && canonical[at] == text[at]) ++at;
    return refused(text, at, "not the form that escape_path() writes");
  }
  return bytes;
}

}  // namespace stillframe
