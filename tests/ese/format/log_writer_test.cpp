#include "writers/ese/format/log_writer.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/log_image.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {
namespace {

constexpr std::uint16_t kFileSegments = 24;

using namespace tests;

LogFileHeader header_of(Generation generation) {
  return tests::header_of(generation, kFileSegments);
}

// Drawn anew in every run; STILLFRAME_TEST_SEED repeats one that failed.
std::uint64_t seed_to_run() {
  const char* text = std::getenv("STILLFRAME_TEST_SEED");
  return text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
}

// Mostly short records, some that are cut, a few of several segments.
RecordBytes random_record(std::mt19937_64& random) {
  const auto pick = random() % 100;
  if (pick < 50) return encode_record(MacroRecord{});
  if (pick < 90) return trace_of(random() % 300, random);
  return trace_of(pick < 97 ? random() % 4000 : random() % 20000, random);
}

bool is_prefix(const std::vector<RecordBytes>& shorter, const std::vector<RecordBytes>& longer) {
  return shorter.size() <= longer.size() &&
         std::equal(shorter.begin(), shorter.end(), longer.begin());
}

// A log that is written at random, remembering what it must not lose.
struct Written {
  Image image = empty_file(header_of(Generation{1}));
  std::vector<RecordBytes> records;
  std::vector<Lgpos> positions;
  std::size_t flushed = 0;
};

Written write_at_random(std::mt19937_64& random, LogSegmentWriter& writer, std::size_t count) {
  Written log;
  for (std::size_t i = 0; i < count; ++i) {
    const RecordBytes record = random_record(random);
    const auto appended = writer.append(record, {});
    if (!appended) break;
    log.records.push_back(record);
    log.positions.push_back(appended->at);
    if (random() % 8 != 0) continue;
    carry_out(writer.flush(random() % 2 ? FlushMode::close : FlushMode::keep_open), log.image);
    log.flushed = log.records.size();
  }
  return log;
}

TEST(EseLogWriter, WhatIsWrittenIsReadBackInPlace) {
  const std::uint64_t seed = seed_to_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(100); ++round) {
    LogSegmentWriter writer(Generation{1}, kFileSegments);
    Written log = write_at_random(random, writer, 200);
    carry_out(writer.flush(FlushMode::keep_open), log.image);
    const ReadBack back = read_back({log.image});
    ASSERT_FALSE(back.error) << back.error->what();
    ASSERT_EQ(back.records, log.records);
    ASSERT_EQ(back.positions, log.positions);
  }
}

TEST(EseLogWriter, ACrashInAnyWriteLosesNothingThatWasFlushed) {
  const std::uint64_t seed = seed_to_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uint64_t crashes = 0;
  while (crashes < stillframe::tests::scaled(2000)) {
    LogSegmentWriter writer(Generation{1}, kFileSegments);
    Written log = write_at_random(random, writer, 1 + random() % 120);
    const FlushMode mode = random() % 2 ? FlushMode::close : FlushMode::keep_open;
    for (const LogWriteStep& step : writer.flush(mode)) {
      for (int tear = 0; tear < 4; ++tear, ++crashes) {
        const ReadBack back = read_back({torn_by(step, log.image, random)});
        ASSERT_FALSE(back.error) << back.error->what();
        ASSERT_GE(back.records.size(), log.flushed);
        ASSERT_TRUE(is_prefix(back.records, log.records));
      }
      carry_out({step}, log.image);
    }
  }
}

// The tail of a log that was flushed keeping its last segment open, cut short or zeroed in one
// sector at a time.
TEST(EseLogWriter, ATailThatIsCutOrZeroedGivesAPrefix) {
  std::mt19937_64 random(17);
  LogSegmentWriter writer(Generation{1}, kFileSegments);
  Written log = write_at_random(random, writer, 60);
  carry_out(writer.flush(FlushMode::close), log.image);
  const std::size_t flushed_before = log.records.size();
  for (int i = 0; i < 30; ++i) {
    log.records.push_back(trace_of(random() % 500, random));
    ASSERT_TRUE(writer.append(log.records.back(), {}));
  }
  const std::size_t begin = writer.position().isec * kLogSegmentBytes;
  const std::size_t first_unflushed = read_back({log.image}).end.position.isec * kLogSegmentBytes;
  carry_out(writer.flush(FlushMode::keep_open), log.image);
  ASSERT_EQ(read_back({log.image}).records, log.records);
  const std::size_t end = begin + 2 * kLogSegmentBytes;
  for (std::size_t at = first_unflushed; at < end; at += kSector) {
    Image zeroed = log.image, cut = log.image;
    std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), kSector, std::byte{0});
    cut.resize(at);
    for (const Image& damaged : {zeroed, cut}) {
      const ReadBack back = read_back({damaged});
      ASSERT_FALSE(back.error) << back.error->what();
      ASSERT_TRUE(is_prefix(back.records, log.records)) << at;
      ASSERT_GE(back.records.size(), flushed_before) << at;
    }
  }
  // The last segment has its copy, so no single sector of it is missed.
  for (std::size_t at = begin; at < end; at += kSector) {
    Image zeroed = log.image;
    std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), kSector, std::byte{0});
    EXPECT_EQ(read_back({zeroed}).records, log.records) << at;
  }
}

