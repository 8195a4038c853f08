#include "tests/dedup/jobs/job_fixture.hpp"
#include "writers/dedup/jobs/scrubbing.hpp"

namespace stillframe::dedup {
namespace {

using chunkstore::ScrubDepth;
using tests::Blob;

class ScrubJob : public tests::JobTest {
 protected:
  ScrubbingReport scrub(ScrubDepth depth) {
    JobControl control;
    return scrub_volume(volume(), depth, control);
  }
  // In the frames of the first container of data, well behind its header.
  void damage_data() {
    const auto file = open_file(own() + "/store/containers/00000001.00000001", O_WRONLY).value();
    ASSERT_TRUE(write_all_at(file.get(), std::string(16, 'x'), 100'000, "container").ok());
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

TEST_F(ScrubJob, IsCancelled) {
  make("a", 300'000);
  ASSERT_EQ(optimize().optimized, 1u);
  JobControl control;
  control.cancel();
  EXPECT_EQ(scrub_volume(volume(), ScrubDepth::deep, control).ended.error().code(),
            Errc::cancelled);
}

}  // namespace
}  // namespace stillframe::dedup
