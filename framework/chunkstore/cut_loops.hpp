// The loop that looks for places to cut, for one instruction set each. cut.hpp chooses; tests and
// benchmarks name one. All find the same places: docs/formats/chunk-store.md defines the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "framework/base/bytes.hpp"

namespace stillframe::chunkstore {

// A cut between two bytes is judged by the sixteen before it.
constexpr std::size_t kCutWindowBytes = 16;

// Odd, so that no byte of the window is lost. The sum's constant keeps a window of zeros, and with
// it the inside of every zero run, far above all thresholds.
constexpr std::uint32_t kCutFactors[4] = {0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f};
constexpr std::uint32_t kCutConstant = 0xa5b35705;

// The hash of the window that starts at `window`.
inline std::uint32_t cut_hash(const std::byte* window) {
  return kCutConstant + load_le<std::uint32_t>(window) * kCutFactors[0] +
         load_le<std::uint32_t>(window + 4) * kCutFactors[1] +
         load_le<std::uint32_t>(window + 8) * kCutFactors[2] +
         load_le<std::uint32_t>(window + 12) * kCutFactors[3];
}

struct CutLoops {
  const char* name;
  // The first place of [at, end) whose hash is under `below`, or `end`. Reads [at - 16, end).
  std::size_t (*find)(const std::byte* data, std::size_t at, std::size_t end, std::uint32_t below);
};

const CutLoops& portable_cut_loops();
// Those that run here, the portable one first.
std::vector<const CutLoops*> all_cut_loops();
// The fastest of them, which is measured once: wide vectors that straddle cache lines are no faster
// everywhere.
const CutLoops& cut_loops();

}  // namespace stillframe::chunkstore
