// What collections remove, and what they must not, while the store is written and read.
#include "framework/chunkstore/collection.hpp"

#include <algorithm>

#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/io/support/limited_files.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::expect_clean;
using tests::get;
using tests::kFolder;
using tests::open;
using tests::put;
using tests::random_bytes;
using tests::small_containers;

constexpr std::uint64_t kContainerBytes = 1 << 20;

class CollectionTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = create(files_, small_containers(kContainerBytes));
    for (Blob& each : bytes_) {
      each = random_bytes(random_, 3 << 20);
      ids_.push_back(put(*store_, each).id);
    }
    ASSERT_TRUE(store_->commit().ok());
  }

  void reopen() {
    store_.reset();
    store_ = open(files_, small_containers(kContainerBytes));
  }

  std::uint64_t stored_bytes() {
    std::uint64_t sum = 0;
    const std::vector<BytePath> names = files_.list("/store/containers").value();
    for (const BytePath& name : names) {
      sum += files_.open("/store/containers/" + name, FileAccess::read).value()->size().value();
    }
    return sum;
  }

  CrashingFiles files_;
  std::mt19937_64 random_{1};
  std::unique_ptr<Store> store_;
  Blob bytes_[3];
  std::vector<StreamId> ids_;
};

TEST_F(CollectionTest, WhatNoStreamNamesIsRemovedAndWhatOneNamesStays) {
  const std::uint64_t before = stored_bytes();
  const CollectionResult result = collect(*store_, {ids_[0], ids_[2]}, Collection::kFull);
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.removed, 0u);
  EXPECT_GT(result.rewritten, 0u);
  EXPECT_LT(stored_bytes(), before - bytes_[1].size() * 9 / 10);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(get(*store_, ids_[0]) == bytes_[0]);
    EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
    EXPECT_EQ(tests::try_get(*store_, ids_[1]).error().code(), Errc::not_found);
    EXPECT_EQ(put(*store_, bytes_[0]).new_bytes, 0u);
    expect_clean(*store_);
    reopen();
  }
  EXPECT_GT(put(*store_, bytes_[1]).new_bytes, bytes_[1].size() * 9 / 10);
}

TEST_F(CollectionTest, AChunkStaysAsLongAsAnyStreamNamesIt) {
  Blob both(bytes_[0].begin(), bytes_[0].begin() + (1 << 20));
  both.insert(both.end(), bytes_[1].begin(), bytes_[1].end());
  const StreamId shared = put(*store_, both).id;
  collect(*store_, {shared, ids_[2]}, Collection::kFull);
  EXPECT_TRUE(get(*store_, shared) == both);
  collect(*store_, {ids_[2]}, Collection::kFull);
  EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
  expect_clean(*store_);
}

TEST_F(CollectionTest, WithoutAnyStreamNothingIsLeft) {
  const CollectionResult result = collect(*store_, {}, Collection::kFull, true);
  EXPECT_EQ(result.rewritten, 0u);
  EXPECT_EQ(store_->counts().chunks, 0u);
  EXPECT_EQ(stored_bytes(), 0u);
  const StreamId id = put(*store_, bytes_[0]).id;
  ASSERT_TRUE(store_->commit().ok());
  reopen();
  EXPECT_TRUE(get(*store_, id) == bytes_[0]);
  expect_clean(*store_);
}

// The maps of what is gone are gone either way: whatever map there is can be verified.
TEST_F(CollectionTest, ARegularOneLeavesContainersOfWhichLittleIsDead) {
  Blob most = bytes_[0];
  for (std::size_t at = 0; at < most.size(); at += 300000) most[at] ^= std::byte{1};
  const StreamId changed = put(*store_, most).id;
  const std::vector<StreamId> live = {changed, ids_[1], ids_[2]};
  EXPECT_EQ(collect(*store_, live, Collection::kRegular).rewritten, 1u);  // of stream maps
  expect_clean(*store_);
  const CollectionResult full = collect(*store_, live, Collection::kFull);
  EXPECT_GT(full.rewritten, 1u);
  EXPECT_GT(full.freed_bytes, 100000u);
  EXPECT_TRUE(get(*store_, changed) == most);
  expect_clean(*store_);
}

TEST_F(CollectionTest, APlanSaysWhatWillBeDone) {
  auto collection = store_->begin_collection().value();
  ASSERT_TRUE(collection->mark(ids_[0]).ok());
  ASSERT_TRUE(collection->mark(ids_[2]).ok());
  const CollectionPlan plan = collection->plan(Collection::kFull).value();
  ASSERT_FALSE(plan.containers.empty());
  EXPECT_EQ(plan.containers.front().kind, ContainerKind::stream_maps);
  EXPECT_NE(to_string(plan).find("rewrite container"), std::string::npos) << to_string(plan);
  EXPECT_EQ(collection->mark(ids_[1]).error().code(), Errc::wrong_state);
  const std::uint64_t chunks = store_->counts().chunks;
  EXPECT_EQ(collection->run().value().dropped_chunks, plan.dead_chunks);
  // One chunk of the dead is a map, which is not counted.
  EXPECT_EQ(store_->counts().chunks, chunks - plan.dead_chunks + 1);
}

