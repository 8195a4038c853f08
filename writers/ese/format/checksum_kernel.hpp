// The loop behind both checksums, over vectors of any width. For the files that compile it for one
// instruction set each and for nobody else: all of it is in an unnamed namespace, so that code for
// an instruction set cannot be linked into a program for machines without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "writers/ese/format/checksum_isa.hpp"

namespace stillframe::ese {
namespace {

// The number of a bit in a block is `word index * 32 + bit in word`, and a word's index is `vector
// index * lanes + lane`. Bit b of the XOR of the numbers of all set bits is the parity of the words
// whose index has bit b. Words are XORed a vector at a time: `total` over all vectors gives the
// bits that are in the lane, `where[b]` over the vectors whose index has bit b the others.
template <class Vector>  // of 32-bit words
struct Kernel {
  static constexpr std::size_t kVectorBytes = sizeof(Vector);
  static constexpr std::size_t kLanes = kVectorBytes / 4;
  static constexpr std::size_t kGroup = 8;  // vectors taken together
  static constexpr std::size_t kGroupsMax = 8192 / kVectorBytes / kGroup;
  static constexpr std::size_t kWheresMax = 16;

  static Vector load(const std::byte* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }

  static std::uint32_t fold(const Vector& vector) {
    std::uint32_t sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum ^= vector[lane];
    return sum;
  }

  static std::uint32_t odd(std::uint32_t word) {
    return static_cast<std::uint32_t>(__builtin_parity(word));
  }

  // XORs eight vectors and files them under the lowest three bits of their index.
  static Vector add_group(const std::byte* from, Vector* where) {
    const Vector v0 = load(from), v1 = load(from + kVectorBytes);
    const Vector v2 = load(from + 2 * kVectorBytes), v3 = load(from + 3 * kVectorBytes);
    const Vector v4 = load(from + 4 * kVectorBytes), v5 = load(from + 5 * kVectorBytes);
    const Vector v6 = load(from + 6 * kVectorBytes), v7 = load(from + 7 * kVectorBytes);
    const Vector v23 = v2 ^ v3, v67 = v6 ^ v7, v4567 = v4 ^ v5 ^ v67;
    where[0] ^= v1 ^ v3 ^ v5 ^ v7;
    where[1] ^= v23 ^ v67;
    where[2] ^= v4567;
    return v0 ^ v1 ^ v23 ^ v4567;
  }

  // Files `count` sums of groups under the bits of their index, and returns the XOR of all.
  static Vector add_groups(Vector* sums, std::size_t count, Vector* where) {
    for (; count > 1; count /= 2, ++where) {
      for (std::size_t i = 0; i < count / 2; ++i) {
        *where ^= sums[2 * i + 1];
        sums[i] = sums[2 * i] ^ sums[2 * i + 1];
      }
    }
    return sums[0];
  }

  // `bytes` is a power of two of at least kVectorBytes * kGroup and at most 8192.
  static Parities parities(const std::byte* block, std::size_t bytes, bool skip_checksum) {
    Vector where[kWheresMax] = {};
    Vector sums[kGroupsMax];
    const std::size_t groups = bytes / (kVectorBytes * kGroup);
    for (std::size_t i = 0; i < groups; ++i) {
      sums[i] = add_group(block + i * kVectorBytes * kGroup, where);
    }
    Vector total = add_groups(sums, groups, where + 3);
    if (skip_checksum) {  // it is in vector 0, which no `where` holds
      std::uint32_t words[2];
      std::memcpy(words, block, sizeof words);
      total[0] ^= words[0];
      total[1] ^= words[1];
    }

    Parities result;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      result.words ^= total[lane];
      result.odd_indexes ^= odd(total[lane]) * lane;
    }
    std::uint32_t bit = kLanes;
    for (std::size_t vectors = bytes / kVectorBytes, i = 0; vectors > 1; vectors /= 2, ++i) {
      result.odd_indexes ^= odd(fold(where[i])) * bit;
      bit *= 2;
    }
    return result;
  }

  // The XOR of all words of a multiple of kVectorBytes * kGroup bytes.
  static std::uint32_t xor_words(const std::byte* from, std::size_t bytes) {
    Vector unused[3] = {};
    Vector total = {};
    for (std::size_t at = 0; at < bytes; at += kVectorBytes * kGroup) {
      total ^= add_group(from + at, unused);
    }
    return fold(total);
  }
};

}  // namespace
}  // namespace stillframe::ese
