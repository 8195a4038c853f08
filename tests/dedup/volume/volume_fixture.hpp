// A store, a file table, and files that are deduplicated into them.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/dedup/volume/open_volume.hpp"
#include "writers/dedup/volume/dedup_file.hpp"
#include "writers/dedup/volume/optimizer.hpp"

namespace stillframe::dedup::tests {

using Blob = std::vector<std::byte>;

inline Blob random_bytes(std::mt19937_64& random, std::size_t count) {
  Blob bytes(count);
  for (std::byte& one : bytes) one = static_cast<std::byte>(random());
  return bytes;
}

inline Result<Blob> contents(DedupFile& file) {
  Blob bytes(file.bytes());
  if (Status s = file.read(0, bytes); !s.ok()) return s.error();
  return bytes;
}

inline Status optimize(OpenVolume& volume, DedupFile& file) {
  Optimizer optimizer(volume.parts());
  if (Status s = optimizer.add(file); !s.ok()) return s;
  const auto done = optimizer.commit();
  return done.ok() ? done.value().at(0).status : Status(done.error());
}

}  // namespace stillframe::dedup::tests
