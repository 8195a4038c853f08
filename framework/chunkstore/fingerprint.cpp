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

constexpr std::size_t kNarrowLanes = 2;  // of narrow_hash_loops(), at most

// With most lanes idle, fewer of them are faster: SHA instructions when half are, measured where
// both are there, and one message after the other when two thirds are.
bool has_too_few(std::size_t messages, const HashLoops& loops, const HashLoops& narrow) {
  return narrow.lanes < loops.lanes &&
         messages * (narrow.compress != nullptr ? 2 : 3) <= loops.lanes;
}

// Those for too few, or the same. Does not ask which are fast while that is being found out.
const HashLoops& narrow_for(const HashLoops& loops) {
  return loops.lanes > kNarrowLanes ? narrow_hash_loops() : loops;
}

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
    const HashLoops& narrow = narrow_for(loops_);
    while (active_ > 0) {
      if (narrow.compress != nullptr && has_too_few(active_, loops_, narrow)) {
        step_narrow(narrow);
      } else {
        step();
      }
    }
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

  // The same for a few lanes, with loops that have no more.
  void step_narrow(const HashLoops& narrow) {
    std::array<std::size_t, kNarrowLanes> lanes;
    std::size_t count = 0, blocks = SIZE_MAX;
    for (std::size_t i = 0; i < loops_.lanes && count < narrow.lanes; ++i) {
      if (!lanes_[i].active) continue;
      lanes[count++] = i;
      blocks = std::min(blocks, lanes_[i].blocks);
    }
    for (std::size_t k = count; k < narrow.lanes; ++k) lanes[k] = lanes[0];  // its sum is nobody's
    std::array<const std::byte*, kNarrowLanes> messages;
    std::array<std::uint32_t, kHashWords * kNarrowLanes> state;
    for (std::size_t k = 0; k < narrow.lanes; ++k) {
      messages[k] = lanes_[lanes[k]].next;
      for (std::size_t w = 0; w < kHashWords; ++w) {
        state[w * narrow.lanes + k] = state_[w * loops_.lanes + lanes[k]];
      }
    }
    narrow.compress(state.data(), messages.data(), blocks);
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t w = 0; w < kHashWords; ++w) {
        state_[w * loops_.lanes + lanes[k]] = state[w * narrow.lanes + k];
      }
      advance(lanes[k], blocks);
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
  const HashLoops& narrow = narrow_for(loops);
  if (has_too_few(chunks.size(), loops, narrow)) return fingerprints(chunks, into, narrow);
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
