// Paths are bytes. Documents and messages are UTF-8, so a path goes through this escape there and
// back unchanged.
#pragma once

#include <string>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe {

// A path or file name as the kernel sees it: any bytes but NUL, not necessarily UTF-8.
using BytePath = std::string;

inline constexpr std::size_t kBytePathBytesMax = 4096;

// Valid UTF-8 stays as it is, except that a backslash becomes `\\`, a control character (below
// 0x20, and 0x7f) becomes `\xHH`, and each byte that is not part of a valid UTF-8 sequence becomes
// `\xHH` (two lower-case digits). The result is valid UTF-8 on one line, and two paths never share
// one.
std::string escape_path(std::string_view bytes);

// The inverse. Refuses (invalid_argument) a dangling or unknown escape, a NUL, a byte escape that
// escape_path() would not have made, and results longer than kBytePathBytesMax.
Result<BytePath> unescape_path(std::string_view text);

}  // namespace stillframe
