#include "framework/chunkstore/hash_loops.hpp"

#include <algorithm>
#include <chrono>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "framework/chunkstore/fingerprint.hpp"

namespace stillframe::chunkstore {

#ifdef __x86_64__
extern const HashLoops kAvx2HashLoops;
extern const HashLoops kAvx512HashLoops;
extern const HashLoops kShaHashLoops;
#endif

namespace {

constexpr HashLoops kSingle = {"single", 1, nullptr};

// How long the fingerprints of some chunks in the cache take: the best of a few rounds, since
// whatever else the machine does only makes one slower.
std::chrono::nanoseconds time_of(const HashLoops& loops) {
  constexpr int kRounds = 4;
  constexpr std::size_t kBytes = 1024;
  static constexpr std::array<std::byte, kBytes> kChunk{};
  const std::vector<Bytes> chunks(kHashLanesMax, Bytes(kChunk));
  std::vector<Fingerprint> into(chunks.size());
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    fingerprints(chunks, into, loops);
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
  }
  return best;
}

#ifdef __x86_64__
// Compilers of different ages have different names for it, or none.
bool has_sha_instructions() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx >> 29 & 1) != 0 &&
         __builtin_cpu_supports("sse4.1") != 0;
}
#endif

const HashLoops& fastest(std::size_t lanes_max) {
  const HashLoops* best = nullptr;
  auto best_time = std::chrono::nanoseconds::max();
  for (const HashLoops* loops : all_hash_loops()) {
    if (loops->lanes > lanes_max) continue;
    const auto time = time_of(*loops);
    if (time < best_time) {
      best = loops;
      best_time = time;
    }
  }
  return *best;
}

}  // namespace

const HashLoops& single_hash_loops() {
  return kSingle;
}

std::vector<const HashLoops*> all_hash_loops() {
  std::vector<const HashLoops*> all = {&kSingle};
#ifdef __x86_64__
  if (has_sha_instructions()) all.push_back(&kShaHashLoops);
  if (__builtin_cpu_supports("avx2")) all.push_back(&kAvx2HashLoops);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    all.push_back(&kAvx512HashLoops);
  }
#endif
  return all;
}

const HashLoops& hash_loops() {
  static const HashLoops& chosen = fastest(kHashLanesMax);
  return chosen;
}

const HashLoops& narrow_hash_loops() {
  static const HashLoops& chosen = fastest(2);
  return chosen;
}

}  // namespace stillframe::chunkstore
