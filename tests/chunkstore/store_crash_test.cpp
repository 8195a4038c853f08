// The machine stops at any operation, and what was not synced is kept, dropped or torn; or the disk
// is full at any write; with streams written, removed and collected, in stores that are encrypted
// and in others. What was committed and not removed is there, nothing that is wrong is, and the
// store goes on.
#include <iterator>
#include <map>

#include "tests/chunkstore/encrypted_samples.hpp"
#include "tests/chunkstore/store_checks.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/io/support/limited_files.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::chunkstore {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::LimitedFiles;
using stillframe::tests::scaled;
using tests::Blob;
using tests::kFolder;
using tests::small_containers;

// Small, so that containers are sealed and begun all the time.
constexpr std::uint64_t kContainerBytes = 50000;

// How much a disk writes whole or not at all. The smallest is that of no disk: it tears commit
// records, which are shorter than a sector.
constexpr std::size_t kSectors[] = {32, 512, 4096};

// Every other store is encrypted.
StoreOptions options_for(std::uint64_t seed) {
  StoreOptions options = small_containers(kContainerBytes);
  if (seed % 2 == 1) options.key = tests::some_key(static_cast<std::uint8_t>(seed));
  return options;
}

// What a program does with a store: streams, some of them again and again, commits, and with
// `collecting` removals and collections, which go on while it writes.
struct Work {
  explicit Work(std::uint64_t seed) : options(options_for(seed)), random(seed) {
    for (int i = 0; i < 4; ++i) known.push_back(tests::mixed_bytes(random, 1 + random() % 60000));
  }

  Status make(Files& files) const {
    return Store::create(files, kFolder, ChunkProfile::kib16, options.key);
  }

  // Until something fails, or for `rounds`. A commit that fails may have taken effect all the same:
  // its streams are owed by nobody, and those before it still are.
  Status run(Files& files, int rounds) {
    auto opened = Store::open(files, kFolder, options);
    if (!opened.ok()) return opened.error();
    Store& store = *opened.value();
    for (int i = 0; i < rounds; ++i) {
      std::vector<std::pair<StreamId, Blob>> written;
      for (auto count = random() % 4; count-- > 0;) {
        const Blob bytes = next();
        const auto stream = tests::try_put(store, bytes);
        if (!stream.ok()) return stream.error();
        written.emplace_back(stream.value().id, bytes);
      }
      if (Status s = store.commit(); !s.ok()) return s;
      committed.insert(committed.end(), written.begin(), written.end());
      if (!collecting || random() % 3 != 0) continue;
      if (Status s = collect(store); !s.ok()) return s;
    }
    return Ok{};
  }

  // Streams that are removed are owed by nobody as soon as a collection may have begun with them.
  Status collect(Store& store) {
    auto collection = store.begin_collection(random() % 2 == 0);
    if (!collection.ok()) return collection.error();
    for (auto count = random() % 4; count-- > 0 && !committed.empty();) {
      std::swap(committed[random() % committed.size()], committed.back());
      committed.pop_back();
    }
    for (const auto& each : committed) {
      if (Status s = collection.value()->mark(each.first); !s.ok()) return s;
    }
    const double share = random() % 2 == 0 ? Collection::kFull : Collection::kRegular;
    if (auto plan = collection.value()->plan(share); !plan.ok()) return plan.error();
    Status wrote = Ok{};
    const auto result = collection.value()->run([&] {
      if (wrote.ok() && random() % 2 == 0) wrote = write_one(store);
      return wrote.ok() && random() % 16 != 0;
    });
    if (!result.ok()) return result.error();
    collections_done += result.value().dropped_chunks > 0 ? 1 : 0;
    return wrote;
  }

  Status write_one(Store& store) {
    const Blob bytes = next();
    const auto stream = tests::try_put(store, bytes);
    if (!stream.ok()) return stream.error();
    if (Status s = store.commit(); !s.ok()) return s;
    committed.emplace_back(stream.value().id, bytes);
    return Ok{};
  }

