// Compiled for the SHA instructions: nothing here may run before the processor was asked for them.
#include <array>

#include <immintrin.h>

#include "framework/chunkstore/hash_kernel.hpp"

namespace stillframe::chunkstore {

namespace {

// Each of these instructions waits for the one before it; a second message fills the wait.
constexpr std::size_t kLanes = 2;

struct Lane {
  __m128i abef, cdgh;
  __m128i words[4];  // the next sixteen of the schedule
};

// From and to the order of the standard.
Lane load_state(const std::uint32_t* state, std::size_t lane) {
  const auto word = [&](std::size_t w) { return static_cast<int>(state[w * kLanes + lane]); };
  return {_mm_set_epi32(word(0), word(1), word(4), word(5)),
          _mm_set_epi32(word(2), word(3), word(6), word(7)),
          {}};
}

void store_state(const Lane& it, std::uint32_t* state, std::size_t lane) {
  alignas(16) std::array<std::uint32_t, 4> abef, cdgh;
  _mm_store_si128(reinterpret_cast<__m128i*>(abef.data()), it.abef);
  _mm_store_si128(reinterpret_cast<__m128i*>(cdgh.data()), it.cdgh);
  const std::uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2],
                                  abef[1], abef[0], cdgh[1], cdgh[0]};
  for (std::size_t w = 0; w < kHashWords; ++w) state[w * kLanes + lane] = words[w];
}

[[gnu::always_inline]] inline void load_words(Lane& it, const std::byte* block) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  unrolled<4>([&](auto i) __attribute__((always_inline)) {
    const auto* from = reinterpret_cast<const __m128i*>(block + 16 * i);
    it.words[i] = _mm_shuffle_epi8(_mm_loadu_si128(from), swap);
  });
}

// Four rounds, the `kStep`th such, and the words that are wanted sixteen rounds later.
template <std::size_t kStep>
[[gnu::always_inline]] inline void four_rounds(Lane& it) {
  __m128i& first = it.words[kStep % 4];
  const auto* constants = reinterpret_cast<const __m128i*>(kRoundConstants + 4 * kStep);
  __m128i sum = _mm_add_epi32(first, _mm_loadu_si128(constants));
  it.cdgh = _mm_sha256rnds2_epu32(it.cdgh, it.abef, sum);
  sum = _mm_shuffle_epi32(sum, 0x0e);
  it.abef = _mm_sha256rnds2_epu32(it.abef, it.cdgh, sum);
  if constexpr (kStep < 12) {
    const __m128i &second = it.words[(kStep + 1) % 4], &third = it.words[(kStep + 2) % 4];
    const __m128i& last = it.words[(kStep + 3) % 4];
    first = _mm_add_epi32(_mm_sha256msg1_epu32(first, second), _mm_alignr_epi8(last, third, 4));
    first = _mm_sha256msg2_epu32(first, last);
  }
}

void compress(std::uint32_t* state, const std::byte* const* messages, std::size_t blocks) {
  Lane a = load_state(state, 0), b = load_state(state, 1);
  for (std::size_t block = 0; block < blocks; ++block) {
    const Lane a_before = a, b_before = b;
    load_words(a, messages[0] + block * kHashBlockBytes);
    load_words(b, messages[1] + block * kHashBlockBytes);
    unrolled<16>([&](auto step) __attribute__((always_inline)) {
      four_rounds<step>(a);
      four_rounds<step>(b);
    });
    a.abef = _mm_add_epi32(a.abef, a_before.abef);
    a.cdgh = _mm_add_epi32(a.cdgh, a_before.cdgh);
    b.abef = _mm_add_epi32(b.abef, b_before.abef);
    b.cdgh = _mm_add_epi32(b.cdgh, b_before.cdgh);
  }
  store_state(a, state, 0);
  store_state(b, state, 1);
}

}  // namespace

extern const HashLoops kShaHashLoops;
const HashLoops kShaHashLoops = {"sha", kLanes, compress};

}  // namespace stillframe::chunkstore
