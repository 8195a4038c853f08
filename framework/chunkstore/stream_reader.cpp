#include "framework/chunkstore/stream_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace stillframe::chunkstore {

namespace {

std::vector<std::uint64_t> ends_of(const StreamMap& map) {
  std::vector<std::uint64_t> ends;
  ends.reserve(map.extents.size());
  std::uint64_t end = 0;
  for (const Extent& extent : map.extents) ends.push_back(end += extent.bytes);
  return ends;
}

// The entry that has this byte, which is before the last end.
std::size_t entry_at(const std::vector<std::uint64_t>& ends, std::uint64_t offset) {
  return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), offset) -
                                  ends.begin());
}

}  // namespace

StreamReader::StreamReader(ChunkSource& source, StreamMap root)
    : source_(source), root_(std::move(root)), bytes_(root_.bytes()) {
  if (root_.level == 0) {
    part_ = root_;
    extent_ends_ = ends_of(part_);
  } else {
    part_ends_ = ends_of(root_);
  }
}

Status StreamReader::read(std::uint64_t offset, MutableBytes into) {
  if (offset > bytes_ || into.size() > bytes_ - offset) {
    return Error(Errc::truncated, "the stream ends at byte " + std::to_string(bytes_) +
                                      ", before " + std::to_string(offset) + " + " +
                                      std::to_string(into.size()));
  }
  while (!into.empty()) {
    if (Status s = load_part(offset); !s.ok()) return s;
    const std::uint64_t in_part = offset - part_begin_;
    const std::size_t at = entry_at(extent_ends_, in_part);
    const Extent& extent = part_.extents[at];
    const std::uint64_t skip = in_part - (extent_ends_[at] - extent.bytes);
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), extent.bytes - skip));
    if (Status s = read_extent(extent, skip, into.first(step)); !s.ok()) {
      return s.error().while_doing("read byte " + std::to_string(offset) + " of a stream");
    }
    offset += step;
    into = into.subspan(step);
  }
  return Ok{};
}

Status StreamReader::load_part(std::uint64_t offset) {
  if (!extent_ends_.empty() && offset >= part_begin_ &&
      offset - part_begin_ < extent_ends_.back()) {
    return Ok{};
  }
  const std::size_t at = entry_at(part_ends_, offset);
  const Extent& wanted = root_.extents[at];
  auto part = source_.read_map(wanted.chunk, 0);
  if (!part.ok()) return part.error();
  if (part.value().bytes() != wanted.bytes) {
    return Error(Errc::corrupt, "stream map: a part has another length than its root says");
  }
  part_ = std::move(part).value();
  part_begin_ = part_ends_[at] - wanted.bytes;
  extent_ends_ = ends_of(part_);
  return Ok{};
}

Status StreamReader::read_extent(const Extent& extent, std::uint64_t skip, MutableBytes into) {
  if (extent.chunk.container == 0) {
    std::fill(into.begin(), into.end(), std::byte{0});
    return Ok{};
  }
  const auto chunk = source_.read_chunk(extent.chunk);
  if (!chunk.ok()) return chunk.error();
  if (chunk.value().bytes.size() != extent.bytes ||
      fingerprint_tag(chunk.value().fingerprint) != extent.tag) {
    return Error(Errc::corrupt, "container " + std::to_string(extent.chunk.container) + ": chunk " +
                                    std::to_string(extent.chunk.local_id) +
                                    " is not the one that the stream map names");
  }
  std::memcpy(into.data(), chunk.value().bytes.data() + skip, into.size());
  return Ok{};
}

}  // namespace stillframe::chunkstore
