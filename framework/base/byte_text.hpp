// Bytes as text that JSON can carry, and back without loss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe {

// The escape of byte_path.hpp without its limits: any length, and NUL (`\x00`) too. For what a
// writer or requestor hands over as opaque bytes. Mostly text, so that a reader of the document can
// still see what it is.
std::string escape_bytes(std::string_view bytes);
Result<std::string> unescape_bytes(std::string_view text);

// RFC 4648 base64 with padding, for pictures. Decoding refuses everything that encoding would not
// have made.
std::string to_base64(std::span<const std::uint8_t> bytes);
Result<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace stillframe
