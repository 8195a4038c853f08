#include "writers/ese/engine/log_stream.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "tests/ese/support/numbered_log.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/io/support/limited_files.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::LimitedFiles;
using tests::counting_clock;
using tests::numbered_record;
using tests::open_numbered_log;
using tests::QuietHost;
using tests::read_numbered_log;

LogStreamOptions small_log() {
  LogStreamOptions options;
  options.directory.path = "/log";
  options.file_bytes = 8 * 4096;
  return options;
}

// One log in files that are never lost.
struct Log {
  explicit Log(LogStreamOptions wanted = small_log()) : options(std::move(wanted)) { reopen(); }

  void reopen() {
    stream.reset();
    auto opened = open_numbered_log(files, options, host, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    stream = std::move(opened).value();
  }

  Lgpos append(std::size_t bytes) {
    const auto appended = stream->append(numbered_record(++last, bytes));
    EXPECT_TRUE(appended.ok()) << appended.error().what();
    return appended.ok() ? appended.value().at : Lgpos{};
  }

  // The number of records that a reader finds, all of them in order from 1.
  std::uint64_t found() {
    const auto read = read_numbered_log(files, options.directory);
    EXPECT_TRUE(read.ok()) << read.error().what();
    std::uint64_t expected = 0;
    if (!read.ok()) return 0;
    for (const auto& [at, number] : read.value().records) EXPECT_EQ(number, ++expected);
    return expected;
  }

  std::vector<BytePath> names() { return files.list("/log").value(); }

  CrashingFiles files;
  QuietHost host;
  LogStream::Clock clock = counting_clock();
  LogStreamOptions options;
  std::unique_ptr<LogStream> stream;
  std::uint64_t last = 0;
};

TEST(LogStream, ReadersFindWhatWasMadeDurableAndNoMore) {
  Log log;
  const Lgpos first = log.append(100);
  EXPECT_EQ(log.found(), 0u);
  ASSERT_TRUE(log.stream->make_durable(first).ok());
  EXPECT_LT(first, log.stream->durable());
  log.append(50);
  EXPECT_EQ(log.found(), 1u);
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  EXPECT_EQ(log.found(), 2u);
}

TEST(LogStream, WhatIsDurableAlreadyCostsNoSync) {
  Log log;
  const Lgpos first = log.append(100);
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  const auto syncs = log.stream->stats().syncs;
  ASSERT_TRUE(log.stream->make_durable(first).ok());
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  EXPECT_EQ(log.stream->stats().syncs, syncs);
}

TEST(LogStream, OneCommitAfterTheOtherCostsOneSyncEach) {
  Log log;
  const auto syncs = log.stream->stats().syncs;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.stream->make_durable(log.append(60)).ok());
  EXPECT_EQ(log.stream->stats().syncs, syncs + 5);
  EXPECT_EQ(log.found(), 5u);
}

TEST(LogStream, GenerationsFollowEachOtherUnderTheirNames) {
  Log log;
  while (log.stream->header().fields.generation < Generation{4}) log.append(1000);
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  EXPECT_EQ(log.names(),
            (std::vector<BytePath>{"edb.log", "edb00001.log", "edb00002.log", "edb00003.log",
                                   "edbres00001.jrs", "edbres00002.jrs"}));
  EXPECT_EQ(log.found(), log.last);
}

TEST(LogStream, ArchivedNamesHaveEightDigitsAndOtherExtensionsOnRequest) {
  LogStreamOptions options = small_log();
  options.directory.eight_digits = true;
  options.directory.extensions = LogExtensions::jtx_jcp;
  options.directory.reserves = 0;
  Log log(options);
  ASSERT_TRUE(log.stream->roll().ok());
  EXPECT_EQ(log.names(), (std::vector<BytePath>{"edb.jtx", "edb00000001.jtx"}));
}

TEST(LogStream, RecordsLargerThanASegmentComeBackWhole) {
  Log log;
  for (const std::size_t bytes : {3000, 9000, 4056 - 5, 12000, 10, 20000}) log.append(bytes);
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  EXPECT_EQ(log.found(), log.last);
}

