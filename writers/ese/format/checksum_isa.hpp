// The loops of the checksums for one instruction set each. checksum.hpp chooses; tests and
// benchmarks name one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stillframe::ese {

// XOR of the 32-bit words of a block, and of the indexes of those with an odd number of set bits.
struct Parities {
  std::uint32_t words = 0;
  std::uint32_t odd_indexes = 0;
};

struct ChecksumLoops {
  const char* name;
  std::size_t step;  // shorter blocks, and what is left over of longer sums, are the portable's
  // `skip_checksum`: the first 8 bytes count as zero.
  Parities (*parities)(const std::byte* block, std::size_t bytes, bool skip_checksum);
  std::uint32_t (*xor_words)(const std::byte* from, std::size_t bytes);
};

const ChecksumLoops& portable_checksum_loops();
// Null where the machine lacks the instructions.
const ChecksumLoops* avx2_checksum_loops();
const ChecksumLoops* avx512_checksum_loops();

// `candidate` if it proves faster than `safe` on a page in the cache, which takes some
// microseconds; else `safe`.
const ChecksumLoops& clearly_faster(const ChecksumLoops& candidate, const ChecksumLoops& safe);

// The fastest that runs here. AVX-512 has to prove on first use that it is faster than AVX2: on
// some processors it is twice as fast, on others not at all.
const ChecksumLoops& checksum_loops();

}  // namespace stillframe::ese
