#include "framework/chunkstore/cut_loops.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace stillframe::chunkstore {

#ifdef __x86_64__
extern const CutLoops kAvx2CutLoops;
extern const CutLoops kAvx512CutLoops;
#endif

namespace {

std::size_t portable_find(const std::byte* data, std::size_t at, std::size_t end,
                          std::uint32_t below) {
  for (; at < end; ++at) {
    if (cut_hash(data + at - kCutWindowBytes) < below) return at;
  }
  return end;
}

constexpr CutLoops kPortable = {"portable", portable_find};

// How long a search without a result takes in the cache: the best of a few rounds, since whatever
// else the machine does only makes one slower.
std::chrono::nanoseconds time_of(const CutLoops& loops) {
  constexpr int kRounds = 6;
  static constexpr std::array<std::byte, 8192> kZeros{};
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    // The result is used, so that the search cannot be left out.
    if (loops.find(kZeros.data(), kCutWindowBytes, kZeros.size(), 1) != kZeros.size()) break;
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
  }
  return best;
}

const CutLoops& fastest() {
  const CutLoops* best = &kPortable;
  auto best_time = time_of(kPortable);
  for (const CutLoops* loops : all_cut_loops()) {
    const auto time = time_of(*loops);
    if (time < best_time) {
      best = loops;
      best_time = time;
    }
  }
  return *best;
}

}  // namespace

const CutLoops& portable_cut_loops() {
  return kPortable;
}

std::vector<const CutLoops*> all_cut_loops() {
  std::vector<const CutLoops*> all = {&kPortable};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) all.push_back(&kAvx2CutLoops);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    all.push_back(&kAvx512CutLoops);
  }
#endif
  return all;
}

const CutLoops& cut_loops() {
  static const CutLoops& chosen = fastest();
  return chosen;
}

}  // namespace stillframe::chunkstore
