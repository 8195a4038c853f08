// The loop behind cut_loops.hpp over vectors of any width. For the files that compile it for one
// instruction set each and for nobody else: all of it is in an unnamed namespace, so that code for
// an instruction set cannot be linked into a program for machines without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "framework/chunkstore/cut_loops.hpp"

namespace stillframe::chunkstore {
namespace {

// `Vector`: of 32-bit words. `any(mask)`: whether a lane is set.
template <class Vector, bool (*any)(const Vector&)>
struct CutKernel {
  static constexpr std::size_t kStep = sizeof(Vector);
  static constexpr std::size_t kAheadBytes = 2048;

  static Vector load(const std::byte* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }

  // One lane is one place, every fourth of a step. Their windows overlap in whole words, so a load
  // at the window's start gives the first word of all of them.
  [[gnu::always_inline]] static Vector hashes(const std::byte* window) {
    return load(window) * kCutFactors[0] + load(window + 4) * kCutFactors[1] +
           load(window + 8) * kCutFactors[2] + load(window + 12) * kCutFactors[3] + kCutConstant;
  }

  static std::size_t find(const std::byte* data, std::size_t at, std::size_t end,
                          std::uint32_t below) {
    for (; end - at >= kStep; at += kStep) {
      const std::byte* window = data + at - kCutWindowBytes;
      __builtin_prefetch(window + kAheadBytes);
      const auto hit = (hashes(window) < below) | (hashes(window + 1) < below) |
                       (hashes(window + 2) < below) | (hashes(window + 3) < below);
      if (any(reinterpret_cast<Vector>(hit))) {  // once in thousands of steps
        return portable_cut_loops().find(data, at, at + kStep, below);
      }
    }
    return portable_cut_loops().find(data, at, end, below);
  }
};

}  // namespace
}  // namespace stillframe::chunkstore
