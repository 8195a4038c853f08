// What several suites of the chunk store do with it.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "framework/chunkstore/collection.hpp"
#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/stream_reader.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "tests/chunkstore/random_bytes.hpp"

namespace stillframe::chunkstore::tests {

inline constexpr const char* kFolder = "/store";

inline StoreOptions small_containers(std::uint64_t bytes, Compression how = Compression::zstd) {
  StoreOptions options;
  options.compression = how;
  options.container_bytes = bytes;
  return options;
}

inline Result<WrittenStream> try_put(Store& store, Bytes bytes) {
  StreamWriter writer = store.write_stream();
  if (Status s = writer.write(bytes); !s.ok()) return s.error();
  return writer.finish();
}

inline WrittenStream put(Store& store, Bytes bytes) {
  auto written = try_put(store, bytes);
  EXPECT_TRUE(written.ok()) << written.error().what();
  return written.ok() ? written.value() : WrittenStream{};
}

inline Result<Blob> try_get(Store& store, StreamId id) {
  auto reader = store.read_stream(id);
  if (!reader.ok()) return reader.error();
  Blob bytes(reader.value().bytes());
  if (Status s = reader.value().read(0, bytes); !s.ok()) return s.error();
  return bytes;
}

inline Blob get(Store& store, StreamId id) {
  auto bytes = try_get(store, id);
  EXPECT_TRUE(bytes.ok()) << bytes.error().what();
  return bytes.ok() ? bytes.value() : Blob{};
}

inline std::unique_ptr<Store> open(Files& files, const StoreOptions& options = {}) {
  auto store = Store::open(files, kFolder, options);
  EXPECT_TRUE(store.ok()) << store.error().what();
  return store.ok() ? std::move(store).value() : nullptr;
}

inline std::unique_ptr<Store> create(Files& files, const StoreOptions& options = {},
                                     ChunkProfile profile = ChunkProfile::kib16) {
  const Status made = Store::create(files, kFolder, profile, options.key, options.random);
  EXPECT_TRUE(made.ok()) << made.error().what();
  return open(files, options);
}

// All streams but these are removed.
inline Result<CollectionResult> try_collect(Store& store, const std::vector<StreamId>& live,
                                            double dead_share_min, bool also_recent = false) {
  auto collection = store.begin_collection(also_recent);
  if (!collection.ok()) return collection.error();
  for (const StreamId id : live) {
    if (Status s = collection.value()->mark(id); !s.ok()) return s.error();
  }
  if (auto plan = collection.value()->plan(dead_share_min); !plan.ok()) return plan.error();
  return collection.value()->run();
}

inline CollectionResult collect(Store& store, const std::vector<StreamId>& live,
                                double dead_share_min, bool also_recent = false) {
  auto result = try_collect(store, live, dead_share_min, also_recent);
  EXPECT_TRUE(result.ok()) << result.error().what();
  return result.ok() ? result.value() : CollectionResult{};
}

inline void expect_clean(Store& store) {
  const auto damage = store.verify();
  ASSERT_TRUE(damage.ok()) << damage.error().what();
  for (const Damage& each : damage.value()) {
    ADD_FAILURE() << "container " << each.container << ": " << each.error.what();
  }
}

}  // namespace stillframe::chunkstore::tests
