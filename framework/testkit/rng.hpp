// The simulation's only source of chance. Small, fast, and the same on every machine.
#pragma once

#include <cstdint>

namespace stillframe::testkit {

// splitmix64: passes every bit through two multiplications; one addition of state per draw.
class Rng {
 public:
  // Neighbouring seeds would walk the same sequence one step apart: the seed is mixed first.
  explicit Rng(std::uint64_t seed) : state_(mix(seed + 0x632be59bd9b4e019ULL)) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  // 0 .. bound-1; the bias of 2^-32 is of no matter here.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

 private:
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace stillframe::testkit