  Blob next() {
    Blob bytes = known[random() % known.size()];
    if (random() % 2 == 0) {
      const Blob more = tests::random_bytes(random, random() % 25000);
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size()),
                   more.begin(), more.end());
    }
    return bytes;
  }

  const StoreOptions options;
  std::mt19937_64 random;
  bool collecting = false;
  int collections_done = 0;
  std::vector<Blob> known;
  std::vector<std::pair<StreamId, Blob>> committed;
};

// Whoever cannot list the folder finds every sealed container that there is, as it lies there.
void expect_directory(Files& files, const Work& work) {
  std::shared_ptr<const StoreCipher> cipher;
  if (work.options.key) cipher = unlock_store(files, kFolder, *work.options.key).value();
  const auto record = CommitFile::read_last(files, kFolder);
  ASSERT_TRUE(record.ok()) << record.error().what();
  const BytePath containers = std::string(kFolder) + "/containers";
  const std::vector<BytePath> names = files.list(containers).value();
  for (const BytePath& name : names) {
    const auto named = parse_container_file_name(name);
    const auto is_open = [&](const OpenContainer& open) { return open.id == named.value().id; };
    if (!named.ok() || named.value().id >= record.value().next_container ||
        is_open(record.value().data) || is_open(record.value().stream_maps)) {
      continue;
    }
    const auto directory =
        files.open(std::string(kFolder) + "/" + kDirectoryFileName, FileAccess::read);
    ASSERT_TRUE(directory.ok()) << directory.error().what();
    std::array<std::byte, kDirectorySlotBytes> bytes;
    ASSERT_TRUE(directory.value()->read(directory_slot_offset(named.value().id), bytes).ok());
    const auto slot = parse_directory_slot(bytes);
    ASSERT_TRUE(slot.ok()) << slot.error().what();
    const auto reader = ContainerReader::open(
        files,
        containers + "/" +
            container_file_name(slot.value().container.id, slot.value().container.generation),
        record.value().store, slot.value().container, cipher.get());
    ASSERT_TRUE(reader.ok()) << reader.error().what();
    EXPECT_EQ(reader.value()->file().size().value(), slot.value().file_bytes);
    EXPECT_EQ(reader.value()->table().footer_bytes(), slot.value().footer_bytes);
  }
}

void expect_committed(Files& files, const Work& work) {
  expect_directory(files, work);
  auto store = Store::open(files, kFolder, work.options);
  ASSERT_TRUE(store.ok()) << store.error().what();
  EXPECT_EQ(store.value()->counts().damaged, 0u);
  for (const auto& [id, bytes] : work.committed) {
    const auto found = tests::try_get(*store.value(), id);
    ASSERT_TRUE(found.ok()) << found.error().what();
    ASSERT_TRUE(found.value() == bytes);
  }
  tests::expect_clean(*store.value());
}

TEST(StoreCrash, WhatWasCommittedSurvivesAStopAtAnyOperation) {
  for (std::uint64_t seed = 1; seed <= scaled(500); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Work work(seed);
    auto files = std::make_unique<CrashingFiles>();
    ASSERT_TRUE(work.make(*files).ok());
    for (int crash = 0; crash < 3; ++crash) {
      files->stop_at(1 + work.random() % 60);
      (void)work.run(*files, 12);
      files = files->after_crash(work.random, kSectors[work.random() % std::size(kSectors)]);
      expect_committed(*files, work);
      if (HasFatalFailure()) return;
    }
    ASSERT_TRUE(work.run(*files, 2).ok());
    expect_committed(*files, work);
    if (HasFailure()) return;
  }
}

TEST(StoreCrash, WhatWasCommittedSurvivesAStopAtAnyOperationOfACollection) {
  int done = 0;
  for (std::uint64_t seed = 1; seed <= scaled(500); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Work work(seed);
    work.collecting = true;
    auto files = std::make_unique<CrashingFiles>();
    ASSERT_TRUE(work.make(*files).ok());
    for (int crash = 0; crash < 3; ++crash) {
      files->stop_at(1 + work.random() % 120);
      (void)work.run(*files, 12);
      files = files->after_crash(work.random, kSectors[work.random() % std::size(kSectors)]);
      expect_committed(*files, work);
      if (HasFatalFailure()) return;
    }
    ASSERT_TRUE(work.run(*files, 2).ok());
    expect_committed(*files, work);
    if (HasFailure()) return;
    done += work.collections_done;
  }
  EXPECT_GT(done, 0);
}

