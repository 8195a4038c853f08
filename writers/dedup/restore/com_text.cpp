#include "writers/dedup/restore/com_text.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>

namespace {

constexpr std::size_t kTextLengthBytes = 8;  // four of them the length, so that units are aligned

}  // namespace

extern "C" {

BSTR SysAllocStringLen(const char16_t* text, std::uint32_t units) {
  const std::size_t bytes = std::size_t{units} * sizeof(char16_t);
  if (bytes > std::numeric_limits<std::uint32_t>::max()) return nullptr;
  auto* memory = static_cast<std::byte*>(std::calloc(1, kTextLengthBytes + bytes + 2));
  if (memory == nullptr) return nullptr;
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(memory + kTextLengthBytes - sizeof length, &length, sizeof length);
  if (text != nullptr && bytes > 0) std::memcpy(memory + kTextLengthBytes, text, bytes);
  return reinterpret_cast<BSTR>(memory + kTextLengthBytes);
}

BSTR SysAllocString(const char16_t* text) {
  if (text == nullptr) return nullptr;
  const std::u16string_view all(text);
  if (all.size() > std::numeric_limits<std::uint32_t>::max()) return nullptr;
  return SysAllocStringLen(text, static_cast<std::uint32_t>(all.size()));
}

void SysFreeString(BSTR text) {
  if (text != nullptr) std::free(reinterpret_cast<std::byte*>(text) - kTextLengthBytes);
}

std::uint32_t SysStringLen(BSTR text) {
  if (text == nullptr) return 0;
  std::uint32_t bytes;
  std::memcpy(&bytes, reinterpret_cast<std::byte*>(text) - sizeof bytes, sizeof bytes);
  return bytes / static_cast<std::uint32_t>(sizeof(char16_t));
}

void* CoTaskMemAlloc(std::size_t bytes) {
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void CoTaskMemFree(void* memory) {
  std::free(memory);
}

}  // extern "C"

namespace stillframe::dedup {

namespace {

constexpr std::uint32_t kSurrogateHigh = 0xD800, kSurrogateLow = 0xDC00, kSurrogateEnd = 0xE000;
constexpr std::uint32_t kPlaneOne = 0x10000;

void put_utf8(std::string& to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < kPlaneOne) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// `text` is valid UTF-8.
std::u16string utf16_of(std::string_view text) {
  std::u16string units;
  units.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    }
    i += length;
    if (code < kPlaneOne) {
      units.push_back(static_cast<char16_t>(code));
    } else {
      units.push_back(static_cast<char16_t>(kSurrogateHigh + ((code - kPlaneOne) >> 10)));
      units.push_back(static_cast<char16_t>(kSurrogateLow + ((code - kPlaneOne) & 0x3FF)));
    }
  }
  return units;
}

}  // namespace

ComText ComText::of_path(const BytePath& path) {
  const std::u16string units = utf16_of(escape_path(path));
  BSTR text = SysAllocStringLen(units.data(), static_cast<std::uint32_t>(units.size()));
  if (text == nullptr) throw std::bad_alloc();
  return ComText(text);
}

Result<BytePath> path_of_text(BSTR text) {
  const std::uint32_t units = SysStringLen(text);
  // An escape has four units for a byte.
  if (units > 4 * kBytePathBytesMax) return Error(Errc::invalid_argument, "a path is too long");
  std::string utf8;
  for (std::uint32_t i = 0; i < units; ++i) {
    std::uint32_t code = text[i];
    if (code >= kSurrogateHigh && code < kSurrogateEnd) {
      const std::uint32_t low = i + 1 < units ? text[i + 1] : 0;
      if (code >= kSurrogateLow || low < kSurrogateLow || low >= kSurrogateEnd) {
        return Error(Errc::invalid_argument, "a path has half a surrogate");
      }
      code = kPlaneOne + ((code - kSurrogateHigh) << 10) + (low - kSurrogateLow);
      ++i;
    }
    put_utf8(utf8, code);
  }
  return unescape_path(utf8);
}

}  // namespace stillframe::dedup
