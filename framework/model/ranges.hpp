// Byte ranges of a file, as text and as the content of a ranges file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <stillframe/backup_document.hpp>

namespace stillframe {

inline constexpr std::size_t kRangesMax = 64u << 20;  // in one list: 1 GiB of ranges file

// Refuses (invalid_argument) empty ranges, ends beyond 2^64 - 1 and ranges that overlap. Order is
// free: it says which source range goes to which destination range.
Status check_ranges(std::span<const ByteRange> ranges);

// "0:4096,0x200000:65536": offset and length, decimal or 0x hexadecimal. No spaces.
Result<std::vector<ByteRange>> parse_ranges(std::string_view text);
std::string format_ranges(std::span<const ByteRange> ranges);

// What a program written for Windows hands over: ranges, or the full path of a ranges file, with or
// without `File=` before it.
using RangesOrFile = std::variant<std::vector<ByteRange>, BytePath>;
Result<RangesOrFile> parse_ranges_or_file(std::string_view text);

// A ranges file: u64 count, then count pairs of u64 offset and length, little endian, nothing
// behind them. truncated when it ends early, corrupt for anything else that is wrong.
std::string encode_ranges_file(std::span<const ByteRange> ranges);
Result<std::vector<ByteRange>> decode_ranges_file(std::string_view bytes);

}  // namespace stillframe
