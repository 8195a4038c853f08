#include <algorithm>
#include <chrono>
#include <vector>

#include "writers/ese/bench/measure.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/checksum_isa.hpp"

namespace stillframe::ese::bench {

namespace {

constexpr std::size_t kBytes = std::size_t{256} << 20;  // far beyond any cache
constexpr std::size_t kPageBytes = 8192;
constexpr int kRounds = 5;

// The best of some rounds: what else the machine does only makes one slower.
template <class Sweep>
double best_of(const Sweep& sweep) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    sweep();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kBytes) / took.count() / 1e9);
  }
  return best;
}

volatile std::uint64_t sink = 0;  // keeps sums from being left out

}  // namespace

PageVerification measure_verification() {
  std::vector<std::byte> memory(kBytes);
  Chance chance(3);
  for (std::size_t at = 0; at < kBytes; at += 8) {
    store_le(memory.data() + at, chance.below(~std::uint64_t{0}));
  }
  const ChecksumLoops& loops = checksum_loops();
  PageVerification found;
  found.sweep = best_of([&] { sink = sink + loops.xor_words(memory.data(), kBytes); });
  found.verify = best_of([&] {
    std::uint64_t good = 0;
    for (std::size_t at = 0; at < kBytes; at += kPageBytes) {
      good ^= ecc_checksum(loops, Bytes(memory).subspan(at, kPageBytes), 1, true);
    }
    sink = sink + good;
  });
  return found;
}

}  // namespace stillframe::ese::bench
