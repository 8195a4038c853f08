// Writes of more segments than a reader takes for one unless the first of them is held back.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/ese/support/log_image.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese::tests {
namespace {

constexpr std::uint16_t kFileSegments = 700;
constexpr std::size_t kShort = LogReadRules{}.write_segments_max;
constexpr std::size_t kLong = LogReadRules{}.held_back_segments_max;

class EseLongLogWrite : public ::testing::Test {
 protected:
  // Records of up to `most` bytes, until so many segments wait.
  void append_segments(std::size_t segments, std::size_t most) {
    const std::size_t end = writer_.position().isec + segments;
    while (writer_.position().isec < end) {
      records_.push_back(trace_of(random_() % most, random_));
      ASSERT_TRUE(writer_.append(records_.back(), {}));
    }
  }
  void flush(FlushMode mode) {
    carry_out(writer_.flush(mode), image_);
    flushed_ = records_.size();
  }
  // What a crash in the step may leave is read as a prefix that has what was flushed before.
  void expect_prefix_if_torn(const LogWriteStep& step) {
    for (std::uint64_t i = 0; i < stillframe::tests::scaled(40); ++i) {
      const ReadBack back = read_back({torn_by(step, image_, random_)});
      ASSERT_FALSE(back.error) << back.error->what();
      ASSERT_GE(back.records.size(), flushed_);
      ASSERT_LE(back.records.size(), records_.size());
      ASSERT_TRUE(std::equal(back.records.begin(), back.records.end(), records_.begin()));
    }
  }
  void damage(std::size_t isec) { image_[isec * kLogSegmentBytes + 700] ^= std::byte{1}; }

  std::mt19937_64 random_{7};
  LogSegmentWriter writer_{Generation{1}, kFileSegments};
  Image image_ = empty_file(header_of(Generation{1}, kFileSegments));
  std::vector<RecordBytes> records_;
  std::size_t flushed_ = 0;
};

TEST_F(EseLongLogWrite, IsTwoStepsAndReadsBack) {
  append_segments(kLong - 1, 3000);
  const auto steps = writer_.flush(FlushMode::close);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[1].front().bytes.size(), kSector);
  carry_out({steps[0]}, image_);
  EXPECT_TRUE(read_back({image_}).records.empty());  // held back until all else is durable
  carry_out({steps[1]}, image_);
  EXPECT_EQ(read_back({image_}).records, records_);
}

// The first place of the rest holds a copy: what is torn there does not begin with zeros.
TEST_F(EseLongLogWrite, BehindACopyTheFirstStepIsShort) {
  append_segments(3, 300);
  flush(FlushMode::keep_open);
  append_segments(100, 300);
  const auto steps = writer_.flush(FlushMode::keep_open);
  ASSERT_EQ(steps.size(), 4u);  // the segment that has a copy, a short one, a long one
  EXPECT_EQ(steps[0].front().bytes.size(), kLogSegmentBytes);
  EXPECT_EQ(steps[1].front().bytes.size(), kShort * kLogSegmentBytes);
  for (const LogWriteStep& step : steps) {
    expect_prefix_if_torn(step);
    carry_out({step}, image_);
  }
  EXPECT_EQ(read_back({image_}).records, records_);
}

TEST_F(EseLongLogWrite, AStepIsBounded) {
  append_segments(2 * kLong + 20, 5000);
  const auto steps = writer_.flush(FlushMode::close);
  EXPECT_EQ(steps.size(), 6u);
  for (const LogWriteStep& step : steps) {
    EXPECT_LE(step.front().bytes.size(), kLong * kLogSegmentBytes);
    expect_prefix_if_torn(step);
    carry_out({step}, image_);
  }
  EXPECT_EQ(read_back({image_}).records, records_);
}

