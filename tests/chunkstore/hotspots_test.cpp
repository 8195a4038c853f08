// Chunks that many streams name are there twice, and are taken from there when one of them rots.
#include "framework/chunkstore/hotspots.hpp"

#include <algorithm>
#include <map>

#include "framework/chunkstore/scrub.hpp"
#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::get;
using tests::kFolder;
using tests::put;
using tests::random_bytes;
using tests::small_containers;

constexpr std::uint32_t kReferences = 5;

class HotspotsTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = create(files_, small_containers(200'000));
    // Eight times the same, in a frame of its own, and others.
    const Blob common = random_bytes(random_, 100'000);
    for (int i = 0; i < 8; ++i) add(common);
    ASSERT_TRUE(store_->commit().ok());
    for (int i = 0; i < 8; ++i) add(random_bytes(random_, 60'000));
    ASSERT_TRUE(store_->commit().ok());
  }
  void add(const Blob& bytes) {
    ids_.push_back(put(*store_, bytes).id);
    bytes_.push_back(bytes);
  }
  void reopen() {
    store_.reset();
    store_ = tests::open(files_, small_containers(200'000));
    ASSERT_NE(store_, nullptr);
  }
  ScrubReport look(ScrubDepth depth = ScrubDepth::deep) {
    const auto reader = StoreReader::open(files_, kFolder).value();
    auto report = scrub(*reader, ids_, depth, {}, kReferences);
    EXPECT_TRUE(report.ok()) << report.error().what();
    return report.ok() ? report.value() : ScrubReport{};
  }
  std::vector<ChunkName> hot_chunks() {
    std::vector<ChunkName> names;
    for (const HotChunk& each : look().hot) names.push_back(each.name);
    return names;
  }
  HotspotCopies keep_copies() {
    const auto copies = store_->keep_copies(hot_chunks());
    EXPECT_TRUE(copies.ok()) << copies.error().what();
    return copies.ok() ? copies.value() : HotspotCopies{};
  }
  std::vector<BytePath> containers() {
    auto names = files_.list("/store/containers");
    EXPECT_TRUE(names.ok());
    return std::move(names).value();
  }
  // Of the container with the chunks that many name: in their frame.
  void damage(std::uint32_t container, std::uint64_t at = 5'000) {
    for (const BytePath& name : containers()) {
      if (parse_container_file_name(name).value().id != container) continue;
      auto file = files_.open("/store/containers/" + name, FileAccess::write).value();
      ASSERT_TRUE(file->write(at, Blob(16, std::byte{0x55})).ok() && file->sync().ok());
    }
  }
  void expect_all_readable() {
    for (std::size_t i = 0; i < ids_.size(); ++i) EXPECT_TRUE(get(*store_, ids_[i]) == bytes_[i]);
  }

  CrashingFiles files_;
  std::mt19937_64 random_{1};
  std::unique_ptr<Store> store_;
  std::vector<Blob> bytes_;
  std::vector<StreamId> ids_;
};

TEST_F(HotspotsTest, AScrubFindsWhatManyStreamsName) {
  const auto hot = look().hot;
  ASSERT_FALSE(hot.empty());
  for (const HotChunk& each : hot) EXPECT_EQ(each.references, 8u);
  EXPECT_TRUE(std::is_sorted(hot.begin(), hot.end(), [](const HotChunk& a, const HotChunk& b) {
    return a.references > b.references;
  }));
  const auto reader = StoreReader::open(files_, kFolder).value();
  EXPECT_TRUE(scrub(*reader, ids_, ScrubDepth::regular, {}, 9).value().hot.empty());
  EXPECT_TRUE(scrub(*reader, ids_, ScrubDepth::regular).value().hot.empty());
}

TEST_F(HotspotsTest, CopiesAreInOtherContainersAndMadeOnce) {
  const HotspotCopies copies = keep_copies();
  EXPECT_GT(copies.chunks, 1u);
  EXPECT_EQ(copies.written, copies.chunks);
  EXPECT_GT(copies.written_bytes, 50'000u);
  EXPECT_EQ(copies.left_out, 0u);
  reopen();
  const HotspotCopies again = keep_copies();
  EXPECT_EQ(again.chunks, copies.chunks);
  EXPECT_EQ(again.written, 0u);
  tests::expect_clean(*store_);
  expect_all_readable();
}

TEST_F(HotspotsTest, ACollectionKeepsThemUntilOthersTakeTheirPlace) {
  const HotspotCopies copies = keep_copies();
  collect(*store_, ids_, Collection::kFull, true);
  reopen();
  EXPECT_EQ(keep_copies().written, 0u);
  ASSERT_TRUE(store_->keep_copies({}).ok());
  const auto dropped = collect(*store_, ids_, Collection::kFull, true).dropped_chunks;
  EXPECT_GE(dropped, copies.chunks);
  EXPECT_EQ(keep_copies().written, copies.chunks);
  expect_all_readable();
}

TEST_F(HotspotsTest, WhatIsDamagedIsTakenFromThem) {
  const auto hot = hot_chunks();
  keep_copies();
  collect(*store_, ids_, Collection::kFull, true);  // seals what it was appended to
  reopen();
  const std::uint32_t container = hot.front().container;
  damage(container);
  ASSERT_FALSE(look().damage.empty());
  ASSERT_FALSE(look().lost.empty());
  const auto repaired = store_->repair(container);
  ASSERT_TRUE(repaired.ok()) << repaired.error().what();
  EXPECT_GT(repaired.value(), 0u);
  EXPECT_TRUE(look().damage.empty());
  EXPECT_TRUE(look().lost.empty());
  expect_all_readable();
  tests::expect_clean(*store_);
  reopen();
  expect_all_readable();
  // And the container is one like any other.
  EXPECT_EQ(store_->repair(container).value(), 0u);
  collect(*store_, {ids_[1]}, Collection::kFull, true);
  EXPECT_TRUE(get(*store_, ids_[1]) == bytes_[1]);
}

TEST_F(HotspotsTest, ACopyIsPutRightFromTheChunkItself) {
  keep_copies();
  collect(*store_, ids_, Collection::kFull, true);
  reopen();
  std::uint32_t last = 0;
  std::uint64_t at = 0;
  for (const BytePath& name : containers()) {
    const auto file = parse_container_file_name(name).value();
    const auto reader =
        ContainerReader::open(files_, "/store/containers/" + name,
                              CommitFile::read_last(files_, kFolder).value().store, file);
    if (!reader.ok() || reader.value()->kind() != ContainerKind::data) continue;
    last = file.id;
    at = reader.value()->table().frames.back().offset + 1'000;
  }
  damage(last, at);
  ASSERT_FALSE(look().damage.empty());
  EXPECT_TRUE(look().lost.empty()) << "nothing but copies";
  EXPECT_GT(store_->repair(last).value(), 0u);
  EXPECT_TRUE(look().damage.empty());
}

TEST_F(HotspotsTest, WithoutACopyAContainerStaysAsItIs) {
  reopen();
  const auto before = containers();
  damage(1);
  const auto repaired = store_->repair(1);
  ASSERT_FALSE(repaired.ok());
  EXPECT_EQ(repaired.error().code(), Errc::not_found);
  EXPECT_EQ(containers(), before);
  EXPECT_FALSE(look().damage.empty());
}

TEST_F(HotspotsTest, ADamagedChunkIsNotCopied) {
  reopen();
  const auto hot = hot_chunks();
  damage(hot.front().container);
  const auto copies = store_->keep_copies(hot);
  ASSERT_TRUE(copies.ok());
  EXPECT_GT(copies.value().left_out, 0u);
}

// Another chunk of the same container may keep it from being repaired for now.
TEST_F(HotspotsTest, TheCopyOfADamagedChunkStays) {
  const HotspotCopies copies = keep_copies();
  collect(*store_, ids_, Collection::kFull, true);
  reopen();
  damage(hot_chunks().front().container);
  const HotspotCopies again = keep_copies();
  EXPECT_EQ(again.chunks, copies.chunks);
  EXPECT_EQ(again.written, 0u);
  collect(*store_, ids_, Collection::kFull, true);
  EXPECT_GT(store_->repair(hot_chunks().front().container).value(), 0u);
  expect_all_readable();
}

TEST_F(HotspotsTest, WhoAsksForThemSaysHowMuchMayBeWritten) {
  const auto hot = hot_chunks();
  std::uint64_t asked = 0;
  const auto one = store_->keep_copies(hot, [&](std::uint64_t) { return ++asked == 1; });
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one.value().written, 1u);
  EXPECT_EQ(one.value().chunks, 1u);
  EXPECT_EQ(one.value().left_out, hot.size() - 1);
  asked = 0;
  const auto rest = store_->keep_copies(hot, [&](std::uint64_t) { return ++asked > 0; });
  EXPECT_EQ(rest.value().written, hot.size() - 1);
  EXPECT_EQ(rest.value().chunks, hot.size());
  EXPECT_EQ(asked, hot.size() - 1) << "nobody is asked for what is there";
}

TEST_F(HotspotsTest, NothingHappensBesideACollection) {
  const auto collection = store_->begin_collection();
  ASSERT_TRUE(collection.ok());
  EXPECT_EQ(store_->keep_copies({}).error().code(), Errc::wrong_state);
  EXPECT_EQ(store_->repair(1).error().code(), Errc::wrong_state);
}

// The file that names the copies may be lost, and may name what is none any more.
TEST_F(HotspotsTest, WithoutTheFileThatNamesThemCopiesAreGarbage) {
  const auto copies = keep_copies();
  for (const bool there : {false, true}) {
    store_.reset();
    if (there) {
      auto file = files_.create("/store/hotspots");
      ASSERT_TRUE(file.ok() && file.value()->write(0, format_hotspots({{77, 7}})).ok());
    } else {
      ASSERT_TRUE(files_.remove("/store/hotspots").ok());
    }
    reopen();
    const auto result = collect(*store_, ids_, Collection::kFull, true);
    EXPECT_EQ(result.dropped_chunks >= copies.chunks, !there);
    expect_all_readable();
  }
}

// The machine stops at every operation of making copies, and of a repair.
TEST_F(HotspotsTest, MayStopAnywhere) {
  keep_copies();
  collect(*store_, ids_, Collection::kFull, true);
  const auto hot = hot_chunks();
  damage(hot.front().container);
  for (const bool repairs : {false, true}) {
    for (std::uint64_t stop = 1;; ++stop) {
      ASSERT_LT(stop, 300u);
      SCOPED_TRACE((repairs ? "repair, operation " : "copies, operation ") + std::to_string(stop));
      const auto copy = files_.after_crash(random_, 512);
      Status done = Ok{};
      {
        auto opened = Store::open(*copy, kFolder, small_containers(200'000));
        ASSERT_TRUE(opened.ok()) << opened.error().what();
        Store& store = *opened.value();
        ASSERT_TRUE(put(store, random_bytes(random_, 30'000)).bytes > 0 && store.commit().ok());
        copy->stop_at(stop);
        if (repairs) {
          const auto repaired = store.repair(hot.front().container);
          if (!repaired.ok()) done = repaired.error();
        } else {
          const auto kept = store.keep_copies(hot);
          if (!kept.ok()) done = kept.error();
        }
      }
      const auto left = copy->after_crash(random_, 512);
      auto again = Store::open(*left, kFolder, small_containers(200'000));
      ASSERT_TRUE(again.ok()) << again.error().what();
      const auto repaired = again.value()->repair(hot.front().container);
      ASSERT_TRUE(repaired.ok()) << repaired.error().what();
      for (std::size_t i = 0; i < ids_.size(); ++i) {
        ASSERT_TRUE(get(*again.value(), ids_[i]) == bytes_[i]) << i;
      }
      tests::expect_clean(*again.value());
      if (HasFailure()) return;
      if (done.ok() && !copy->stopped()) break;
    }
  }
}

TEST(Hotspots, ComeBackAndAreRefusedDamaged) {
  const StreamId copies{{12, 34}};
  auto bytes = format_hotspots(copies);
  EXPECT_EQ(parse_hotspots(bytes).value(), copies);
  for (std::byte& one : bytes) {
    one ^= std::byte{1};
    EXPECT_FALSE(parse_hotspots(bytes).ok());
    one ^= std::byte{1};
  }
  EXPECT_EQ(parse_hotspots(Bytes(bytes).first(31)).error().code(), Errc::truncated);
}

}  // namespace
}  // namespace stillframe::chunkstore
