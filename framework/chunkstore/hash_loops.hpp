// SHA-256 of several messages side by side, for one instruction set each. fingerprint.hpp chooses;
// tests and benchmarks name one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stillframe::chunkstore {

constexpr std::size_t kHashBlockBytes = 64;
constexpr std::size_t kHashWords = 8;
constexpr std::size_t kHashLanesMax = 16;

struct HashLoops {
  const char* name;
  std::size_t lanes;
  // Goes on with `lanes` messages by `blocks` blocks each. Word w of lane i is state[w * lanes +
  // i]. Null with one lane: then it is OpenSSL's.
  void (*compress)(std::uint32_t* state, const std::byte* const* messages, std::size_t blocks);
};

// OpenSSL, one message after the other, with the processor's own SHA instructions where it has any.
const HashLoops& single_hash_loops();
// Those that run here, the single one first.
std::vector<const HashLoops*> all_hash_loops();
// The fastest of them, which is measured once: processors differ in how good their SHA instructions
// and their wide vectors are.
const HashLoops& hash_loops();
// The fastest of those with one lane or two: for a few messages, which would leave others idle.
const HashLoops& narrow_hash_loops();

}  // namespace stillframe::chunkstore