TEST(EseLogWriter, DamageFarFromTheEndIsALieAndNotATornTail) {
  LogSegmentWriter writer(Generation{1}, kFileSegments);
  Image image = empty_file(header_of(Generation{1}));
  std::mt19937_64 random(3);
  for (int i = 1; writer.append(trace_of(1000, random), {}); ++i) {
    if (i % 30 == 0) carry_out(writer.flush(FlushMode::close), image);
  }
  carry_out(writer.flush(FlushMode::close), image);
  image[2 * kLogSegmentBytes + 700] ^= std::byte{1};
  const ReadBack back = read_back({image});
  ASSERT_TRUE(back.error);
  EXPECT_TRUE(is(*back.error, EseErr::log_corrupted)) << back.error->what();
}

// Two generations, the first left when a record does not fit any more.
struct TwoGenerations {
  std::vector<Image> files;
  std::vector<RecordBytes> records;
};

TwoGenerations two_generations(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  TwoGenerations logs;
  LogFileHeader header = header_of(Generation{1});
  logs.files.push_back(empty_file(header));
  LogSegmentWriter first(Generation{1}, kFileSegments);
  RecordBytes record = random_record(random);
  for (; first.append(record, {}); record = random_record(random)) logs.records.push_back(record);
  carry_out(first.flush(FlushMode::keep_open), logs.files[0]);
  LogTime later;
  later.day = 9;
  header = next_log_header(header, first.checksums(), later, {}, {});
  logs.files.push_back(empty_file(header));
  LogSegmentWriter second(Generation{2}, kFileSegments);
  for (int i = 0; i < 20; ++i, record = random_record(random)) {
    if (!second.append(record, {})) break;
    logs.records.push_back(record);
  }
  carry_out(second.flush(FlushMode::keep_open), logs.files[1]);
  return logs;
}

TEST(EseLogWriter, GenerationsFollowEachOther) {
  for (std::uint64_t seed = 0; seed < stillframe::tests::scaled(50); ++seed) {
    const TwoGenerations logs = two_generations(seed);
    const ReadBack back = read_back(logs.files);
    ASSERT_FALSE(back.error) << seed << ": " << back.error->what();
    ASSERT_EQ(back.records, logs.records) << seed;
  }
}

TEST(EseLogWriter, AGenerationThatChangedAfterTheNextWasBegunIsNoticed) {
  TwoGenerations logs = two_generations(4);
  MutableBytes segment = MutableBytes(logs.files[0]).subspan(kLogSegmentBytes, kLogSegmentBytes);
  LogTime other;
  other.day = 3;
  seal_segment(segment, {0, 1, Generation{1}}, other);
  const ReadBack back = read_back(logs.files);
  ASSERT_TRUE(back.error);
  EXPECT_TRUE(is(*back.error, EseErr::log_sequence_checksum_mismatch)) << back.error->what();
}

TEST(EseLogWriter, AnOlderGenerationThatIsTornIsAnError) {
  TwoGenerations logs = two_generations(5);
  const std::size_t last = (kFileSegments - 3u) * kLogSegmentBytes;
  std::fill_n(logs.files[0].begin() + static_cast<std::ptrdiff_t>(last + 100), 200, std::byte{7});
  const ReadBack back = read_back(logs.files);
  ASSERT_TRUE(back.error);
  EXPECT_TRUE(is(*back.error, EseErr::log_corrupted)) << back.error->what();
}

LogTailRepair plan_repair(const Image& image) {
  const auto generation = LogGeneration::read(image, "edb.log").value();
  return plan_tail_repair(generation, read_back({image}).end.torn);
}

