#include "framework/chunkstore/store.hpp"

#include <algorithm>
#include <filesystem>

#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::scaled;
using tests::Blob;
using tests::create;
using tests::expect_clean;
using tests::get;
using tests::kFolder;
using tests::mixed_bytes;
using tests::open;
using tests::put;
using tests::random_bytes;
using tests::small_containers;

class StoreTest : public testing::Test {
 protected:
  CrashingFiles files_;
  std::mt19937_64 random_{1};
};

TEST_F(StoreTest, StreamsComeBackAsTheyWere) {
  for (const Compression how : {Compression::none, Compression::lz4, Compression::zstd}) {
    for (const ChunkProfile profile :
         {ChunkProfile::kib64, ChunkProfile::kib32, ChunkProfile::kib16}) {
      CrashingFiles files;
      auto store = create(files, small_containers(1 << 20, how), profile);
      std::vector<std::pair<StreamId, Blob>> streams;
      for (std::uint64_t i = 0; i < scaled(6); ++i) {
        const Blob bytes =
            mixed_bytes(random_, random_() % (std::size_t{1} << (8 + random_() % 14)));
        streams.emplace_back(put(*store, bytes).id, bytes);
      }
      for (const auto& [id, bytes] : streams) EXPECT_TRUE(get(*store, id) == bytes);
      ASSERT_TRUE(store->commit().ok());
      store = open(files, small_containers(1 << 20));
      for (const auto& [id, bytes] : streams) EXPECT_TRUE(get(*store, id) == bytes);
      expect_clean(*store);
    }
  }
}

TEST_F(StoreTest, AnEmptyStreamIsAStream) {
  auto store = create(files_);
  const WrittenStream written = put(*store, {});
  EXPECT_EQ(written.bytes, 0u);
  EXPECT_TRUE(get(*store, written.id).empty());
}