TEST_F(CollectionTest, OneAtATimeAndNothingWithoutAPlan) {
  auto collection = store_->begin_collection().value();
  EXPECT_EQ(collection->run().error().code(), Errc::wrong_state);
  EXPECT_EQ(store_->begin_collection().error().code(), Errc::wrong_state);
  collection.reset();
  EXPECT_TRUE(store_->begin_collection().ok());
  EXPECT_TRUE(get(*store_, ids_[1]) == bytes_[1]);
}

TEST_F(CollectionTest, AStoppedOneLeavesAStoreInOrder) {
  for (int steps = 0;; ++steps) {
    auto collection = store_->begin_collection().value();
    ASSERT_TRUE(collection->mark(ids_[2]).ok());
    ASSERT_TRUE(collection->plan(Collection::kFull).ok());
    const auto result = collection->run([] { return false; });
    EXPECT_FALSE(result.value().complete);
    collection.reset();
    int left = steps;
    collection = store_->begin_collection().value();
    ASSERT_TRUE(collection->mark(ids_[2]).ok());
    ASSERT_TRUE(collection->plan(Collection::kFull).ok());
    const auto more = collection->run([&] { return left-- > 0; });
    EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
    expect_clean(*store_);
    if (more.value().complete) break;
  }
}

// ---- nothing is guessed

TEST_F(CollectionTest, WithAMapThatCannotBeReadAllIsKept) {
  const std::uint64_t before = stored_bytes();
  auto collection = store_->begin_collection().value();
  EXPECT_FALSE(collection->mark({{ids_[0].map.container, 4000}}).ok());
  EXPECT_FALSE(collection->plan(Collection::kFull).ok());
  EXPECT_FALSE(collection->run().ok());
  collection.reset();
  EXPECT_GE(stored_bytes(), before);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(get(*store_, ids_[i]) == bytes_[i]);
}

TEST_F(CollectionTest, ADamagedContainerOfDataIsLeftAlone) {
  // One with chunks of the second stream and then more of the third, so that its middle is live.
  PlannedContainer mixed;
  {
    auto collection = store_->begin_collection().value();
    ASSERT_TRUE(collection->mark(ids_[0]).ok());
    ASSERT_TRUE(collection->mark(ids_[2]).ok());
    const CollectionPlan plan = collection->plan(Collection::kFull).value();
    for (const PlannedContainer& each : plan.containers) {
      if (each.kind == ContainerKind::data && each.live_bytes > each.bytes / 2) mixed = each;
    }
  }
  ASSERT_GT(mixed.file.id, 0u);
  store_.reset();
  const BytePath path = "/store/containers/" + container_file_name(mixed.file.id, 1);
  {
    auto file = files_.open(path, FileAccess::write).value();
    ASSERT_TRUE(file->write(file->size().value() / 2, Blob(16, std::byte{0x55})).ok());
  }
  store_ = open(files_, small_containers(kContainerBytes));
  const CollectionResult result = collect(*store_, {ids_[0], ids_[2]}, Collection::kFull, true);
  ASSERT_EQ(result.damaged.size(), 1u);
  EXPECT_EQ(result.damaged[0].container, mixed.file.id);
  EXPECT_TRUE(files_.exists(path));
  EXPECT_GT(result.removed + result.rewritten, 0u);
  EXPECT_TRUE(get(*store_, ids_[0]) == bytes_[0]);
}

TEST_F(CollectionTest, AFullDiskIsAnErrorAndLosesNothing) {
  store_.reset();
  stillframe::tests::LimitedFiles limited(files_, 1 << 30);
  store_ = open(limited, small_containers(kContainerBytes));
  auto collection = store_->begin_collection().value();
  ASSERT_TRUE(collection->mark(ids_[0]).ok());
  ASSERT_TRUE(collection->mark(ids_[2]).ok());
  ASSERT_TRUE(collection->plan(Collection::kFull).ok());
  limited.set_free(1000);
  EXPECT_EQ(collection->run().error().code(), Errc::no_space);
  collection.reset();
  limited.set_free(1 << 30);
  EXPECT_TRUE(get(*store_, ids_[0]) == bytes_[0]);
  EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
  collect(*store_, {ids_[0], ids_[2]}, Collection::kFull);
  EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
  expect_clean(*store_);
  store_.reset();
}

// ---- beside a stream that is written

TEST_F(CollectionTest, WhatAStreamUnderWayNamesAlreadyStays) {
  Blob twice = bytes_[1];  // more than is gathered before it is cut
  twice.insert(twice.end(), bytes_[1].begin(), bytes_[1].end());
  StreamWriter writer = store_->write_stream();
  ASSERT_TRUE(writer.write(twice).ok());
  collect(*store_, {ids_[0], ids_[2]}, Collection::kFull);
  const WrittenStream written = writer.finish().value();
  EXPECT_LT(written.new_bytes, 200000u);
  EXPECT_TRUE(get(*store_, written.id) == twice);
  expect_clean(*store_);
}

