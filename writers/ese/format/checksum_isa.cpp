#include "writers/ese/format/checksum_isa.hpp"

#include <bit>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

#ifdef __x86_64__
extern const ChecksumLoops kAvx2ChecksumLoops;
extern const ChecksumLoops kAvx512ChecksumLoops;
#endif

namespace {

constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kChecksumWords = 2;

Parities portable_parities(const std::byte* block, std::size_t bytes, bool skip_checksum) {
  Parities sum;
  for (std::size_t i = skip_checksum ? kChecksumWords : 0; i < bytes / kWordBytes; ++i) {
    const auto word = load_le<std::uint32_t>(block + i * kWordBytes);
    sum.words ^= word;
    if (std::popcount(word) % 2 != 0) sum.odd_indexes ^= static_cast<std::uint32_t>(i);
  }
  return sum;
}

std::uint32_t portable_xor_words(const std::byte* from, std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += kWordBytes) sum ^= load_le<std::uint32_t>(from + at);
  return sum;
}

constexpr ChecksumLoops kPortable = {"portable", kWordBytes, portable_parities, portable_xor_words};

const ChecksumLoops& fastest() {
  if (const ChecksumLoops* loops = avx512_checksum_loops()) return *loops;
  if (const ChecksumLoops* loops = avx2_checksum_loops()) return *loops;
  return kPortable;
}

}  // namespace

const ChecksumLoops& portable_checksum_loops() {
  return kPortable;
}

#ifdef __x86_64__
const ChecksumLoops* avx2_checksum_loops() {
  return __builtin_cpu_supports("avx2") ? &kAvx2ChecksumLoops : nullptr;
}

const ChecksumLoops* avx512_checksum_loops() {
  return __builtin_cpu_supports("avx512f") ? &kAvx512ChecksumLoops : nullptr;
}
#else
const ChecksumLoops* avx2_checksum_loops() {
  return nullptr;
}

const ChecksumLoops* avx512_checksum_loops() {
  return nullptr;
}
#endif

const ChecksumLoops& checksum_loops() {
  static const ChecksumLoops& chosen = fastest();
  return chosen;
}

}  // namespace stillframe::ese