TEST(LogStream, ARecordThatNoGenerationTakesIsRefused) {
  Log log;
  log.append(10);
  const auto refused = log.stream->append(numbered_record(99, 40000));
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is(refused.error(), EseErr::record_too_big)) << refused.error().what();
  log.append(10);
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  EXPECT_EQ(log.found(), 2u);
}

TEST(LogStream, GoesOnBehindItsEndAfterARestart) {
  Log log;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < round % 5; ++i) log.append(700);
    ASSERT_TRUE(log.stream->make_all_durable().ok());
    log.reopen();
    ASSERT_EQ(log.found(), log.last);
  }
  EXPECT_GT(log.stream->header().fields.generation, Generation{2});
}

// The file is made while there is time, taken by the roll, and in nobody's way after a crash or an
// orderly end.
TEST(LogStream, TheNextFileMayBePreparedAhead) {
  const auto prepared = [](Log& log) {
    const auto names = log.names();
    return std::find(names.begin(), names.end(), "edbtmp.log") != names.end();
  };
  Log log;
  log.stream->prepare_ahead();
  EXPECT_FALSE(prepared(log)) << "it is hardly begun";
  const auto fill_half = [&] {
    const Generation now = log.stream->header().fields.generation;
    while (2 * log.stream->end().isec <= log.stream->header().fields.file_segments) {
      log.append(3000);
      ASSERT_EQ(log.stream->header().fields.generation, now);
    }
  };
  fill_half();
  log.stream->prepare_ahead();
  log.stream->prepare_ahead();
  EXPECT_TRUE(prepared(log));
  ASSERT_TRUE(log.stream->roll().ok());
  EXPECT_FALSE(prepared(log));
  fill_half();
  log.stream->prepare_ahead();
  ASSERT_TRUE(log.stream->make_all_durable().ok());
  log.reopen();
  EXPECT_FALSE(prepared(log));
  EXPECT_EQ(log.found(), log.last);
  log.stream->prepare_ahead();
  EXPECT_TRUE(prepared(log));
  log.stream->forget_prepared();
  EXPECT_FALSE(prepared(log));
  ASSERT_TRUE(log.stream->roll().ok());
  EXPECT_EQ(log.stream->header().fields.generation, Generation{3});
}

TEST(LogStream, ASecondSequenceInTheSameDirectoryIsRefused) {
  Log log;
  const auto second = LogStream::begin(log.files, log.options, {}, log.host, log.clock);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::already_exists);
}

TEST(LogStream, CircularLoggingRemovesWhatIsBelowTheCheckpointOnly) {
  LogStreamOptions options = small_log();
  options.circular = true;
  Log log(options);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.stream->roll().ok());
  EXPECT_NE(log.stream->header().fields.flags & LogHeader::kCircular, 0);
  const auto removed = log.stream->remove_below(Generation{3});
  ASSERT_TRUE(removed.ok()) << removed.error().what();
  EXPECT_EQ(removed.value(), 2u);
  EXPECT_EQ(log.names(),
            (std::vector<BytePath>{"edb.log", "edb00003.log", "edb00004.log", "edb00005.log",
                                   "edbres00001.jrs", "edbres00002.jrs"}));
  ASSERT_TRUE(log.stream->remove_below(Generation{1000}).ok());
  EXPECT_EQ(log.names().front(), "edb.log");
  EXPECT_EQ(log.names().size(), 3u);
}

