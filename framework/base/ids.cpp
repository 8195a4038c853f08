#include <cstring>

#include <uuid/uuid.h>

#include <stillframe/ids.hpp>

namespace stillframe {
namespace {

constexpr std::size_t kUuidTextBytes = 36;

}  // namespace

UuidBytes generate_uuid() {
  UuidBytes bytes;
  uuid_generate_random(bytes.data());
  return bytes;
}

std::string uuid_to_string(const UuidBytes& bytes) {
  char text[kUuidTextBytes + 1];
  uuid_unparse_lower(bytes.data(), text);
  return {text, kUuidTextBytes};
}

Result<UuidBytes> parse_uuid(std::string_view text) {
  std::string_view inner = text;
  if (inner.size() == kUuidTextBytes + 2 && inner.front() == '{' && inner.back() == '}') {
    inner = inner.substr(1, kUuidTextBytes);
  }
  UuidBytes bytes;
  if (inner.size() == kUuidTextBytes) {
    char terminated[kUuidTextBytes + 1] = {};
    std::memcpy(terminated, inner.data(), kUuidTextBytes);
    if (uuid_parse(terminated, bytes.data()) == 0) return bytes;
  }
  // An id comes from a person, a peer or a file: show no more of it than fits a line.
  constexpr std::size_t kShownBytesMax = 64;
  return Error(Errc::invalid_argument,
               "'" + std::string(text.substr(0, kShownBytesMax)) +
                   "' is no id: expected 8-4-4-4-12 hexadecimal digits, such as " +
                   "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
}

}  // namespace stillframe
