#include "framework/chunkstore/chunk_index.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/bytes.hpp"
#include "framework/base/check.hpp"
#include "framework/chunkstore/names.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr unsigned kContainerBits = 24;
constexpr std::uint64_t kContainerMask = (1u << kContainerBits) - 1;
constexpr std::size_t kSlotsMin = 64;

// The 40 bits behind the byte that chooses the shard, in the upper part of an entry.
std::uint64_t tag_of(const Fingerprint& fingerprint) {
  return load_be<std::uint64_t>(reinterpret_cast<const std::byte*>(fingerprint.data() + 1)) &
         ~kContainerMask;
}

// Any number of slots will do, so that a table need not double; and an entry alone says where it
// belongs, so that growing reads no footer.
std::size_t home(std::uint64_t entry, std::size_t slots) {
  return static_cast<std::size_t>((entry >> 32) * slots >> 32);
}

}  // namespace

void ChunkIndex::insert(const Fingerprint& fingerprint, std::uint32_t container) {
  STILLFRAME_CHECK(container > 0 && container <= kContainerIdMax, "the index has 24 bits for it");
  Shard& shard = shards_[fingerprint[0]];
  if ((shard.used + 1) * 8 > shard.slots.size() * 7) grow(shard);
  place(shard.slots, tag_of(fingerprint) | container);
  ++shard.used;
}

std::vector<std::uint32_t> ChunkIndex::candidates(const Fingerprint& fingerprint) const {
  const Shard& shard = shards_[fingerprint[0]];
  std::vector<std::uint32_t> found;
  if (shard.slots.empty()) return found;
  const std::uint64_t tag = tag_of(fingerprint);
  for (std::size_t at = home(tag, shard.slots.size()); shard.slots[at] != 0;) {
    if ((shard.slots[at] & ~kContainerMask) == tag) {
      found.push_back(static_cast<std::uint32_t>(shard.slots[at] & kContainerMask));
    }
    if (++at == shard.slots.size()) at = 0;
  }
  return found;
}

// What lies behind a free slot would not be found: entries that are not at home move up.
void ChunkIndex::remove(const Fingerprint& fingerprint, std::uint32_t container) {
  Shard& shard = shards_[fingerprint[0]];
  std::vector<std::uint64_t>& slots = shard.slots;
  if (slots.empty()) return;
  const std::uint64_t entry = tag_of(fingerprint) | container;
  const auto next = [&](std::size_t at) { return at + 1 == slots.size() ? 0 : at + 1; };
  std::size_t free = home(entry, slots.size());
  while (slots[free] != entry) {
    if (slots[free] == 0) return;
    free = next(free);
  }
  --shard.used;
  const auto from_home = [&](std::size_t at) {
    const std::size_t begin = home(slots[at], slots.size());
    return at >= begin ? at - begin : at + slots.size() - begin;
  };
  std::size_t gap = 0;
  for (std::size_t at = next(free); slots[at] != 0; at = next(at)) {
    ++gap;
    if (from_home(at) < gap) continue;
    slots[free] = slots[at];
    free = at;
    gap = 0;
  }
  slots[free] = 0;
}

std::uint64_t ChunkIndex::size() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.used;
  return sum;
}

std::uint64_t ChunkIndex::memory_bytes() const {
  std::uint64_t sum = sizeof *this;
  for (const Shard& shard : shards_) sum += shard.slots.capacity() * sizeof(std::uint64_t);
  return sum;
}

void ChunkIndex::grow(Shard& shard) {
  std::vector<std::uint64_t> slots(std::max(kSlotsMin, shard.slots.size() * 5 / 4));
  for (const std::uint64_t entry : shard.slots) {
    if (entry != 0) place(slots, entry);
  }
  shard.slots = std::move(slots);
}

void ChunkIndex::place(std::vector<std::uint64_t>& slots, std::uint64_t entry) {
  std::size_t at = home(entry, slots.size());
  while (slots[at] != 0) {
    if (++at == slots.size()) at = 0;
  }
  slots[at] = entry;
}

}  // namespace stillframe::chunkstore
