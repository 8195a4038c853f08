#include "tests/dedup/jobs/job_fixture.hpp"
#include "writers/dedup/jobs/garbage_collection.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"

namespace stillframe::dedup {
namespace {

using chunkstore::ScrubDepth;
using tests::Blob;
using tests::random_bytes;

class ScrubJob : public tests::JobTest {
 protected:
  ScrubbingReport scrub(ScrubDepth depth, std::uint32_t references_min = 0) {
    JobControl control;
    return scrub_volume(volume(), {depth, references_min, {}}, control);
  }
  // In the frames of the first container of data, well behind its header.
  void damage_data() {
    const auto file = open_file(own() + "/store/containers/00000001.00000001", O_WRONLY).value();
    ASSERT_TRUE(write_all_at(file.get(), std::string(16, 'x'), 90'000, "container").ok());
  }
};

TEST_F(ScrubJob, FindsASoundVolumeSound) {
  make("a", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  const auto report = scrub(ScrubDepth::deep);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_EQ(report.files, 1u);
  EXPECT_GE(report.store.bytes, 300'000u);
  EXPECT_TRUE(report.store.damage.empty());
  EXPECT_TRUE(report.damaged.empty());
}

TEST_F(ScrubJob, NamesTheFilesThatLostSomethingAndNoOther) {
  const Blob bytes = make("a/damaged", 300'000);
  put("b", bytes);  // the same chunks
  ASSERT_EQ(optimize().optimized, 2u);
  make("sound", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  damage_data();
  EXPECT_TRUE(scrub(ScrubDepth::regular).damaged.empty());
  const auto report = scrub(ScrubDepth::deep);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_FALSE(report.store.damage.empty());
  ASSERT_EQ(report.damaged.size(), 2u);
  std::set<BytePath> names;
  for (const DamagedFile& file : report.damaged) {
    names.insert(file.path);
    ASSERT_FALSE(file.lost.empty());
    EXPECT_LE(file.lost.back().offset + file.lost.back().bytes, 300'000u);
    EXPECT_EQ(file.why.code(), Errc::corrupt);
  }
  EXPECT_EQ(names, (std::set<BytePath>{"a/damaged", "b"}));
}

TEST_F(ScrubJob, WhatAFileHasReplacedIsNoLoss) {
  make("a", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  files_->exclusively([&] {
    DedupFile& file = *files_->open("a").value();
    ASSERT_TRUE(file.write(0, Blob(300'000, std::byte{1})).ok());
    ASSERT_TRUE(file.sync().ok());
  });
  damage_data();
  const auto report = scrub(ScrubDepth::deep);
  ASSERT_TRUE(report.ended.ok());
  EXPECT_FALSE(report.store.lost.empty());
  EXPECT_TRUE(report.damaged.empty());
}

TEST_F(ScrubJob, WhatManyFilesNameIsKeptTwiceAndPutRightFromThere) {
  const Blob common = random_bytes(random_, 100'000);
  for (int i = 0; i < 6; ++i) put("common" + std::to_string(i), common);
  ASSERT_EQ(optimize().optimized, 6u);
  const auto first = scrub(ScrubDepth::deep, 5);
  ASSERT_TRUE(first.ended.ok()) << first.ended.error().what();
  EXPECT_GT(first.copies.chunks, 0u);
  EXPECT_EQ(first.copies.written, first.copies.chunks);
  EXPECT_EQ(first.median_references, 6u);
  EXPECT_EQ(first.repaired_chunks, 0u);
  EXPECT_EQ(scrub(ScrubDepth::regular, 5).copies.written, 0u) << "they are there";
  // Copies are no garbage, and the container is complete then.
  JobControl control;
  ASSERT_TRUE(collect_garbage(volume(), CollectionExtent::full, control).ended.ok());
  open_volume();
  damage_data();
  const auto report = scrub(ScrubDepth::deep, 5);
  ASSERT_TRUE(report.ended.ok()) << report.ended.error().what();
  EXPECT_FALSE(report.found.empty());
  EXPECT_EQ(report.repaired_containers, 1u);
  EXPECT_GT(report.repaired_chunks, 0u);
  EXPECT_TRUE(report.store.damage.empty());
  EXPECT_TRUE(report.damaged.empty());
  open_volume();
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(content_of("common" + std::to_string(i)).value() == common);
  }
  EXPECT_TRUE(scrub(ScrubDepth::deep, 5).found.empty());
}

TEST_F(ScrubJob, CopiesOfWhatNoFileHasAreGarbage) {
  const Blob common = random_bytes(random_, 100'000);
  for (int i = 0; i < 6; ++i) put("common" + std::to_string(i), common);
  ASSERT_EQ(optimize().optimized, 6u);
  ASSERT_GT(scrub(ScrubDepth::regular, 5).copies.written, 0u);
  for (int i = 0; i < 6; ++i) std::filesystem::remove(path("common" + std::to_string(i)));
  JobControl control;
  const auto collected = collect_garbage(volume(), CollectionExtent::full, control);
  ASSERT_TRUE(collected.ended.ok()) << collected.ended.error().what();
  EXPECT_GE(collected.plan.dead_bytes, 200'000u);
}

TEST_F(ScrubJob, IsCancelled) {
  make("a", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  JobControl control;
  control.cancel();
  EXPECT_EQ(scrub_volume(volume(), {ScrubDepth::deep, 0, {}}, control).ended.error().code(),
            Errc::cancelled);
}

}  // namespace
}  // namespace stillframe::dedup