TEST_F(CollectionTest, TheMapsOfALongStreamUnderWayStay) {
  const Blob chunk(bytes_[1].begin(), bytes_[1].begin() + 16384);
  StreamWriter writer = store_->write_stream(StreamKind::database);
  for (std::uint32_t i = 0; i < kMapExtentsMax + 900; ++i) ASSERT_TRUE(writer.write(chunk).ok());
  collect(*store_, {}, Collection::kFull, true);
  const WrittenStream written = writer.finish().value();
  ASSERT_TRUE(store_->commit().ok());
  reopen();
  auto reader = store_->read_stream(written.id).value();
  EXPECT_EQ(reader.bytes(), (kMapExtentsMax + 900) * chunk.size());
  for (const std::uint64_t at : {std::uint64_t{0}, reader.bytes() - chunk.size()}) {
    Blob found(chunk.size());
    ASSERT_TRUE(reader.read(at, found).ok());
    EXPECT_TRUE(found == chunk);
  }
  expect_clean(*store_);
}

TEST_F(CollectionTest, WhatIsFoundAgainAfterThePlanStays) {
  auto collection = store_->begin_collection().value();
  ASSERT_TRUE(collection->mark(ids_[0]).ok());
  ASSERT_TRUE(collection->plan(Collection::kFull).ok());
  const WrittenStream again = put(*store_, bytes_[1]);
  EXPECT_EQ(again.new_bytes, 0u);
  EXPECT_GT(collection->run().value().dropped_chunks, 0u);
  EXPECT_TRUE(get(*store_, again.id) == bytes_[1]);
  EXPECT_FALSE(tests::try_get(*store_, ids_[2]).ok());
}

TEST_F(CollectionTest, WhatIsBeingDroppedIsStoredAgain) {
  auto collection = store_->begin_collection().value();
  ASSERT_TRUE(collection->mark(ids_[0]).ok());
  ASSERT_TRUE(collection->plan(Collection::kFull).ok());
  std::vector<std::pair<StreamId, const Blob*>> written;
  std::uint64_t added = 0;
  int calls = 0;
  const auto result = collection->run([&] {  // between any two containers
    if (++calls < 4) return true;            // until some are gone
    const Blob& bytes = bytes_[1 + written.size() % 2];
    const WrittenStream stream = put(*store_, bytes);
    added += stream.new_bytes;
    written.emplace_back(stream.id, &bytes);
    EXPECT_TRUE(store_->commit().ok());
    return true;
  });
  ASSERT_TRUE(result.ok()) << result.error().what();
  collection.reset();
  EXPECT_GT(written.size(), 2u);
  EXPECT_GT(added, 0u);
  EXPECT_LT(added, bytes_[1].size() + bytes_[2].size());  // some were found in time
  for (const auto& [id, bytes] : written) EXPECT_TRUE(get(*store_, id) == *bytes);
  reopen();
  for (const auto& [id, bytes] : written) EXPECT_TRUE(get(*store_, id) == *bytes);
  EXPECT_TRUE(get(*store_, ids_[0]) == bytes_[0]);
  expect_clean(*store_);
}

// ---- generations

TEST_F(CollectionTest, StreamMapsAreNotRewrittenWhenTheirChunksMove) {
  const auto map_before = ids_[2].map;
  collect(*store_, {ids_[0], ids_[2]}, Collection::kFull);
  const auto names = files_.list("/store/containers").value();
  EXPECT_TRUE(std::any_of(names.begin(), names.end(),
                          [](const BytePath& name) { return name.ends_with(".00000002"); }));
  collect(*store_, {ids_[2]}, Collection::kFull);
  EXPECT_EQ(ids_[2].map, map_before);
  EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
  reopen();
  EXPECT_TRUE(get(*store_, ids_[2]) == bytes_[2]);
}

TEST_F(CollectionTest, AGenerationThatRottedIsReplacedByTheOneBeforeIfThatIsThere) {
  store_.reset();
  auto file = files_.open("/store/containers/00000001.00000001", FileAccess::read).value();
  Blob content(file->size().value());
  ASSERT_TRUE(file->read(0, content).ok());
  ASSERT_TRUE(files_.create("/store/containers/00000001.00000002").value()->write(0, content).ok());
  ASSERT_TRUE(files_.create("/store/containers/00000001.00000003.new").ok());
  store_ = open(files_, small_containers(kContainerBytes));
  EXPECT_EQ(store_->counts().damaged, 0u);
  EXPECT_FALSE(files_.exists("/store/containers/00000001.00000003.new"));
  EXPECT_FALSE(files_.exists("/store/containers/00000001.00000002"));
  EXPECT_TRUE(get(*store_, ids_[0]) == bytes_[0]);
}

}  // namespace
}  // namespace stillframe::chunkstore
