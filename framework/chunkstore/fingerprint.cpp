#include "framework/chunkstore/fingerprint.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::array<std::uint32_t, kHashWords> kInitial = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// One message in a lane: its whole blocks where they lie, then the end with its padding.
struct Lane {
  std::size_t chunk = 0;
  const std::byte* next = nullptr;
  std::size_t blocks = 0;  // left at `next`
  bool in_end = false;
  bool active = false;
  std::size_t end_blocks = 0;
  std::array<std::byte, 2 * kHashBlockBytes> end;
};

class SideBySide {
 public:
  SideBySide(std::span<const Bytes> chunks, std::span<Fingerprint> into, const HashLoops& loops)
      : chunks_(chunks), into_(into), loops_(loops), order_(chunks.size()) {
    // The longest first, so that no lane is left alone with one at the end.
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(),
              [&](std::size_t a, std::size_t b) { return chunks_[a].size() > chunks_[b].size(); });
  }

  void run() {
    for (std::size_t i = 0; i < loops_.lanes; ++i) begin_next(i);
    while (active_ > 0) step();
  }

 private:
  void begin_next(std::size_t lane) {
    Lane& it = lanes_[lane];
    it.active = next_ < order_.size();
    if (!it.active) return;
    ++active_;
    it.chunk = order_[next_++];
    const Bytes chunk = chunks_[it.chunk];
    const std::size_t rest = chunk.size() % kHashBlockBytes;
    it.next = chunk.data();
    it.blocks = chunk.size() / kHashBlockBytes;
    it.in_end = false;
    it.end_blocks = rest + 9 > kHashBlockBytes ? 2 : 1;  // 0x80 and the length must fit
    it.end.fill(std::byte{0});
    if (rest > 0) std::memcpy(it.end.data(), chunk.data() + chunk.size() - rest, rest);
    it.end[rest] = std::byte{0x80};
    store_be<std::uint64_t>(it.end.data() + it.end_blocks * kHashBlockBytes - 8,
                            std::uint64_t{chunk.size()} * 8);
    for (std::size_t w = 0; w < kHashWords; ++w) state_[w * loops_.lanes + lane] = kInitial[w];
    if (it.blocks == 0) begin_end(it);
  }

  static void begin_end(Lane& lane) {
    lane.in_end = true;
    lane.next = lane.end.data();
    lane.blocks = lane.end_blocks;
  }

  // As far as the lane that is done first.
  void step() {
    std::size_t blocks = SIZE_MAX;
    const Lane* any = nullptr;
    for (std::size_t i = 0; i < loops_.lanes; ++i) {
      if (!lanes_[i].active) continue;
      blocks = std::min(blocks, lanes_[i].blocks);
      any = &lanes_[i];
    }
    std::array<const std::byte*, kHashLanesMax> messages;
    for (std::size_t i = 0; i < loops_.lanes; ++i) {
      messages[i] =
          lanes_[i].active ? lanes_[i].next : any->next;  // an idle lane's sum is nobody's
    }
    loops_.compress(state_.data(), messages.data(), blocks);
    for (std::size_t i = 0; i < loops_.lanes; ++i) {
      if (lanes_[i].active) advance(i, blocks);
    }
  }

  void advance(std::size_t lane, std::size_t blocks) {
    Lane& it = lanes_[lane];
    it.next += blocks * kHashBlockBytes;
    it.blocks -= blocks;
    if (it.blocks > 0) return;
    if (!it.in_end) return begin_end(it);
    for (std::size_t w = 0; w < kHashWords; ++w) {
      store_be(reinterpret_cast<std::byte*>(into_[it.chunk].data()) + 4 * w,
               state_[w * loops_.lanes + lane]);
    }
    --active_;
    begin_next(lane);
  }

  const std::span<const Bytes> chunks_;
  const std::span<Fingerprint> into_;
  const HashLoops& loops_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0, active_ = 0;
  std::array<Lane, kHashLanesMax> lanes_;
  std::array<std::uint32_t, kHashWords * kHashLanesMax> state_{};
};

}  // namespace

void fingerprints(std::span<const Bytes> chunks, std::span<Fingerprint> into,
                  const HashLoops& loops) {
  STILLFRAME_CHECK(chunks.size() == into.size(), "each chunk has a place for its fingerprint");
  // With most lanes idle, fewer of them are faster.
  if (loops.lanes > 2 && chunks.size() * 3 <= loops.lanes) {
    return fingerprints(chunks, into, narrow_hash_loops());
  }
  if (loops.compress != nullptr && chunks.size() > 1) {
    return SideBySide(chunks, into, loops).run();
  }
  Sha256 sum;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    sum.reset();
    sum.update(chunks[i]);
    into[i] = sum.finish();
  }
}

}  // namespace stillframe::chunkstore