TEST_F(EseLongLogWrite, AFileThatMayHoldAnythingGetsShortSteps) {
  for (std::size_t i = kLogSegmentBytes; i < image_.size(); ++i) {
    image_[i] = static_cast<std::byte>(random_());
  }
  writer_.distrust_file();
  append_segments(60, 300);
  const auto steps = writer_.flush(FlushMode::close);
  EXPECT_EQ(steps.size(), 4u);
  for (const LogWriteStep& step : steps) {
    expect_prefix_if_torn(step);
    carry_out({step}, image_);
  }
  EXPECT_EQ(read_back({image_}).records, records_);
}

TEST_F(EseLongLogWrite, EveryTearOfARandomLogGivesAPrefix) {
  for (std::uint64_t round = 0; round < 12; ++round) {
    append_segments(1 + random_() % 45, 1 + (round % 3 == 0 ? 9000 : 400));
    const auto mode = random_() % 2 == 0 ? FlushMode::keep_open : FlushMode::close;
    for (const LogWriteStep& step : writer_.flush(mode)) {
      expect_prefix_if_torn(step);
      carry_out({step}, image_);
    }
    flushed_ = records_.size();
    ASSERT_EQ(read_back({image_}).records, records_);
  }
}

// Once it is whole, nothing in it looks torn but what is near its end.
TEST_F(EseLongLogWrite, DamageIsALieInTheLastWriteToo) {
  append_segments(50, 300);
  flush(FlushMode::close);
  append_segments(100, 300);
  flush(FlushMode::close);
  const Image good = image_;
  const std::size_t end = read_back({image_}).end.position.isec;
  for (const std::size_t isec :
       {std::size_t{2}, std::size_t{51}, std::size_t{52}, end - kShort - 1}) {
    image_ = good;
    damage(isec);
    const ReadBack back = read_back({image_});
    ASSERT_TRUE(back.error) << isec;
    EXPECT_TRUE(is(*back.error, EseErr::log_corrupted)) << back.error->what();
  }
}

// Zeros where a segment was are taken for one that was held back only as far as a write goes.
TEST_F(EseLongLogWrite, ZerosFarFromTheEndAreALie) {
  append_segments(kLong + 50, 300);
  flush(FlushMode::close);
  std::fill_n(image_.begin() + 3 * kLogSegmentBytes, kSector, std::byte{0});
  const ReadBack back = read_back({image_});
  ASSERT_TRUE(back.error);
  EXPECT_TRUE(is(*back.error, EseErr::log_corrupted)) << back.error->what();
}

// The repair zeros hundreds of good segments, and is torn itself.
TEST_F(EseLongLogWrite, ARepairOfATornLongWriteMayBeTorn) {
  append_segments(20, 300);
  flush(FlushMode::close);
  append_segments(200, 300);
  const auto steps = writer_.flush(FlushMode::close);
  image_ = torn_by(steps[0], image_, random_);
  const std::vector<RecordBytes> shown = read_back({image_}).records;
  const auto plan = [&] {
    const auto log = LogGeneration::read(image_, "edb.log").value();
    return plan_tail_repair(log, read_back({image_}).end.torn);
  };
  for (const LogWriteStep& step : plan().steps) {
    for (int tear = 0; tear < 3; ++tear) {
      const ReadBack back = read_back({torn_by(step, image_, random_)});
      ASSERT_FALSE(back.error) << back.error->what();
      ASSERT_EQ(back.records, shown);
    }
    carry_out({step}, image_);
  }
  const LogTailRepair done = plan();
  LogSegmentWriter further(Generation{1}, kFileSegments, done.begin, done.checksums);
  ASSERT_TRUE(further.append(trace_of(100, random_), {}));
  carry_out(further.flush(FlushMode::keep_open), image_);
  const ReadBack back = read_back({image_});
  ASSERT_FALSE(back.error) << back.error->what();
  EXPECT_EQ(back.records.size(), shown.size() + 1);
}

}  // namespace
}  // namespace stillframe::ese::tests
