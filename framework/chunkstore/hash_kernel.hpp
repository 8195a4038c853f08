// The loop behind hash_loops.hpp over vectors of any width: a lane for each message. For the files
// that compile it for one instruction set each and for nobody else: all of it is in an unnamed
// namespace, so that code for an instruction set cannot be linked into a program for machines
// without it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "framework/chunkstore/hash_loops.hpp"

namespace stillframe::chunkstore {
namespace {

constexpr std::uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Calls `step` for 0 to kCount - 1, each known when it is compiled: only then do the sixteen words
// and eight variables of the rounds stay in registers.
template <class Step, std::size_t... kIndex>
[[gnu::always_inline]] inline void unrolled(const Step& step, std::index_sequence<kIndex...>) {
  (step(std::integral_constant<std::size_t, kIndex>()), ...);
}
template <std::size_t kCount, class Step>
[[gnu::always_inline]] inline void unrolled(const Step& step) {
  unrolled(step, std::make_index_sequence<kCount>());
}

// `Choice` has the three functions of three words; instruction sets differ in how.
template <class Vector, class Choice>
struct HashKernel {
  static constexpr std::size_t kLanes = sizeof(Vector) / 4;
  typedef std::uint8_t ByteVector __attribute__((vector_size(sizeof(Vector))));

  template <int kBits>
  [[gnu::always_inline]] static Vector rotate(const Vector& x) {
    return (x >> kBits) | (x << (32 - kBits));
  }

  template <std::size_t... kByte>
  static Vector swap_bytes(const Vector& words, std::index_sequence<kByte...>) {
    const ByteVector bytes = reinterpret_cast<ByteVector>(words);
    const ByteVector swapped = __builtin_shufflevector(bytes, bytes, (kByte ^ 3)...);
    return reinterpret_cast<Vector>(swapped);
  }

  // Exchanges one bit of the row's number with the same bit of the column's, for two rows.
  template <std::size_t kBit, std::size_t... kLane>
  [[gnu::always_inline]] static void exchange(Vector& low, Vector& high,
                                              std::index_sequence<kLane...>) {
    const Vector a = low, b = high;
    low = __builtin_shufflevector(a, b, ((kLane & kBit) == 0 ? kLane : kLanes + kLane - kBit)...);
    high = __builtin_shufflevector(a, b, ((kLane & kBit) == 0 ? kLane + kBit : kLanes + kLane)...);
  }

  template <std::size_t kBit>
  [[gnu::always_inline]] static void transpose_from(Vector* rows) {
    unrolled<kLanes>([&](auto row) __attribute__((always_inline)) {
      if constexpr ((row & kBit) == 0) {
        exchange<kBit>(rows[row], rows[row + kBit], std::make_index_sequence<kLanes>());
      }
    });
    if constexpr (kBit > 1) transpose_from<kBit / 2>(rows);
  }

  // The sixteen words of a block, each of all lanes.
  [[gnu::always_inline]] static void load_block(const std::byte* const* messages,
                                                std::size_t offset, Vector* words) {
    for (std::size_t first = 0; first < 16; first += kLanes) {
      unrolled<kLanes>([&](auto lane) __attribute__((always_inline)) {
        std::memcpy(&words[first + lane], messages[lane] + offset + first * 4, sizeof(Vector));
      });
      transpose_from<kLanes / 2>(words + first);
    }
    unrolled<16>([&](auto i) __attribute__((always_inline)) {
      words[i] = swap_bytes(words[i], std::make_index_sequence<sizeof(Vector)>());
    });
  }

  [[gnu::always_inline]] static void next_words(Vector* w) {
    unrolled<16>([&](auto i) __attribute__((always_inline)) {
      const Vector& before = w[(i + 1) % 16];
      const Vector& last = w[(i + 14) % 16];
      w[i] += Choice::parity(rotate<7>(before), rotate<18>(before), before >> 3) +
              Choice::parity(rotate<17>(last), rotate<19>(last), last >> 10) + w[(i + 9) % 16];
    });
  }

  // Eight rounds, after which every variable is back in its place.
  [[gnu::always_inline]] static void eight_rounds(Vector* v, const Vector* w,
                                                  const std::uint32_t* constants) {
    unrolled<8>([&](auto i) __attribute__((always_inline)) {
      const Vector &a = v[(8 - i) % 8], &b = v[(9 - i) % 8], &c = v[(10 - i) % 8];
      const Vector &e = v[(12 - i) % 8], &f = v[(13 - i) % 8], &g = v[(14 - i) % 8];
      Vector &d = v[(11 - i) % 8], &h = v[(15 - i) % 8];
      const Vector sum = h + Choice::parity(rotate<6>(e), rotate<11>(e), rotate<25>(e)) +
                         Choice::choose(e, f, g) + (w[i] + constants[i]);
      d += sum;
      h = sum + Choice::parity(rotate<2>(a), rotate<13>(a), rotate<22>(a)) +
          Choice::majority(a, b, c);
    });
  }

  static void compress(std::uint32_t* state, const std::byte* const* messages, std::size_t blocks) {
    std::array<Vector, kHashWords> sum, v;
    std::memcpy(sum.data(), state, sizeof sum);
    for (std::size_t block = 0; block < blocks; ++block) {
      Vector w[16];
      load_block(messages, block * kHashBlockBytes, w);
      v = sum;
      for (std::size_t round = 0; round < 64; round += 16) {
        if (round > 0) next_words(w);
        eight_rounds(v.data(), w, kRoundConstants + round);
        eight_rounds(v.data(), w + 8, kRoundConstants + round + 8);
      }
      for (std::size_t i = 0; i < kHashWords; ++i) sum[i] += v[i];
    }
    std::memcpy(state, sum.data(), sizeof sum);
  }
};

}  // namespace
}  // namespace stillframe::chunkstore
