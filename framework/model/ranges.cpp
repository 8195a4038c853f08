#include "framework/model/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "framework/model/path_text.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kCountBytes = 8, kRangeBytes = 16;

std::string describe(const ByteRange& range) {
  return std::to_string(range.offset) + ":" + std::to_string(range.length);
}

Error refused(std::string_view text, std::size_t at, std::string_view why) {
  constexpr std::size_t kShownBytesMax = 40;
  return {Errc::invalid_argument, "ranges at character " + std::to_string(at) + ", '" +
                                      escape_path(text.substr(at, kShownBytesMax)) +
                                      "': " + std::string(why)};
}

// Reads one number at `at` and moves behind it.
Result<std::uint64_t> read_number(std::string_view text, std::size_t& at) {
  const bool hexadecimal = text.substr(at).starts_with("0x") || text.substr(at).starts_with("0X");
  const char* begin = text.data() + at + (hexadecimal ? 2 : 0);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(begin, text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (error == std::errc::result_out_of_range) {
    return refused(text, at, "the number does not fit 64 bits");
  }
  if (error != std::errc()) return refused(text, at, "expected a number");
  at = static_cast<std::size_t>(end - text.data());
  return value;
}

void append_u64(std::string& out, std::uint64_t value) {
  for (int byte = 0; byte < 8; ++byte) out += static_cast<char>(value >> (8 * byte) & 0xff);
}

std::uint64_t read_u64(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t byte = 0; byte < 8; ++byte) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + byte])} << (8 * byte);
  }
  return value;
}

}  // namespace

Status check_ranges(std::span<const ByteRange> ranges) {
  if (ranges.size() > kRangesMax) {
    return Error(Errc::limit_reached, std::to_string(ranges.size()) +
                                          " ranges are more than the limit of " +
                                          std::to_string(kRangesMax));
  }
  for (const ByteRange& range : ranges) {
    if (range.length == 0) {
      return Error(Errc::invalid_argument, "range " + describe(range) + " is empty");
    }
    if (range.offset > std::numeric_limits<std::uint64_t>::max() - range.length) {
      return Error(Errc::invalid_argument, "range " + describe(range) + " ends beyond 64 bits");
    }
  }
  std::vector<ByteRange> sorted(ranges.begin(), ranges.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1].offset + sorted[i - 1].length > sorted[i].offset) {
      return Error(Errc::invalid_argument, "ranges " + describe(sorted[i - 1]) + " and " +
                                               describe(sorted[i]) + " overlap");
    }
  }
  return Ok{};
}

Result<std::vector<ByteRange>> parse_ranges(std::string_view text) {
  std::vector<ByteRange> ranges;
  for (std::size_t at = 0;;) {
    auto offset = read_number(text, at);
    if (!offset.ok()) return offset.error();
    if (at >= text.size() || text[at] != ':') return refused(text, at, "expected ':'");
    ++at;
    auto length = read_number(text, at);
    if (!length.ok()) return length.error();
    ranges.push_back({offset.value(), length.value()});
    if (ranges.size() > kRangesMax) return refused(text, at, "too many ranges");
    if (at == text.size()) break;
    if (text[at] != ',') return refused(text, at, "expected ',' or the end");
    ++at;
  }
  if (Status s = check_ranges(ranges); !s.ok()) return s.error();
  return ranges;
}

std::string format_ranges(std::span<const ByteRange> ranges) {
  std::string text;
  for (const ByteRange& range : ranges) {
    if (!text.empty()) text += ',';
    text += describe(range);
  }
  return text;
}

Result<RangesOrFile> parse_ranges_or_file(std::string_view text) {
  constexpr std::string_view kFile = "File=";
  std::string_view path = text;
  if (path.starts_with(kFile)) path.remove_prefix(kFile.size());
  if (path.starts_with('/')) {
    if (path.size() > kBytePathBytesMax || !is_plain_absolute(path)) {
      return refused(text, 0, "a ranges file is named by a plain absolute path");
    }
    return RangesOrFile(BytePath(path));
  }
  auto ranges = parse_ranges(text);
  if (!ranges.ok()) return ranges.error();
  return RangesOrFile(std::move(ranges).value());
}

std::string encode_ranges_file(std::span<const ByteRange> ranges) {
  std::string bytes;
  bytes.reserve(kCountBytes + ranges.size() * kRangeBytes);
  append_u64(bytes, ranges.size());
  for (const ByteRange& range : ranges) {
    append_u64(bytes, range.offset);
    append_u64(bytes, range.length);
  }
  return bytes;
}

Result<std::vector<ByteRange>> decode_ranges_file(std::string_view bytes) {
  if (bytes.size() < kCountBytes) {
    return Error(Errc::truncated, "a ranges file of " + std::to_string(bytes.size()) +
                                      " bytes ends inside its count");
  }
  const std::uint64_t count = read_u64(bytes, 0);
  if (count > kRangesMax) {
    return Error(Errc::corrupt, "a ranges file says it holds " + std::to_string(count) +
                                    " ranges; the limit is " + std::to_string(kRangesMax));
  }
  const std::size_t expected = kCountBytes + static_cast<std::size_t>(count) * kRangeBytes;
  if (bytes.size() != expected) {
    return Error(bytes.size() < expected ? Errc::truncated : Errc::corrupt,
                 "a ranges file of " + std::to_string(count) + " ranges must have " +
                     std::to_string(expected) + " bytes and has " + std::to_string(bytes.size()));
  }
  std::vector<ByteRange> ranges(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i].offset = read_u64(bytes, kCountBytes + i * kRangeBytes);
    ranges[i].length = read_u64(bytes, kCountBytes + i * kRangeBytes + 8);
  }
  if (Status s = check_ranges(ranges); !s.ok()) {
    return Error(Errc::corrupt, "a ranges file: " + s.error().what());
  }
  return ranges;
}

}  // namespace stillframe
