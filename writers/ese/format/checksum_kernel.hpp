// The loop behind both checksums, over vectors of any width. For the files that compile it for one
// instruction set each and for nobody else: all of it is in an unnamed namespace, so that code for
// an instruction set cannot be linked into a program for machines without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "writers/ese/format/checksum_isa.hpp"

namespace stillframe::ese {
namespace {

// The halves of a vector of 32-bit words.
template <class Vector>
struct Halves {
  static constexpr std::size_t kLanes = sizeof(Vector) / 8;
  typedef std::uint32_t Half __attribute__((vector_size(sizeof(Vector) / 2)));

  static Half low(const Vector& vector) { return part(vector, std::make_index_sequence<kLanes>()); }
  static Half high(const Vector& vector) {
    return part<kLanes>(vector, std::make_index_sequence<kLanes>());
  }

 private:
  template <std::size_t kFirst = 0, std::size_t... kLane>
  static Half part(const Vector& vector, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(vector, vector, (kFirst + kLane)...);
  }
};

// The number of a bit in a block is `word index * 32 + bit in word`, and a word's index is `vector
// index * lanes + lane`. Bit b of the XOR of the numbers of all set bits is the parity of the words
// whose index has bit b. Words are XORed a vector at a time: `total` over all vectors gives the
// bits that are in the lane, `where[b]` over the vectors whose index has bit b the others.
template <class Vector>  // of 32-bit words
struct Kernel {
  static constexpr std::size_t kVectorBytes = sizeof(Vector);
  static constexpr std::uint32_t kLanes = kVectorBytes / 4;
  static constexpr std::size_t kGroup = 8;  // vectors taken together
  static constexpr std::size_t kGroupBytes = kVectorBytes * kGroup;
  // Pages are mostly summed one behind the other, out of memory. The loops are unrolled, so each
  // load has an address of its own and the processor foresees none: asking this far ahead doubles
  // the speed of 512-bit vectors there, and costs nothing within the caches. Past the end of what
  // the caller has, it is a hint without an effect.
  static constexpr std::size_t kAheadBytes = 4096;
  static constexpr std::size_t kCacheLineBytes = 64;

  static Vector load(const std::byte* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }

  // The XOR of its pairs of words: what is narrower than that is done in ordinary registers.
  template <class Sum>
  static std::uint64_t fold(const Sum& sum) {
    if constexpr (sizeof(Sum) == sizeof(std::uint64_t)) {
      return reinterpret_cast<std::uint64_t>(sum);
    } else {
      return fold(Halves<Sum>::low(sum) ^ Halves<Sum>::high(sum));
    }
  }

  static std::uint32_t odd(std::uint64_t words) {
    return static_cast<std::uint32_t>(__builtin_parityll(words));
  }

  // XORs eight vectors and files them under the lowest three bits of their index.
  [[gnu::always_inline]] static Vector add_group(const std::byte* from, Vector* where) {
    for (std::size_t line = 0; line < kGroupBytes; line += kCacheLineBytes) {
      __builtin_prefetch(from + kAheadBytes + line);
    }
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

  // Files `kCount` groups under the bits of their index, from `where[2 + log2(kCount)]` down, and
  // returns the XOR of all. The count is known here so that no `where` has to be kept in memory.
  template <std::size_t kCount>
  [[gnu::always_inline]] static Vector add_groups(const std::byte* from, Vector* where) {
    if constexpr (kCount == 1) {
      return add_group(from, where);
    } else {
      const Vector first = add_groups<kCount / 2>(from, where);
      const Vector second = add_groups<kCount / 2>(from + kCount / 2 * kGroupBytes, where);
      where[2 + __builtin_ctzll(kCount)] ^= second;
      return first ^ second;
    }
  }

  // The lanes whose index has a bit set are the upper half of the lanes, the upper half of each
  // half, and so on.
  template <class Sum>
  static void add_lanes(const Sum& sum, std::uint32_t bit, Parities& result) {
    if constexpr (sizeof(Sum) == sizeof(std::uint64_t)) {
      const std::uint64_t pair = fold(sum);
      result.words = static_cast<std::uint32_t>(pair ^ pair >> 32);
      result.odd_indexes |= odd(pair >> 32);
    } else {
      const auto low = Halves<Sum>::low(sum), high = Halves<Sum>::high(sum);
      result.odd_indexes |= odd(fold(high)) * bit;
      add_lanes(low ^ high, bit / 2, result);
    }
  }

  template <std::size_t kGroups>
  static Parities parities_of(const std::byte* block, bool skip_checksum) {
    constexpr std::size_t kWheres = 3 + __builtin_ctzll(kGroups);
    Vector where[kWheres] = {};
    Vector total = add_groups<kGroups>(block, where);
    if (skip_checksum) {  // it is in vector 0, which no `where` holds
      Vector sum = {};
      std::memcpy(&sum, block, sizeof(std::uint64_t));
      total ^= sum;
    }
    Parities result;
    add_lanes(total, kLanes / 2, result);
    for (std::size_t i = 0; i < kWheres; ++i) {
      result.odd_indexes |= odd(fold(where[i])) * (kLanes << i);
    }
    return result;
  }

  // `bytes` is a power of two of at least kGroupBytes and at most 8192.
  static Parities parities(const std::byte* block, std::size_t bytes, bool skip_checksum) {
    switch (bytes / kGroupBytes) {
      case 1:
        return parities_of<1>(block, skip_checksum);
      case 2:
        return parities_of<2>(block, skip_checksum);
      case 4:
        return parities_of<4>(block, skip_checksum);
      case 8:
        return parities_of<8>(block, skip_checksum);
      case 16:
        return parities_of<16>(block, skip_checksum);
      default:
        return parities_of<8192 / kGroupBytes>(block, skip_checksum);
    }
  }

  // The XOR of all words of a multiple of kGroupBytes.
  static std::uint32_t xor_words(const std::byte* from, std::size_t bytes) {
    Vector unused[3] = {};
    Vector total = {};
    for (std::size_t at = 0; at < bytes; at += kGroupBytes) total ^= add_group(from + at, unused);
    const std::uint64_t sum = fold(total);
    return static_cast<std::uint32_t>(sum ^ sum >> 32);
  }
};

}  // namespace
}  // namespace stillframe::ese
