// A store, a file table, and files that are deduplicated into them.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "framework/chunkstore/store.hpp"
#include "writers/dedup/volume/dedup_file.hpp"
#include "writers/dedup/volume/optimizer.hpp"

namespace stillframe::dedup::tests {

using Blob = std::vector<std::byte>;

inline Blob random_bytes(std::mt19937_64& random, std::size_t count) {
  Blob bytes(count);
  for (std::byte& one : bytes) one = static_cast<std::byte>(random());
  return bytes;
}

// The volume's own folder.
struct OpenVolume {
  static Status create(Files& files, const BytePath& folder, const UuidBytes& id) {
    const Status made =
        chunkstore::Store::create(files, folder + "/store", chunkstore::ChunkProfile::kib16);
    return made.ok() ? FileTable::create(files, folder, id) : made;
  }
  static Result<OpenVolume> open(Files& files, const BytePath& folder, const UuidBytes& id) {
    auto store = chunkstore::Store::open(files, folder + "/store");
    if (!store.ok()) return store.error();
    auto table = FileTable::open(files, folder, id);
    if (!table.ok()) return table.error();
    return OpenVolume{std::move(store).value(), std::move(table).value(), id};
  }
  VolumeParts parts() { return {*store, *table, id}; }

  std::unique_ptr<chunkstore::Store> store;
  std::unique_ptr<FileTable> table;
  UuidBytes id{};
};

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
