#include "writers/dedup/restore/read_plan.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kPlanEnd = std::numeric_limits<std::int64_t>::max();

using TakenParts = std::map<std::uint64_t, std::uint64_t>;  // begin to end

bool overlaps(const TakenParts& taken, ByteRange part) {
  const auto after = taken.lower_bound(part.end);
  return after != taken.begin() && std::prev(after)->second > part.begin;
}

}  // namespace

std::vector<PlanStep> make_read_plan(std::size_t containers,
                                     std::span<const DEDUP_CONTAINER_EXTENT> answered) {
  std::vector<PlanStep> steps;
  std::vector<TakenParts> taken(containers);
  for (const DEDUP_CONTAINER_EXTENT& entry : answered) {
    if (entry.ContainerIndex >= containers || entry.StartOffset < 0 || entry.Length <= 0) continue;
    const auto begin = static_cast<std::uint64_t>(entry.StartOffset);
    const ByteRange part{
        begin, begin + std::min(static_cast<std::uint64_t>(entry.Length), kPlanEnd - begin)};
    if (part.bytes() == 0 || overlaps(taken[entry.ContainerIndex], part)) continue;
    taken[entry.ContainerIndex][part.begin] = part.end;
    steps.push_back({entry.ContainerIndex, part});
  }
  for (std::size_t i = 0; i < containers; ++i) {
    std::uint64_t at = 0;
    for (const auto& [begin, end] : taken[i]) {
      if (begin > at) steps.push_back({i, {at, begin}});
      at = end;
    }
    if (at < kPlanEnd) steps.push_back({i, {at, kPlanEnd}});
  }
  return steps;
}

std::vector<DDP_FILE_EXTENT> reads_in(std::span<const ByteRange> needed, ByteRange part,
                                      std::uint64_t read_bytes_max) {
  std::vector<DDP_FILE_EXTENT> reads;
  auto at = std::upper_bound(
      needed.begin(), needed.end(), part.begin,
      [](std::uint64_t offset, const ByteRange& range) { return offset < range.end; });
  for (; at != needed.end() && at->begin < part.end; ++at) {
    std::uint64_t begin = std::max(at->begin, part.begin);
    const std::uint64_t end = std::min(at->end, part.end);
    while (begin < end) {
      const bool goes_on =
          !reads.empty() &&
          static_cast<std::uint64_t>(reads.back().Offset + reads.back().Length) == begin &&
          static_cast<std::uint64_t>(reads.back().Length) < read_bytes_max;
      const std::uint64_t room =
          read_bytes_max - (goes_on ? static_cast<std::uint64_t>(reads.back().Length) : 0);
      const auto bytes = static_cast<std::int64_t>(std::min(room, end - begin));
      if (goes_on) {
        reads.back().Length += bytes;
      } else {
        reads.push_back({bytes, static_cast<std::int64_t>(begin)});
      }
      begin += static_cast<std::uint64_t>(bytes);
    }
  }
  return reads;
}

}  // namespace stillframe::dedup