TEST(StoreCrash, ACollectionMayStopAtEveryOperationInTurn) {
  bool ended = false;
  for (std::uint64_t stop = 1; !ended; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    Work work(78);
    CrashingFiles files;
    ASSERT_TRUE(work.make(files).ok());
    ASSERT_TRUE(work.run(files, 8).ok());
    ASSERT_GT(work.committed.size(), 4u);
    work.committed.resize(work.committed.size() / 2);
    std::vector<StreamId> live;
    for (const auto& each : work.committed) live.push_back(each.first);
    {
      auto store = Store::open(files, kFolder, work.options).value();
      files.stop_at(stop);
      ended = tests::try_collect(*store, live, Collection::kFull, true).ok();
    }
    std::mt19937_64 random(stop);
    for (int way = 0; way < 3; ++way) {
      const auto after = files.after_crash(random, 512);
      expect_committed(*after, work);
      if (HasFailure()) return;
    }
    ASSERT_LT(stop, 1000u);
  }
}

TEST(StoreCrash, WhatWasCommittedSurvivesAStopAtEveryOperationInTurn) {
  for (std::uint64_t stop = 1; stop <= 90; ++stop) {
    SCOPED_TRACE("stop at operation " + std::to_string(stop));
    Work work(77);
    CrashingFiles files;
    ASSERT_TRUE(work.make(files).ok());
    files.stop_at(stop);
    (void)work.run(files, 100);
    ASSERT_TRUE(files.stopped());
    std::mt19937_64 random(stop);
    for (int way = 0; way < 3; ++way) {
      const auto after = files.after_crash(random, 512);
      expect_committed(*after, work);
      if (HasFailure()) return;
    }
  }
}

TEST(StoreCrash, AStoreIsMadeWholeOrNotAtAll) {
  bool whole = false, none = false;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Work work(seed);
    CrashingFiles files;
    files.stop_at(1 + seed % (work.options.key ? 16 : 9));
    const bool made = work.make(files).ok();
    const auto after = files.after_crash(random, 512);
    const auto store = Store::open(*after, kFolder, work.options);
    if (made || store.ok()) {
      ASSERT_TRUE(store.ok()) << store.error().what();
      whole = true;
      continue;
    }
    none = true;
    EXPECT_EQ(store.error().code(), Errc::not_found) << store.error().what();
    EXPECT_TRUE(work.make(*after).ok());
    EXPECT_TRUE(Store::open(*after, kFolder, work.options).ok());
  }
  EXPECT_TRUE(whole && none);
}

TEST(StoreCrash, AFailedSyncLosesNothingThatWasCommitted) {
  for (std::uint64_t seed = 1; seed <= scaled(200); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Work work(seed);
    work.collecting = seed % 2 == 0;
    CrashingFiles files;
    ASSERT_TRUE(work.make(files).ok());
    files.fail_sync_at(1 + work.random() % 30);
    (void)work.run(files, 12);
    const auto after = files.after_crash(work.random, 512);
    expect_committed(*after, work);
    ASSERT_TRUE(work.run(*after, 2).ok());
    expect_committed(*after, work);
    if (HasFailure()) return;
  }
}

// ---- a full disk

TEST(StoreSpace, AFullDiskAtAnyWriteSaysSoAndLosesNothing) {
  int full = 0;
  for (std::uint64_t seed = 1; seed <= scaled(150); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Work work(seed);
    work.collecting = seed % 2 == 0;
    CrashingFiles below;
    LimitedFiles files(below, 1 << 30);
    ASSERT_TRUE(work.make(files).ok());
    files.set_limit(2 * kCommitSlotBytes + seed * 4001);
    const Status s = work.run(files, 12);
    if (s.ok()) continue;
    ++full;
    EXPECT_EQ(s.error().code(), Errc::no_space) << s.error().what();
    files.set_limit(1 << 30);
    expect_committed(files, work);
    ASSERT_TRUE(work.run(files, 2).ok());
    expect_committed(files, work);
    if (HasFailure()) return;
  }
  EXPECT_GT(full, 0);
}

}  // namespace
}  // namespace stillframe::chunkstore