TEST_F(StoreTest, AnyPartOfAStreamCanBeRead) {
  auto store = create(files_, small_containers(1 << 20));
  const Blob bytes = mixed_bytes(random_, 3 << 20);
  auto reader = store->read_stream(put(*store, bytes).id).value();
  for (std::uint64_t i = 0; i < scaled(100); ++i) {
    const std::size_t at = random_() % bytes.size();
    Blob part(random_() % std::min<std::size_t>(bytes.size() - at, 300000));
    ASSERT_TRUE(reader.read(at, part).ok());
    EXPECT_TRUE(
        std::equal(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
  }
  Blob one(1);
  EXPECT_EQ(reader.read(bytes.size(), one).error().code(), Errc::truncated);
  EXPECT_TRUE(reader.read(bytes.size(), {}).ok());
}

// ---- duplicates

TEST_F(StoreTest, WhatIsThereIsNotStoredAgain) {
  auto store = create(files_, small_containers(1 << 20));
  const Blob bytes = random_bytes(random_, 4 << 20);
  const WrittenStream first = put(*store, bytes);
  EXPECT_EQ(first.new_bytes, bytes.size());
  EXPECT_EQ(put(*store, bytes).new_bytes, 0u);  // of open and of sealed containers
  ASSERT_TRUE(store->commit().ok());
  store = open(files_, small_containers(1 << 20));
  const WrittenStream again = put(*store, bytes);
  EXPECT_EQ(again.new_bytes, 0u);
  EXPECT_EQ(again.chunks, first.chunks);
  EXPECT_EQ(store->counts().chunks, first.chunks);
  EXPECT_TRUE(get(*store, again.id) == bytes);
}

TEST_F(StoreTest, AnInsertedByteCostsAFewChunks) {
  auto store = create(files_);
  Blob bytes = random_bytes(random_, 4 << 20);
  put(*store, bytes);
  bytes.insert(bytes.begin() + 1000000, std::byte{1});
  EXPECT_LT(put(*store, bytes).new_bytes, 200u << 10);
}

TEST_F(StoreTest, ADiskImageIsCutAlignedAndSaysSo) {
  auto store = create(files_);
  Blob image = random_bytes(random_, 4 << 20);
  const char magic[] = "QFI\xfb";
  std::transform(magic, magic + 4, image.begin(), [](char c) { return std::byte(c); });
  const WrittenStream first = put(*store, image);
  EXPECT_EQ(first.kind, StreamKind::disk_image);
  EXPECT_EQ(first.cutting, Cutting::aligned);
  for (std::size_t at = 1 << 20; at < image.size(); at += 1 << 20) image[at] ^= std::byte{1};
  EXPECT_EQ(put(*store, image).new_bytes, 3u * mean_chunk_bytes(ChunkProfile::kib16));
  const auto reader = store->read_stream(first.id).value();
  EXPECT_EQ(reader.kind(), StreamKind::disk_image);
  EXPECT_EQ(reader.cutting(), Cutting::aligned);
}

TEST_F(StoreTest, TheCallerMaySayWhatAStreamIs) {
  auto store = create(files_);
  StreamWriter writer = store->write_stream(StreamKind::database);
  ASSERT_TRUE(writer.write(random_bytes(random_, 100000)).ok());
  EXPECT_EQ(writer.finish().value().cutting, Cutting::aligned);
}

TEST_F(StoreTest, AStreamIsTheSameHoweverItsEndComes) {
  auto store = create(files_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, kStreamKindBytes - 1,
                                 kStreamKindBytes, std::size_t{300'000}, kStreamPieceBytes + 7}) {
    SCOPED_TRACE(size);
    const Blob bytes = random_bytes(random_, size);
    const WrittenStream first = put(*store, bytes);
    for (const std::size_t before : {std::size_t{0}, size / 50, size / 2, size}) {
      StreamWriter writer = store->write_stream();
      ASSERT_TRUE(writer.write(Bytes(bytes).first(before)).ok());
      const WrittenStream again = writer.finish(Bytes(bytes).subspan(before)).value();
      EXPECT_EQ(again.chunks, first.chunks);
      EXPECT_EQ(again.new_chunks, 0u);
      EXPECT_EQ(again.bytes, size);
      EXPECT_TRUE(get(*store, again.id) == bytes);
    }
  }
}

TEST_F(StoreTest, HolesTakeNoSpace) {
  constexpr std::uint64_t kHole = std::uint64_t{1} << 50;
  auto store = create(files_);
  StreamWriter writer = store->write_stream();
  const Blob end = random_bytes(random_, 5000);
  ASSERT_TRUE(writer.write_zeros(kHole).ok());
  ASSERT_TRUE(writer.write(end).ok());
  const WrittenStream written = writer.finish().value();
  EXPECT_EQ(written.bytes, kHole + end.size());
  EXPECT_EQ(written.zero_bytes, kHole);
  auto reader = store->read_stream(written.id).value();
  Blob found(end.size() + 10);
  ASSERT_TRUE(reader.read(kHole - 10, found).ok());
  EXPECT_TRUE(
      std::all_of(found.begin(), found.begin() + 10, [](auto b) { return b == std::byte{0}; }));
  EXPECT_TRUE(std::equal(end.begin(), end.end(), found.begin() + 10));
}

TEST_F(StoreTest, StreamsWrittenAtOnceDoNotMix) {
  auto store = create(files_);
  std::vector<Blob> bytes;
  std::vector<StreamWriter> writers;
  for (int i = 0; i < 4; ++i) {
    bytes.push_back(random_bytes(random_, 300000));
    writers.push_back(store->write_stream());
  }
  for (std::size_t at = 0; at < 300000; at += 10000) {
    for (std::size_t i = 0; i < writers.size(); ++i) {
      ASSERT_TRUE(writers[i].write(Bytes(bytes[i]).subspan(at, 10000)).ok());
    }
  }
  for (std::size_t i = 0; i < writers.size(); ++i) {
    EXPECT_TRUE(get(*store, writers[i].finish().value().id) == bytes[i]);
  }
}

// A map has room for 16,384 chunks; longer streams have a map of maps.
TEST_F(StoreTest, AStreamMayHaveMoreChunksThanOneMapNames) {
  auto store = create(files_);
  const Blob chunk = random_bytes(random_, mean_chunk_bytes(ChunkProfile::kib16));
  StreamWriter writer = store->write_stream(StreamKind::disk_image);
  constexpr std::size_t kChunks = kMapExtentsMax + 100;
  for (std::size_t i = 0; i < kChunks; ++i) ASSERT_TRUE(writer.write(chunk).ok());
  const WrittenStream written = writer.finish().value();
  EXPECT_EQ(written.chunks, kChunks);
  EXPECT_EQ(written.new_chunks, 1u);
  ASSERT_TRUE(store->commit().ok());
  store = open(files_);
  auto reader = store->read_stream(written.id).value();
  EXPECT_EQ(reader.bytes(), kChunks * chunk.size());
  for (const std::size_t at : {std::size_t{0}, std::size_t{kMapExtentsMax - 1}, kChunks - 1}) {
    Blob found(chunk.size());
    ASSERT_TRUE(reader.read(at * chunk.size(), found).ok());
    EXPECT_TRUE(found == chunk);
  }
}

// ---- commits

TEST_F(StoreTest, WhatWasNotCommittedIsGoneWithoutATrace) {
  auto store = create(files_, small_containers(300000));
  const Blob kept = random_bytes(random_, 1000000);
  const StreamId id = put(*store, kept).id;
  ASSERT_TRUE(store->commit().ok());
  const auto before = store->counts();
  put(*store, random_bytes(random_, 1000000));
  EXPECT_GT(store->counts().containers, before.containers);
  store = open(files_, small_containers(300000));
  EXPECT_EQ(store->counts().chunks, before.chunks);
  EXPECT_EQ(store->counts().containers, before.containers);
  EXPECT_TRUE(get(*store, id) == kept);
  const Blob more = random_bytes(random_, 500000);
  const StreamId next = put(*store, more).id;
  ASSERT_TRUE(store->commit().ok());
  store = open(files_, small_containers(300000));
  EXPECT_TRUE(get(*store, id) == kept);
  EXPECT_TRUE(get(*store, next) == more);
  expect_clean(*store);
}

TEST_F(StoreTest, AfterAFailedSyncAllIsRefusedUntilTheStoreIsOpenedAgain) {
  auto store = create(files_);
  const Blob kept = random_bytes(random_, 100000);
  const StreamId id = put(*store, kept).id;
  ASSERT_TRUE(store->commit().ok());
  put(*store, random_bytes(random_, 100000));
  files_.fail_sync_at(1);
  EXPECT_EQ(store->commit().error().code(), Errc::io);
  EXPECT_EQ(store->commit().error().code(), Errc::wrong_state);
  EXPECT_EQ(tests::try_put(*store, random_bytes(random_, 100000)).error().code(),
            Errc::wrong_state);
  store = open(files_);
  EXPECT_TRUE(get(*store, id) == kept);
  EXPECT_TRUE(store->commit().ok());
}

TEST_F(StoreTest, ASecondStoreInTheSameFolderIsRefused) {
  create(files_);
  EXPECT_EQ(Store::create(files_, kFolder, ChunkProfile::kib64).error().code(),
            Errc::already_exists);
}

TEST_F(StoreTest, OneTornCommitRecordIsTheOneBefore) {
  auto store = create(files_);
  const Blob bytes = random_bytes(random_, 100000);
  const StreamId id = put(*store, bytes).id;
  ASSERT_TRUE(store->commit().ok());  // record 2, in slot 0
  put(*store, random_bytes(random_, 100000));
  ASSERT_TRUE(store->commit().ok());  // record 3, in slot 1
  store.reset();
  auto commits = files_.open("/store/commits", FileAccess::write).value();
  ASSERT_TRUE(commits->write(kCommitSlotBytes + 20, Blob(4, std::byte{0x55})).ok());
  store = open(files_);
  EXPECT_TRUE(get(*store, id) == bytes);
  store.reset();
  ASSERT_TRUE(commits->write(20, Blob(4, std::byte{0x55})).ok());
  EXPECT_EQ(Store::open(files_, kFolder).error().code(), Errc::corrupt);
}

// ---- damage

class DamagedStore : public StoreTest {
 protected:
  void SetUp() override {
    auto store = create(files_, small_containers(1 << 20));
    for (Blob* each : {&first_, &second_}) {
      *each = random_bytes(random_, 3 << 20);
      ids_.push_back(put(*store, *each).id);
    }
    ASSERT_TRUE(store->commit().ok());
  }
  void overwrite(const BytePath& path, std::uint64_t at) {
    auto file = files_.open(path, FileAccess::write).value();
    ASSERT_TRUE(file->write(at, Blob(16, std::byte{0x55})).ok());
  }

  Blob first_, second_;
  std::vector<StreamId> ids_;
  // Of data, like the two that follow.
  const BytePath container_ = "/store/containers/00000001.00000001";
};

TEST_F(DamagedStore, DamagedBytesAreFoundAndNotReturned) {
  overwrite(container_, 100000);
  auto store = open(files_, small_containers(1 << 20));
  EXPECT_EQ(tests::try_get(*store, ids_[0]).error().code(), Errc::corrupt);
  EXPECT_TRUE(get(*store, ids_[1]) == second_);
  const auto damage = store->verify().value();
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].container, 1u);
}

TEST_F(DamagedStore, AContainerWithoutAFooterDoesNotTakeTheStoreAlong) {
  {
    auto file = files_.open(container_, FileAccess::write).value();
    ASSERT_TRUE(file->resize(file->size().value() - 1).ok());
  }
  auto store = open(files_, small_containers(1 << 20));
  EXPECT_EQ(store->counts().damaged, 1u);
  EXPECT_FALSE(tests::try_get(*store, ids_[0]).ok());
  EXPECT_TRUE(get(*store, ids_[1]) == second_);
  // What was lost is stored again by whoever still has it.
  const WrittenStream again = put(*store, first_);
  EXPECT_GT(again.new_bytes, 0u);
  EXPECT_LT(again.new_bytes, first_.size());
  EXPECT_TRUE(get(*store, again.id) == first_);
}

TEST_F(DamagedStore, AMissingContainerIsNamed) {
  ASSERT_TRUE(files_.remove(container_).ok());
  auto store = open(files_, small_containers(1 << 20));
  const auto found = tests::try_get(*store, ids_[0]);
  EXPECT_EQ(found.error().code(), Errc::not_found);
  EXPECT_NE(found.error().what().find("container 1"), std::string::npos) << found.error().what();
  EXPECT_FALSE(store->verify().value().empty());
}

TEST_F(DamagedStore, AContainerOfAnotherStoreIsRefused) {
  CrashingFiles others;
  auto other = create(others, small_containers(1 << 20));
  put(*other, random_bytes(random_, 3 << 20));
  auto from = others.open(container_, FileAccess::read).value();
  Blob bytes(from->size().value());
  ASSERT_TRUE(from->read(0, bytes).ok());
  ASSERT_TRUE(files_.remove(container_).ok());
  ASSERT_TRUE(files_.create(container_).value()->write(0, bytes).ok());
  auto store = open(files_, small_containers(1 << 20));
  EXPECT_EQ(store->counts().damaged, 1u);
  EXPECT_EQ(tests::try_get(*store, ids_[0]).error().code(), Errc::corrupt);
}

TEST_F(DamagedStore, DamageInAnOpenContainerLeavesTheRestOfTheStore) {
  const std::vector<BytePath> names = files_.list("/store/containers").value();
  overwrite("/store/containers/" + names.back(), kContainerHeaderBytes + 8);
  auto store = open(files_, small_containers(1 << 20));
  EXPECT_EQ(store->counts().damaged, 1u);
  const Blob more = random_bytes(random_, 1 << 20);
  const StreamId id = put(*store, more).id;
  ASSERT_TRUE(store->commit().ok());
  store = open(files_, small_containers(1 << 20));
  EXPECT_TRUE(get(*store, id) == more);
}

// ---- generations

// What compaction will do: the same chunks but one in every four, under the same ids, elsewhere.
TEST_F(DamagedStore, AHigherGenerationOfAContainerIsReadThroughUnchangedStreamMaps) {
  auto old = files_.open(container_, FileAccess::read).value();
  Blob header_bytes(kContainerHeaderBytes);
  ASSERT_TRUE(old->read(0, header_bytes).ok());
  ContainerHeader header = parse_container_header(header_bytes).value();
  const auto reader = ContainerReader::open(files_, container_, header.store, {1, 1}).value();
  header.generation = 2;
  Blob moved;
  const auto new_header = format_container_header(header);
  moved.insert(moved.end(), new_header.begin(), new_header.end());
  ContainerTable table;
  FrameCodec codec;
  std::uint32_t dropped = 0;
  for (const FrameRecord& record : reader->table().frames) {
    const Frame frame = read_frame(reader->file(), 1, record, codec).value();
    for (const ChunkRecord& chunk :
         frame.chunks) {  // a frame each, so that nothing keeps its place
      if (chunk.local_id % 4 == 3) {
        ++dropped;
        continue;
      }
      FrameBuilder builder;
      builder.add(chunk, frame.find(chunk.local_id)->bytes);
      const Bytes stored = builder.finish({1, moved.size()}, Compression::none, codec);
      table.frames.push_back({static_cast<std::uint32_t>(moved.size()),
                              static_cast<std::uint32_t>(stored.size()), chunk.local_id, 1});
      table.chunks.push_back(chunk);
      moved.insert(moved.end(), stored.begin(), stored.end());
    }
  }
  const auto footer = format_footer(header, table, moved.size());
  moved.insert(moved.end(), footer.begin(), footer.end());
  ASSERT_TRUE(files_.create("/store/containers/00000001.00000002").value()->write(0, moved).ok());
  ASSERT_GT(dropped, 0u);

  auto store = open(files_, small_containers(1 << 20));
  auto stream = store->read_stream(ids_[0]).value();
  Blob begin(min_chunk_bytes(ChunkProfile::kib16) * 3);  // of the chunks 0 to 2
  ASSERT_TRUE(stream.read(0, begin).ok());
  EXPECT_TRUE(std::equal(begin.begin(), begin.end(), first_.begin()));
  EXPECT_EQ(tests::try_get(*store, ids_[0]).error().code(), Errc::not_found);  // chunk 3 is gone
  EXPECT_GT(put(*store, first_).new_bytes, 0u);
}

// ---- on a real disk

TEST(StoreOnDisk, StreamsComeBackAsTheyWere) {
  std::string folder = testing::TempDir() + "/chunkstore.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto files = posix_files();
  ASSERT_TRUE(Store::create(*files, folder, ChunkProfile::kib64).ok());
  std::mt19937_64 random(1);
  const Blob bytes = mixed_bytes(random, 4 << 20);
  auto store = Store::open(*files, folder, small_containers(1 << 20)).value();
  const StreamId id = put(*store, bytes).id;
  ASSERT_TRUE(store->commit().ok());
  store = Store::open(*files, folder, small_containers(1 << 20)).value();
  EXPECT_TRUE(get(*store, id) == bytes);
  expect_clean(*store);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stillframe::chunkstore
