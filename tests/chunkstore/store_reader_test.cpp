// Readers beside whoever writes the store and collects it.
#include "framework/chunkstore/store_reader.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::scaled;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::kFolder;
using tests::put;
using tests::random_bytes;
using tests::small_containers;

Result<Blob> try_get(StoreReader& reader, StreamId id) {
  auto stream = reader.read_stream(id);
  if (!stream.ok()) return stream.error();
  Blob bytes(stream.value().bytes());
  if (Status s = stream.value().read(0, bytes); !s.ok()) return s.error();
  return bytes;
}

class StoreReaderTest : public testing::Test {
 protected:
  CrashingFiles files_;
  std::mt19937_64 random_{1};
  std::unique_ptr<Store> store_ = create(files_, small_containers(300000));
};

TEST_F(StoreReaderTest, SeesWhatWasCommittedAndLaterCommitsOnceItIsRefreshed) {
  const Blob first = random_bytes(random_, 700000), second = random_bytes(random_, 700000);
  const StreamId first_id = put(*store_, first).id;
  ASSERT_TRUE(store_->commit().ok());
  const StreamId second_id = put(*store_, second).id;
  const auto reader = StoreReader::open(files_, kFolder).value();
  EXPECT_TRUE(try_get(*reader, first_id).value() == first);
  EXPECT_EQ(try_get(*reader, second_id).error().code(), Errc::not_found);
  ASSERT_TRUE(store_->commit().ok());
  EXPECT_EQ(try_get(*reader, second_id).error().code(), Errc::not_found);
  ASSERT_TRUE(reader->refresh().ok());
  EXPECT_TRUE(try_get(*reader, first_id).value() == first);
  EXPECT_TRUE(try_get(*reader, second_id).value() == second);
}

TEST_F(StoreReaderTest, ChangesNothingAndNeedsNoStoreToBeOpen) {
  const Blob bytes = random_bytes(random_, 700000);
  const StreamId id = put(*store_, bytes).id;
  ASSERT_TRUE(store_->commit().ok());
  put(*store_, random_bytes(random_, 700000));
  store_.reset();
  const std::uint64_t before = files_.operations();
  EXPECT_TRUE(try_get(*StoreReader::open(files_, kFolder).value(), id).value() == bytes);
  EXPECT_EQ(files_.operations(), before);
  EXPECT_EQ(StoreReader::open(files_, "/nowhere").error().code(), Errc::not_found);
}

TEST_F(StoreReaderTest, ReadsOnWhileContainersAreReplacedUnderIt) {
  std::vector<std::pair<StreamId, Blob>> streams;
  for (int i = 0; i < 12; ++i) {
    const Blob bytes = random_bytes(random_, 150000);
    streams.emplace_back(put(*store_, bytes).id, bytes);
  }
  ASSERT_TRUE(store_->commit().ok());
  // One has read everything, one nothing, one half of a stream.
  const auto all = StoreReader::open(files_, kFolder).value();
  for (const auto& [id, bytes] : streams) EXPECT_TRUE(try_get(*all, id).value() == bytes);
  const auto none = StoreReader::open(files_, kFolder).value();
  const auto half = StoreReader::open(files_, kFolder, 1).value();
  auto stream = half->read_stream(streams[10].first).value();
  Blob found(streams[10].second.size());
  ASSERT_TRUE(stream.read(0, MutableBytes(found).first(1000)).ok());
  std::vector<StreamId> live;
  for (std::size_t i = 0; i < streams.size(); i += 2) live.push_back(streams[i].first);
  EXPECT_GT(collect(*store_, live, Collection::kFull, true).rewritten, 0u);
  ASSERT_TRUE(stream.read(0, found).ok());
  EXPECT_TRUE(found == streams[10].second);
  for (std::size_t i = 0; i < streams.size(); i += 2) {
    EXPECT_TRUE(try_get(*all, streams[i].first).value() == streams[i].second);
    EXPECT_TRUE(try_get(*none, streams[i].first).value() == streams[i].second);
  }
  ASSERT_TRUE(none->refresh().ok());
  EXPECT_TRUE(try_get(*none, streams[2].first).value() == streams[2].second);
  EXPECT_EQ(try_get(*none, streams[1].first).error().code(), Errc::not_found);
}

