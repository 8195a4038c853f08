#include "framework/base/byte_text.hpp"

#include <openssl/evp.h>

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
  return {Errc::invalid_argument, "escaped text '" + escape_bytes(text.substr(0, kShownBytesMax)) +
                                      "' at byte " + std::to_string(at) + ": " + std::string(why)};
}

// The bytes of `text` with its escapes undone; what they stand for is checked by the caller.
Result<std::string> undo_escapes(std::string_view text) {
  std::string bytes;
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

}  // namespace

std::string escape_bytes(std::string_view bytes) {
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

Result<std::string> unescape_bytes(std::string_view text) {
  if (all_plain(text)) return std::string(text);
  auto bytes = undo_escapes(text);
  if (!bytes.ok()) return bytes;
  // All bytes have exactly one escaped form: two documents that say the same are equal.
  const std::string canonical = escape_bytes(bytes.value());
  if (canonical != text) {
    std::size_t at = 0;
    while (at < canonical.size() && at < text.size() && canonical[at] == text[at]) ++at;
    return refused(text, at, "not the form in which these bytes are written");
  }
  return bytes;
}

std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  const Error bad(Errc::invalid_argument, "not base64 as RFC 4648 writes it");
  if (text.empty()) return std::vector<std::uint8_t>{};
  if (text.size() % 4 != 0) return bad;
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3);
  const int length =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < 0) return bad;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  // OpenSSL skips white space and ignores stray bits: only the canonical text counts.
  if (to_base64(bytes) != text) return bad;
  return bytes;
}

}  // namespace stillframe
