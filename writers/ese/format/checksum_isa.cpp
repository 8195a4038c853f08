#include "writers/ese/format/checksum_isa.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

#ifdef __x86_64__
extern const ChecksumLoops kAvx2ChecksumLoops;
extern const ChecksumLoops kAvx512ChecksumLoops;
#endif

namespace {

constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kChecksumWords = 2;

Parities portable_parities(const std::byte* block, std::size_t bytes, bool skip_checksum) {
  Parities sum;
  for (std::size_t i = skip_checksum ? kChecksumWords : 0; i < bytes / kWordBytes; ++i) {
    const auto word = load_le<std::uint32_t>(block + i * kWordBytes);
    sum.words ^= word;
    if (std::popcount(word) % 2 != 0) sum.odd_indexes ^= static_cast<std::uint32_t>(i);
  }
  return sum;
}

std::uint32_t portable_xor_words(const std::byte* from, std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += kWordBytes) sum ^= load_le<std::uint32_t>(from + at);
  return sum;
}

constexpr ChecksumLoops kPortable = {"portable", kWordBytes, portable_parities, portable_xor_words};

// How long the sums of some pages in the cache take: the best of a few rounds, since whatever else
// the machine does only makes one slower.
std::chrono::nanoseconds time_of(const ChecksumLoops& loops) {
  constexpr int kRounds = 8, kPages = 16;
  alignas(64) std::array<std::byte, 4096> page{};
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kPages; ++i) {
      const Parities sum = loops.parities(page.data(), page.size(), true);
      page[64] ^= static_cast<std::byte>(1 + sum.words);  // the next sum cannot begin before
    }
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
  }
  return best;
}

const ChecksumLoops& fastest() {
  const ChecksumLoops* avx2 = avx2_checksum_loops();
  const ChecksumLoops* avx512 = avx512_checksum_loops();
  if (avx2 == nullptr) return avx512 == nullptr ? kPortable : *avx512;
  return avx512 == nullptr ? *avx2 : clearly_faster(*avx512, *avx2);
}

}  // namespace

const ChecksumLoops& portable_checksum_loops() {
  return kPortable;
}

#ifdef __x86_64__
const ChecksumLoops* avx2_checksum_loops() {
  return __builtin_cpu_supports("avx2") ? &kAvx2ChecksumLoops : nullptr;
}

const ChecksumLoops* avx512_checksum_loops() {
  return __builtin_cpu_supports("avx512f") ? &kAvx512ChecksumLoops : nullptr;
}
#else
const ChecksumLoops* avx2_checksum_loops() {
  return nullptr;
}

const ChecksumLoops* avx512_checksum_loops() {
  return nullptr;
}
#endif

// A tenth: less may be chance, and wide vectors slow the clock of some processors down for whatever
// runs beside them.
const ChecksumLoops& clearly_faster(const ChecksumLoops& candidate, const ChecksumLoops& safe) {
  return time_of(candidate) * 10 < time_of(safe) * 9 ? candidate : safe;
}

const ChecksumLoops& checksum_loops() {
  static const ChecksumLoops& chosen = fastest();
  return chosen;
}

}  // namespace stillframe::ese
