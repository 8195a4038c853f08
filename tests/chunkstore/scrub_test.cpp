// Damage of each kind, and what is said to be lost by it.
#include "framework/chunkstore/scrub.hpp"

#include <algorithm>

#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using tests::Blob;
using tests::collect;
using tests::create;
using tests::kFolder;
using tests::put;
using tests::random_bytes;
using tests::small_containers;

class ScrubTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = create(files_, small_containers(1 << 20));
    for (Blob& each : bytes_) {
      each = random_bytes(random_, 3 << 20);
      ids_.push_back(put(*store, each).id);
    }
    ASSERT_TRUE(store->commit().ok());
  }

  void damage(const BytePath& path, std::uint64_t at) {
    auto file = files_.open(path, FileAccess::write).value();
    ASSERT_TRUE(file->write(at, Blob(16, std::byte{0x55})).ok());
  }

  ScrubReport scrub_all(ScrubDepth depth) {
    auto report = scrub(*StoreReader::open(files_, kFolder).value(), ids_, depth);
    EXPECT_TRUE(report.ok()) << report.error().what();
    return report.ok() ? report.value() : ScrubReport{};
  }

  // A stream is lost where it is said to be, and can be read everywhere else.
  void expect_readable_but_for(StreamId id, const Blob& bytes, const std::vector<LostRange>& lost) {
    const auto reader = StoreReader::open(files_, kFolder).value();
    auto stream = reader->read_stream(id).value();
    std::uint64_t at = 0;
    const auto expect_good = [&](std::uint64_t end) {
      Blob found(end - at);
      ASSERT_TRUE(stream.read(at, found).ok());
      EXPECT_TRUE(
          std::equal(found.begin(), found.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
    };
    for (const LostRange& range : lost) {
      expect_good(range.offset);
      Blob found(range.bytes);
      EXPECT_FALSE(stream.read(range.offset, found).ok());
      at = range.offset + range.bytes;
    }
    expect_good(bytes.size());
  }

  CrashingFiles files_;
  std::mt19937_64 random_{1};
  Blob bytes_[2];
  std::vector<StreamId> ids_;
  const BytePath data_ = "/store/containers/00000001.00000001";
};

TEST_F(ScrubTest, OfASoundStoreNothingIsLost) {
  for (const ScrubDepth depth : {ScrubDepth::regular, ScrubDepth::deep}) {
    const ScrubReport report = scrub_all(depth);
    EXPECT_TRUE(report.damage.empty());
    EXPECT_TRUE(report.lost.empty());
    EXPECT_EQ(report.streams, 2u);
    EXPECT_EQ(report.containers, files_.list("/store/containers").value().size());
    EXPECT_EQ(report.chunks > 0, depth == ScrubDepth::deep);
  }
}

TEST_F(ScrubTest, RotInTheDataIsFoundByADeepOneAndSaidByStreamAndRange) {
  damage(data_, 300000);
  EXPECT_TRUE(scrub_all(ScrubDepth::regular).damage.empty());
  const ScrubReport report = scrub_all(ScrubDepth::deep);
  ASSERT_EQ(report.damage.size(), 1u);
  EXPECT_EQ(report.damage[0].container, 1u);
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].id, ids_[0]);
  EXPECT_FALSE(report.lost[0].wholly);
  ASSERT_EQ(report.lost[0].ranges.size(), 1u);
  EXPECT_LE(report.lost[0].ranges[0].bytes, kFrameFilledBytes);
  expect_readable_but_for(ids_[0], bytes_[0], report.lost[0].ranges);
  expect_readable_but_for(ids_[1], bytes_[1], {});
}

TEST_F(ScrubTest, AMissingContainerIsFoundByARegularOne) {
  ASSERT_TRUE(files_.remove("/store/containers/00000003.00000001").ok());
  for (const ScrubDepth depth : {ScrubDepth::regular, ScrubDepth::deep}) {
    const ScrubReport report = scrub_all(depth);
    ASSERT_EQ(report.lost.size(), 1u);
    EXPECT_EQ(report.lost[0].why.code(), Errc::not_found);
    expect_readable_but_for(report.lost[0].id, bytes_[0], report.lost[0].ranges);
  }
}

TEST_F(ScrubTest, AFooterThatRottedIsFoundByARegularOne) {
  const auto size = files_.open(data_, FileAccess::read).value()->size().value();
  damage(data_, size - 100);
  const ScrubReport report = scrub_all(ScrubDepth::regular);
  ASSERT_EQ(report.damage.size(), 1u);
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_GT(report.lost[0].ranges[0].bytes, 900000u);
}

TEST_F(ScrubTest, AStreamWhoseMapIsLostIsLostWholly) {
  const BytePath maps = "/store/containers/" + container_file_name(ids_[0].map.container, 1);
  damage(maps, kContainerHeaderBytes + 200);
  const ScrubReport report = scrub_all(ScrubDepth::regular);
  ASSERT_EQ(report.lost.size(), 2u);  // both maps lie in one frame
  EXPECT_TRUE(report.lost[0].wholly);
}

TEST_F(ScrubTest, ChunksThatWereCollectedAreMissedByStreamsThatNameThem) {
  const auto reader = StoreReader::open(files_, kFolder).value();
  auto store = tests::open(files_, small_containers(1 << 20));
  collect(*store, {ids_[1]}, Collection::kFull);
  const auto report = scrub(*reader, ids_, ScrubDepth::deep).value();
  EXPECT_TRUE(report.damage.empty());
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].id, ids_[0]);
}

TEST_F(ScrubTest, CanBeStopped) {
  const auto reader = StoreReader::open(files_, kFolder).value();
  int left = 3;
  EXPECT_EQ(scrub(*reader, ids_, ScrubDepth::deep, [&](const ScrubProgress&) { return left-- > 0; })
                .error()
                .code(),
            Errc::cancelled);
}

}  // namespace
}  // namespace stillframe::chunkstore