TEST_F(StoreReaderTest, DamageInAnOpenContainerLeavesTheRestOfTheStore) {
  const Blob sealed = random_bytes(random_, 700000);
  const StreamId id = put(*store_, sealed).id;
  ASSERT_TRUE(store_->begin_collection(true).ok());  // seals what is open
  const StreamId recent = put(*store_, random_bytes(random_, 40000)).id;
  ASSERT_TRUE(store_->commit().ok());
  const auto record = StoreReader::open(files_, kFolder).value()->as_of();
  const BytePath path = "/store/containers/" + container_file_name(record.data.id, 1);
  for (const bool lost : {false, true}) {
    if (lost) {
      ASSERT_TRUE(files_.remove(path).ok());
    } else {
      auto file = files_.open(path, FileAccess::write).value();
      ASSERT_TRUE(file->write(kContainerHeaderBytes + 8, Blob(16, std::byte{0x55})).ok());
    }
    const auto reader = StoreReader::open(files_, kFolder).value();
    EXPECT_TRUE(try_get(*reader, id).value() == sealed);
    EXPECT_EQ(try_get(*reader, recent).error().code(), lost ? Errc::not_found : Errc::corrupt);
  }
}

// ---- threads

struct Shared {
  std::mutex mutex;
  std::vector<std::pair<StreamId, Blob>> committed;  // what must be there
  std::atomic<bool> done = false;
  std::atomic<int> read = 0;
};

void read_until_done(Files& files, const BytePath& folder, Shared& shared, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto reader = StoreReader::open(files, folder).value();
  while (!shared.done) {
    std::pair<StreamId, Blob> wanted;
    {
      const std::lock_guard lock(shared.mutex);
      if (shared.committed.empty()) continue;
      wanted = shared.committed[random() % shared.committed.size()];
    }
    auto found = try_get(*reader, wanted.first);
    if (!found.ok() && found.error().code() == Errc::not_found) {  // newer than the reader
      ASSERT_TRUE(reader->refresh().ok());
      found = try_get(*reader, wanted.first);
    }
    // Removed since it was drawn, or wrong.
    const std::lock_guard lock(shared.mutex);
    const bool there = std::any_of(shared.committed.begin(), shared.committed.end(),
                                   [&](const auto& each) { return each.first == wanted.first; });
    if (!there) continue;
    ASSERT_TRUE(found.ok()) << found.error().what();
    ASSERT_TRUE(found.value() == wanted.second);
    ++shared.read;
  }
}

TEST(StoreThreads, WritingReadingAndCollectingDoNotDisturbEachOther) {
  std::string folder = testing::TempDir() + "/chunkstore.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto files = posix_files();
  ASSERT_TRUE(Store::create(*files, folder, ChunkProfile::kib16).ok());
  auto store = Store::open(*files, folder, small_containers(300000)).value();
  std::mt19937_64 random(1);
  Shared shared;
  std::thread first(read_until_done, std::ref(*files), std::cref(folder), std::ref(shared), 1);
  std::thread second(read_until_done, std::ref(*files), std::cref(folder), std::ref(shared), 2);
  std::vector<Blob> known;
  for (int i = 0; i < 6; ++i) known.push_back(random_bytes(random, 90000));
  const auto write_some = [&] {
    std::vector<std::pair<StreamId, Blob>> written;
    for (int i = 0; i < 4; ++i) {
      Blob bytes = known[random() % known.size()];
      const Blob more = random_bytes(random, random() % 60000);
      bytes.insert(bytes.end(), more.begin(), more.end());
      written.emplace_back(put(*store, bytes).id, bytes);
    }
    EXPECT_TRUE(store->commit().ok());
    const std::lock_guard lock(shared.mutex);
    shared.committed.insert(shared.committed.end(), written.begin(), written.end());
  };
  for (std::uint64_t round = 0; round < scaled(20); ++round) {
    write_some();
    auto collection = store->begin_collection().value();
    std::vector<StreamId> live;
    {
      const std::lock_guard lock(shared.mutex);
      for (int i = 0; i < 3 && !shared.committed.empty(); ++i) {
        shared.committed.erase(shared.committed.begin() +
                               static_cast<std::ptrdiff_t>(random() % shared.committed.size()));
      }
      for (const auto& each : shared.committed) live.push_back(each.first);
    }
    std::thread collector([&] {
      for (const StreamId id : live) EXPECT_TRUE(collection->mark(id).ok());
      EXPECT_TRUE(collection->plan(Collection::kFull).ok());
      const auto result = collection->run();
      EXPECT_TRUE(result.ok()) << result.error().what();
    });
    for (int i = 0; i < 3; ++i) write_some();
    collector.join();
  }
  shared.done = true;
  first.join();
  second.join();
  EXPECT_GT(shared.read, 0);
  for (int round = 0; round < 2; ++round) {
    for (const auto& [id, bytes] : shared.committed) EXPECT_TRUE(tests::get(*store, id) == bytes);
    tests::expect_clean(*store);
    store.reset();
    store = Store::open(*files, folder, small_containers(300000)).value();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stillframe::chunkstore
