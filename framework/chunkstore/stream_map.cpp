#include "framework/chunkstore/stream_map.hpp"

#include <string>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint32_t kStreamMapSignature = 0x4d534653;  // SFSM
constexpr std::uint8_t kStreamMapVersion = 1;
constexpr std::size_t kHeaderBytes = 24, kEntryBytes = 16;

Error corrupt(const std::string& what) {
  return Error(Errc::corrupt, "stream map: " + what);
}

constexpr std::uint32_t entries_max(int level) {
  return level == 0 ? kMapExtentsMax : kMapPartsMax;
}

void put(std::byte* to, int level, const Extent& extent) {
  const auto low = static_cast<std::uint32_t>(extent.bytes);
  const auto high = static_cast<std::uint32_t>(extent.bytes >> 32);
  const bool zeros = extent.chunk.container == 0;
  store_le(to, extent.chunk.container);
  store_le(to + 4, zeros ? high : extent.chunk.local_id);
  store_le(to + 8, low);
  store_le(to + 12, level == 0 ? extent.tag : high);
}

Result<Extent> get(const std::byte* from, int level) {
  Extent extent;
  extent.chunk.container = load_le<std::uint32_t>(from);
  const auto second = load_le<std::uint32_t>(from + 4), last = load_le<std::uint32_t>(from + 12);
  extent.bytes = load_le<std::uint32_t>(from + 8);
  if (level == 1) {
    extent.chunk.local_id = second;
    extent.bytes |= std::uint64_t{last} << 32;
    if (extent.chunk.container == 0) return corrupt("a part is nowhere");
  } else if (extent.chunk.container == 0) {
    extent.bytes |= std::uint64_t{second} << 32;
    if (last != 0) return corrupt("a zero run has a fingerprint");
  } else {
    extent.chunk.local_id = second;
    extent.tag = last;
    if (extent.bytes > kChunkBytesMax) return corrupt("a chunk is too long");
  }
  if (extent.bytes == 0) return corrupt("an entry is empty");
  if (extent.chunk.container > kContainerIdMax || extent.chunk.local_id >= kContainerChunksMax) {
    return corrupt("an entry is of an impossible container");
  }
  return extent;
}

}  // namespace

std::uint64_t StreamMap::bytes() const {
  std::uint64_t sum = 0;
  for (const Extent& extent : extents) sum += extent.bytes;
  return sum;
}

std::uint32_t fingerprint_tag(const std::array<std::uint8_t, 32>& fingerprint) {
  return load_le<std::uint32_t>(reinterpret_cast<const std::byte*>(fingerprint.data()));
}

std::vector<std::byte> format_stream_map(const StreamMap& map) {
  STILLFRAME_CHECK(map.extents.size() <= entries_max(map.level), "a map has its limit");
  std::vector<std::byte> bytes(kHeaderBytes + map.extents.size() * kEntryBytes);
  std::byte* at = bytes.data();
  store_le(at, kStreamMapSignature);
  store_le(at + 4, kStreamMapVersion);
  store_le(at + 5, static_cast<std::uint8_t>(map.level));
  store_le(at + 6, static_cast<std::uint8_t>(map.kind));
  store_le(at + 7, static_cast<std::uint8_t>(static_cast<unsigned>(map.profile) << 4 |
                                             static_cast<unsigned>(map.cutting)));
  store_le(at + 8, map.bytes());
  store_le(at + 16, static_cast<std::uint32_t>(map.extents.size()));
  for (std::size_t i = 0; i < map.extents.size(); ++i) {
    put(at + kHeaderBytes + i * kEntryBytes, map.level, map.extents[i]);
  }
  return bytes;
}

Result<StreamMap> parse_stream_map(Bytes bytes) {
  if (bytes.size() < kHeaderBytes) return Error(Errc::truncated, "stream map: it ends early");
  const std::byte* at = bytes.data();
  if (load_le<std::uint32_t>(at) != kStreamMapSignature) return corrupt("it is none");
  if (load_le<std::uint8_t>(at + 4) != kStreamMapVersion) {
    return Error(Errc::future_version, "stream map: it is of another version");
  }
  const auto level = load_le<std::uint8_t>(at + 5), kind = load_le<std::uint8_t>(at + 6);
  const auto choice = load_le<std::uint8_t>(at + 7);
  const auto count = load_le<std::uint32_t>(at + 16);
  if (level > 1 || kind > 2 || (choice & 15) > 1 || (choice >> 4) > 2) {
    return corrupt("its header makes no sense");
  }
  if (count > entries_max(level) || bytes.size() != kHeaderBytes + count * kEntryBytes) {
    return corrupt("it has another length");
  }
  StreamMap map{level,
                static_cast<StreamKind>(kind),
                static_cast<Cutting>(choice & 15),
                static_cast<ChunkProfile>(choice >> 4),
                {}};
  map.extents.reserve(count);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto extent = get(at + kHeaderBytes + i * kEntryBytes, level);
    if (!extent.ok()) return extent.error();
    if (__builtin_add_overflow(sum, extent.value().bytes, &sum)) return corrupt("it is too long");
    map.extents.push_back(extent.value());
  }
  if (sum != load_le<std::uint64_t>(at + 8)) return corrupt("its entries do not add up");
  return map;
}

std::uint32_t stream_map_entries(std::uint64_t bytes) {
  return bytes <= kHeaderBytes ? 0
                               : static_cast<std::uint32_t>((bytes - kHeaderBytes) / kEntryBytes);
}

}  // namespace stillframe::chunkstore
