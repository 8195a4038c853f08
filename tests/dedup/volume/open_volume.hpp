// The store and the file table of a volume, together.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "framework/chunkstore/store.hpp"
#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup::tests {

// The volume's own folder.
struct OpenVolume {
  static Status create(Files& files, const BytePath& folder, const UuidBytes& id,
                       const std::optional<chunkstore::Key256>& key = std::nullopt) {
    const Status made =
        chunkstore::Store::create(files, folder + "/store", chunkstore::ChunkProfile::kib16, key);
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

}  // namespace stillframe::dedup::tests