// Carries a repair out, and before that, of every step, the outer sectors of each write alone, and
// all but one of them.
void expect_the_same_in_every_torn_repair(Image image) {
  const std::vector<RecordBytes> shown = read_back({image}).records;
  for (const LogWriteStep& step : plan_repair(image).steps) {
    Image done = image;
    carry_out({step}, done);
    for (const LogWrite& write : step) {
      for (const std::size_t at : {std::size_t{0}, write.bytes.size() - kSector}) {
        const auto sector = static_cast<std::ptrdiff_t>(write.offset + at);
        Image alone = image, all_but = done;
        std::copy_n(done.begin() + sector, kSector, alone.begin() + sector);
        std::copy_n(image.begin() + sector, kSector, all_but.begin() + sector);
        for (const Image& torn : {alone, all_but}) {
          const ReadBack back = read_back({torn});
          ASSERT_FALSE(back.error) << back.error->what();
          ASSERT_EQ(back.records, shown) << "sector at " << sector;
        }
      }
    }
    image = done;
  }
  EXPECT_EQ(read_back({image}).records, shown);
}

// The torn segment lacks nothing but zeros, which is what a repair writes.
TEST(EseLogWriter, ARepairThatIsTornDoesNotCompleteATornSegment) {
  std::mt19937_64 random(1);
  LogSegmentWriter writer(Generation{1}, kFileSegments);
  Image image = empty_file(header_of(Generation{1}));
  ASSERT_TRUE(writer.append(trace_of(200, random), {}));
  carry_out(writer.flush(FlushMode::close), image);
  ASSERT_TRUE(writer.append(trace_of(200, random), {}));
  carry_out(writer.flush(FlushMode::keep_open), image);
  ASSERT_EQ(read_back({image}).records.size(), 2u);
  for (const std::size_t isec : {2, 3}) {
    image[(isec + 1) * kLogSegmentBytes - 1] = std::byte{1};
  }
  ASSERT_EQ(read_back({image}).records.size(), 1u);
  expect_the_same_in_every_torn_repair(image);
}

// More segments than one write covers are to be cleared, nearly all of them good.
TEST(EseLogWriter, ARepairThatIsTornIsNoLieAboutALongCutRecord) {
  std::mt19937_64 random(1);
  LogSegmentWriter writer(Generation{1}, kFileSegments);
  Image image = empty_file(header_of(Generation{1}));
  for (const std::size_t bytes : {200, 65000, 15000}) {
    ASSERT_TRUE(writer.append(trace_of(bytes, random), {}));
  }
  carry_out(writer.flush(FlushMode::close), image);
  ASSERT_EQ(read_back({image}).records.size(), 3u);
  ASSERT_EQ(read_back({image}).end.position.isec, 21);
  image[16 * kLogSegmentBytes + 100] ^= std::byte{1};  // a piece of the second
  ASSERT_EQ(read_back({image}).records.size(), 1u);
  expect_the_same_in_every_torn_repair(image);
}

// Reads a log and continues it with one record; the repair before is torn in a random step first.
void repair_and_continue(Written& log, std::mt19937_64& random) {
  const ReadBack before = read_back({log.image});
  ASSERT_FALSE(before.error) << before.error->what();
  LogTailRepair repair = plan_repair(log.image);
  const std::size_t crash = repair.steps.empty() ? 0 : random() % repair.steps.size();
  for (std::size_t i = 0; i < crash; ++i) carry_out({repair.steps[i]}, log.image);
  if (!repair.steps.empty()) log.image = torn_by(repair.steps[crash], log.image, random);
  ASSERT_EQ(read_back({log.image}).records, before.records);
  repair = plan_repair(log.image);
  carry_out(repair.steps, log.image);
  LogSegmentWriter writer(Generation{1}, kFileSegments, repair.begin, repair.checksums);
  const RecordBytes record = encode_record(QuitRecord2{});
  if (!writer.append(record, {})) return;
  carry_out(writer.flush(FlushMode::keep_open), log.image);
  const ReadBack after = read_back({log.image});
  ASSERT_FALSE(after.error) << after.error->what();
  ASSERT_EQ(after.records.size(), before.records.size() + 1);
  ASSERT_TRUE(is_prefix(before.records, after.records));
  ASSERT_EQ(writer.checksums(), LogGeneration::read(log.image, "edb.log").value().checksums());
}

TEST(EseLogWriter, ARepairedTailIsContinuedWithoutALoss) {
  const std::uint64_t seed = seed_to_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(300); ++round) {
    LogSegmentWriter writer(Generation{1}, kFileSegments);
    Written log = write_at_random(random, writer, 1 + random() % 60);
    const auto steps = writer.flush(FlushMode::keep_open);
    if (!steps.empty()) log.image = torn_by(steps[0], log.image, random);
    repair_and_continue(log, random);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace stillframe::ese
