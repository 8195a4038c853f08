#include "framework/chunkstore/cut_loops.hpp"

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
  static const CutLoops& chosen = *all_cut_loops().back();
  return chosen;
}

}  // namespace stillframe::chunkstore
