#include "writers/dedup/volume/extent_map.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "framework/base/check.hpp"

namespace stillframe::dedup {

ExtentMap::ExtentMap(std::uint64_t file_bytes, Source source) : file_bytes_(file_bytes) {
  if (file_bytes > 0) starts_.emplace(0, source);
}

void ExtentMap::resize(std::uint64_t file_bytes) {
  const std::uint64_t before = std::exchange(file_bytes_, file_bytes);
  if (file_bytes < before) {
    starts_.erase(starts_.lower_bound(file_bytes), starts_.end());
  } else if (file_bytes > before) {
    starts_.emplace(before, Source::zero);
    set(before, file_bytes - before, Source::zero);  // one with the zeros before it
  }
}

// Makes an extent begin here.
void ExtentMap::split_at(std::uint64_t offset) {
  if (offset >= file_bytes_) return;
  const auto behind = starts_.upper_bound(offset);
  starts_.emplace_hint(behind, offset, std::prev(behind)->second);
}

void ExtentMap::set(std::uint64_t offset, std::uint64_t bytes, Source source) {
  STILLFRAME_CHECK(offset <= file_bytes_ && bytes <= file_bytes_ - offset,
                   "a range within its file");
  if (bytes == 0) return;
  split_at(offset);
  split_at(offset + bytes);
  const auto first = starts_.find(offset);
  first->second = source;
  const auto behind = starts_.erase(std::next(first), starts_.lower_bound(offset + bytes));
  if (behind != starts_.end() && behind->second == source) starts_.erase(behind);
  if (first != starts_.begin() && std::prev(first)->second == source) starts_.erase(first);
}

std::vector<Extent> ExtentMap::extents(std::uint64_t offset, std::uint64_t bytes) const {
  std::vector<Extent> found;
  const std::uint64_t end = std::min(file_bytes_, offset + std::min(bytes, file_bytes_));
  while (offset < end) {
    const auto behind = starts_.upper_bound(offset);
    const std::uint64_t until = behind == starts_.end() ? end : std::min(end, behind->first);
    found.push_back({offset, until - offset, std::prev(behind)->second});
    offset = until;
  }
  return found;
}

std::uint64_t ExtentMap::bytes_from(Source source) const {
  std::uint64_t bytes = 0;
  for (const Extent& extent : extents()) bytes += extent.source == source ? extent.bytes : 0;
  return bytes;
}

BlockWrite ExtentMap::plan_write(std::uint64_t offset, std::uint64_t bytes,
                                 std::uint64_t block_bytes) const {
  const std::uint64_t begin = offset & ~(block_bytes - 1);
  const std::uint64_t last_block = (offset + bytes - 1) & ~(block_bytes - 1);
  const std::uint64_t end = std::min(file_bytes_, last_block + block_bytes);
  BlockWrite plan;
  plan.local = {begin, end - begin, Source::local};
  const auto add = [&](std::uint64_t from, std::uint64_t to) {
    for (const Extent& extent : extents(from, to - from)) {
      if (extent.source != Source::local) plan.fill_first.push_back(extent);
    }
  };
  add(begin, offset);
  add(offset + bytes, end);
  return plan;
}

}  // namespace stillframe::dedup
