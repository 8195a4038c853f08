// Bytes that look like anything, from a seed.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "framework/base/bytes.hpp"

namespace stillframe::chunkstore::tests {

using Blob = std::vector<std::byte>;

inline Blob random_bytes(std::mt19937_64& random, std::size_t count) {
  Blob bytes(count + 8);
  for (std::size_t at = 0; at < count; at += 8) store_le(bytes.data() + at, random());
  bytes.resize(count);
  return bytes;
}

// With what files have: runs of zeros, repeated and text-like parts, beside noise.
inline Blob mixed_bytes(std::mt19937_64& random, std::size_t count) {
  Blob bytes;
  while (bytes.size() < count) {
    const std::size_t part = 1 + random() % (200 << 10);
    Blob add;
    switch (random() % 4) {
      case 0:
        add.resize(part);
        break;
      case 1:
        add = Blob(part, static_cast<std::byte>(random()));
        break;
      case 2:
        add.resize(part);
        for (std::byte& each : add) each = static_cast<std::byte>('a' + random() % 4);
        break;
      default:
        add = random_bytes(random, part);
    }
    bytes.insert(bytes.end(), add.begin(), add.end());
  }
  bytes.resize(count);
  return bytes;
}

}  // namespace stillframe::chunkstore::tests