TEST(LogStream, CommitsOfManyThreadsShareSyncs) {
  Log log;
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> number{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto appended = log.stream->append(numbered_record(++number, 80));
        ASSERT_TRUE(appended.ok()) << appended.error().what();
        ASSERT_TRUE(log.stream->make_durable(appended.value().at).ok());
        ASSERT_LT(appended.value().at, log.stream->durable());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto read = read_numbered_log(log.files, log.options.directory);
  ASSERT_TRUE(read.ok()) << read.error().what();
  EXPECT_EQ(read.value().records.size(), 1600u);
}

TEST(LogStream, AFailedSyncEndsTheLogAndKeepsWhatWasDurable) {
  Log log;
  ASSERT_TRUE(log.stream->make_durable(log.append(100)).ok());
  const Lgpos lost = log.append(100);
  log.files.fail_sync_at(1);
  const Status failed = log.stream->make_durable(lost);
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(is(failed.error(), EseErr::log_write_fail)) << failed.error().what();
  EXPECT_EQ(log.stream->append(numbered_record(9, 10)).error(), failed.error());
  EXPECT_EQ(log.stream->make_durable(lost).error(), failed.error());
  EXPECT_TRUE(log.stream->failure().has_value());
}

// The numbers are of 31 bits, less a few.
TEST(LogStream, TheLastGenerationIsNotFollowedByAnother) {
  CrashingFiles files;
  QuietHost host;
  LogFileHeader last;
  {
    Log log;
    last = log.stream->header();
  }
  last.fields.generation = Generation{0x7FFFFFEF};
  LogStreamOptions options = small_log();
  options.directory.eight_digits = true;
  auto log = LogStream::follow(files, options, last, 0, host, counting_clock());
  ASSERT_TRUE(log.ok()) << log.error().what();
  const Status over = log.value()->roll();
  ASSERT_FALSE(over.ok());
  EXPECT_TRUE(is(over.error(), EseErr::log_sequence_end)) << over.error().what();
  // What is to be ended still has room here.
  const auto appended = log.value()->append(numbered_record(1, 50));
  ASSERT_TRUE(appended.ok()) << appended.error().what();
  EXPECT_TRUE(log.value()->make_durable(appended.value().at).ok());
}

// A full disk while the next generation is made: nothing is added, nothing is lost.
TEST(LogStream, AFullDiskRefusesRecordsUntilThereIsRoom) {
  CrashingFiles disk;
  LimitedFiles files(disk, 8 * 4096 * 3);  // the log and its two reserves
  QuietHost host;
  auto opened = open_numbered_log(files, small_log(), host, counting_clock());
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  LogStream& log = *opened.value();
  std::uint64_t number = 0;
  Result<AppendedRecord> last = log.append(numbered_record(++number, 1500));
  while (last.ok()) last = log.append(numbered_record(++number, 1500));
  EXPECT_TRUE(is(last.error(), EseErr::log_disk_full)) << last.error().what();
  EXPECT_FALSE(log.failure().has_value());
  ASSERT_TRUE(log.make_all_durable().ok());
  EXPECT_EQ(read_numbered_log(files, small_log().directory).value().records.size(), number - 1);

  files.set_limit(8 * 4096 * 4);
  ASSERT_TRUE(log.append(numbered_record(number, 1500)).ok());
  ASSERT_TRUE(log.make_all_durable().ok());
  EXPECT_EQ(read_numbered_log(files, small_log().directory).value().records.size(), number);
}

TEST(LogStream, ReservesTakeWhatEndsTheRunOnAFullDisk) {
  CrashingFiles disk;
  LimitedFiles files(disk, 8 * 4096 * 3);
  QuietHost host;
  auto opened = open_numbered_log(files, small_log(), host, counting_clock());
  ASSERT_TRUE(opened.ok()) << opened.error().what();
  LogStream& log = *opened.value();
  std::uint64_t number = 0;
  while (log.append(numbered_record(number + 1, 1500)).ok()) ++number;
  while (log.append(numbered_record(number + 1, 1500), LogRoom::reserve).ok()) ++number;
  EXPECT_EQ(log.header().fields.generation, Generation{3});  // both reserves went in
  EXPECT_NE(log.header().fields.flags & LogHeader::kFromReserve, 0);
  ASSERT_TRUE(log.make_all_durable().ok());
  EXPECT_EQ(read_numbered_log(files, small_log().directory).value().records.size(), number);

  // With room again, the reserves are filled before anything else.
  files.set_limit(8 * 4096 * 10);
  ASSERT_TRUE(log.append(numbered_record(++number, 1500)).ok());
  EXPECT_TRUE(files.exists("/log/edbres00001.jrs"));
  EXPECT_TRUE(files.exists("/log/edbres00002.jrs"));
  EXPECT_EQ(log.header().fields.flags & LogHeader::kFromReserve, 0);
}

}  // namespace
}  // namespace stillframe::ese
