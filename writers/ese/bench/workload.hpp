// The rows that are written and looked for when engines are measured: the same for every engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese::bench {

inline constexpr std::size_t kKeyBytes = 16, kValueBytes = 184;
inline constexpr std::size_t kRowBytes = kKeyBytes + kValueBytes;

struct Row {
  std::array<std::byte, kKeyBytes> key;
  std::array<std::byte, kValueBytes> value;
};

// Every number has a key of its own, and numbers that ascend have keys in no order. `version`
// changes all of the value.
std::array<std::byte, kKeyBytes> key_of(std::uint64_t number);
Row row_of(std::uint64_t number, std::uint32_t version = 0);

// The same numbers at every run.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t limit);

 private:
  std::uint64_t state_;
};

}  // namespace stillframe::ese::bench
