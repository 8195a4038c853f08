#include "writers/dedup/engine/stored_measure.hpp"

#include <gtest/gtest.h>

#include "tests/dedup/writer/writer_volume.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::FsKind;

class StoredMeasureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    volume_ = tests::WriterVolume::make(FsKind::xfs, reason);
    if (!volume_) GTEST_SKIP() << reason;
  }
  Json measure(const std::string& path) {
    return volume_->ask({{"do", "measure"}, {"path", path}});
  }

  std::unique_ptr<tests::WriterVolume> volume_;
};

TEST_F(StoredMeasureTest, WhatOthersHaveAsWellIsNotFreedWithoutAFile) {
  const Json one = measure("/one");
  EXPECT_EQ(one["files_count"], 1);
  EXPECT_EQ(one["optimized_files_count"], 1);
  EXPECT_EQ(one["size"], volume_->one.size());
  EXPECT_LT(one["size_on_disk"], 100'000);
  EXPECT_EQ(one["dedup_size"], volume_->one.size());
  EXPECT_GT(one["dedup_chunk_count"], 1);
  EXPECT_EQ(one["dedup_distinct_size"], 0) << "two has the same";
  const Json sub = measure("sub");
  EXPECT_EQ(sub["files_count"], 1);
  EXPECT_EQ(sub["dedup_distinct_size"], volume_->three.size());
  EXPECT_EQ(sub["dedup_distinct_chunk_count"], sub["dedup_chunk_count"]);
  const Json all = measure("");
  EXPECT_EQ(all["files_count"], 4);
  EXPECT_EQ(all["optimized_files_count"], 3);
  EXPECT_EQ(all["size"], 2 * volume_->one.size() + volume_->three.size() + 5);
  EXPECT_EQ(all["dedup_distinct_size"], volume_->one.size() + volume_->three.size());
  EXPECT_GT(all["dedup_chunk_references"], all["dedup_chunk_count"]);
}

TEST_F(StoredMeasureTest, WithoutItWhatItSaysIsFreed) {
  const auto freed = measure("sub")["dedup_distinct_chunk_count"];
  volume_->below([](const std::string& root) { std::filesystem::remove_all(root + "/sub"); });
  const Json collected = volume_->ask({{"do", "gc"}, {"full", true}});
  EXPECT_GE(collected["dropped_chunks"], freed) << collected.dump();
}

TEST_F(StoredMeasureTest, APlainFileTakesNothingAndOneThatIsNotThereIsTold) {
  const Json plain = measure("plain");
  EXPECT_EQ(plain["files_count"], 1);
  EXPECT_EQ(plain["optimized_files_count"], 0);
  EXPECT_EQ(plain["dedup_chunk_count"], 0);
  const auto open = VolumeOnDevice::open(volume_->device());
  ASSERT_TRUE(open.ok());
  UnmountedFiles files(open.value()->root(), open.value()->parts());
  VolumeSession session(*open.value(), files, "");
  for (const char* wrong : {"/nowhere", "../one", "on"}) {
    EXPECT_EQ(session.answer(Json{{"do", "measure"}, {"path", wrong}}, {}).error().code(),
              Errc::not_found)
        << wrong;
  }
}

}  // namespace
}  // namespace stillframe::dedup
