#include <stillframe/byte_path.hpp>

#include "framework/base/byte_text.hpp"

namespace stillframe {
namespace {

Error too_long(std::size_t bytes) {
  return {Errc::invalid_argument, "a path of " + std::to_string(bytes) +
                                      " bytes is longer than the limit of " +
                                      std::to_string(kBytePathBytesMax)};
}

}  // namespace

std::string escape_path(std::string_view bytes) {
  return escape_bytes(bytes);
}

Result<BytePath> unescape_path(std::string_view text) {
  // A byte takes at most four characters, so anything longer cannot fit: do not build it.
  if (text.size() > 4 * kBytePathBytesMax) return too_long(text.size() / 4);
  auto bytes = unescape_bytes(text);
  if (!bytes.ok()) return bytes;
  if (bytes.value().size() > kBytePathBytesMax) return too_long(bytes.value().size());
  if (bytes.value().find('\0') != std::string::npos) {
    return Error(Errc::invalid_argument,
                 "escaped path '" + escape_bytes(text.substr(0, 80)) + "' holds a NUL byte");
  }
  return bytes;
}

}  // namespace stillframe
