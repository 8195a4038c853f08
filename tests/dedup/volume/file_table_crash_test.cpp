// The machine stops at any operation, and what was not synced is kept, dropped or torn. What was
// synced is there, nothing is there that was never appended, and the table goes on.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/dedup/volume/file_table.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::scaled;

const BytePath kStore = "/store";
constexpr std::size_t kTableSectors[] = {32, 512, 4096};

using State = std::map<FileId, FileRecord>;

class TableWork {
 public:
  explicit TableWork(std::uint64_t seed) : random_(seed) {
    for (FileId& file : known_) file = FileId::generate();
  }

  // Until something fails.
  Status run(Files& files) {
    auto opened = FileTable::open(files, kStore, store);
    if (!opened.ok()) return opened.error();
    FileTable& table = *opened.value();
    for (int i = 0; i < 40; ++i) {
      if (Status done = step(table); !done.ok()) return done;
      EXPECT_EQ(table.files(), possible.back());
    }
    return Ok{};
  }

  const UuidBytes store = generate_uuid();
  // The state that was synced last, and every one since. What failed may be there all the same.
  std::vector<State> possible{{}};
  std::mt19937_64& random() { return random_; }

 private:
  Status step(FileTable& table) {
    State next = possible.back();
    const FileId file = known_[random_() % std::size(known_)];
    switch (random_() % 7) {
      case 0: {
        const ExtentMap map(random_() % 100'000, Source::store);
        const chunkstore::StreamId stream{{1, static_cast<std::uint32_t>(random_() % 9)}};
        next[file] = {next[file].number + 1, 1, stream, map};
        possible.push_back(next);
        return table.put(file, stream, map, 1);
      }
      case 1:
        next.erase(file);
        possible.push_back(next);
        return table.forget(file);
      case 2: {
        const Status synced = table.sync();
        if (synced.ok()) possible = {next};
        return synced;
      }
      case 3: {
        if (next.count(file) == 0) return Ok{};
        const auto left_ns = static_cast<std::int64_t>(1 + random_() % 100);
        next[file].left_ns = left_ns;
        ++next[file].number;
        possible.push_back(std::move(next));
        return table.leave(file, left_ns);
      }
      default:
        return next.count(file) != 0 ? change(table, file, std::move(next)) : Status(Ok{});
    }
  }

  Status change(FileTable& table, const FileId& file, State next) {
    const std::uint64_t size = 1 + random_() % 100'000;
    FileRecord& record = next[file];
    ++record.number;
    record.changed_ns = static_cast<std::int64_t>(random_() % 100);
    record.left_ns = 0;
    record.map.resize(size);
    std::vector<Extent> set;
    for (auto count = random_() % 40; count-- > 0;) {
      const std::uint64_t offset = random_() % size;
      set.push_back({offset, 1 + random_() % (size - offset), static_cast<Source>(random_() % 2)});
      record.map.set(offset, set.back().bytes, set.back().source);
    }
    const std::int64_t changed_ns = record.changed_ns;
    possible.push_back(std::move(next));
    return table.change(file, size, std::move(set), changed_ns);
  }

  std::mt19937_64 random_;
  FileId known_[5];
};

void expect_one_of(Files& files, TableWork& work) {
  auto table = FileTable::open(files, kStore, work.store);
  ASSERT_TRUE(table.ok()) << table.error().what();
  const auto& found = table.value()->files();
  bool known = false;
  for (const State& state : work.possible) known = known || state == found;
  ASSERT_TRUE(known) << "a state that never was, or one from before a sync";
  work.possible = {found};
}

TEST(FileTableCrash, WhatWasSyncedSurvivesAStopAtAnyOperation) {
  for (std::uint64_t seed = 1; seed <= scaled(500); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TableWork work(seed);
    auto files = std::make_unique<CrashingFiles>();
    ASSERT_TRUE(FileTable::create(*files, kStore, work.store).ok());
    for (int crash = 0; crash < 4; ++crash) {
      files->stop_at(1 + work.random()() % 50);
      (void)work.run(*files);
      files = files->after_crash(work.random(),
                                 kTableSectors[work.random()() % std::size(kTableSectors)]);
      expect_one_of(*files, work);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(FileTableCrash, RenewalIsAllOrNothing) {
  for (std::uint64_t stop = 1; stop <= 12; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    TableWork work(9);
    CrashingFiles files;
    ASSERT_TRUE(FileTable::create(files, kStore, work.store).ok());
    auto table = FileTable::open(files, kStore, work.store);
    ASSERT_TRUE(table.ok());
    const FileId file = FileId::generate();
    ASSERT_TRUE(table.value()->put(file, {}, ExtentMap(100, Source::store), 0).ok());
    while (table.value()->file_bytes() <= (std::uint64_t{1} << 20)) {
      ASSERT_TRUE(table.value()->change(file, 100, {{0, 1, Source::local}}, 0).ok());
    }
    ASSERT_TRUE(table.value()->sync().ok());
    work.possible = {table.value()->files()};
    files.stop_at(stop);
    (void)table.value()->compact_if_due();
    for (int way = 0; way < 5; ++way) {
      const auto after = files.after_crash(work.random(), 512);
      expect_one_of(*after, work);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace stillframe::dedup
