// The machine stops at any operation while files are optimized, written, cut, grown and restored.
// What was synced reads the same afterwards; what was not is as it was or as it became, never
// something else, and never what was there before it was cut off.
#include <algorithm>
#include <functional>
#include <iterator>

#include "tests/dedup/volume/crashing_lower_file.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::scaled;
using tests::Blob;
using tests::CrashingLowerFile;
using tests::OpenVolume;

const BytePath kVolume = "/volume", kFile = "/file";
constexpr std::size_t kVolumeSectors[] = {512, 4096};

class VolumeWork {
 public:
  explicit VolumeWork(std::uint64_t seed) : random_(seed) {}

  Status create(Files& files) {
    for (const char* name : {"/file", "/file.mark"}) {
      if (auto file = files.create(name); !file.ok()) return file.error();
    }
    if (Status s = files.sync_directory("/"); !s.ok()) return s;
    return OpenVolume::create(files, kVolume, id);
  }

  // Until something fails.
  Status run(Files& files, int steps) {
    auto volume = OpenVolume::open(files, kVolume, id);
    if (!volume.ok()) return volume.error();
    auto file = DedupFile::open(volume.value().parts(), CrashingLowerFile::open(files, kFile));
    if (!file.ok()) return file.error();
    for (int i = 0; i < steps; ++i) {
      if (Status s = step(volume.value(), *file.value()); !s.ok()) return s;
      const auto found = tests::contents(*file.value());
      if (!found.ok()) return found.error();
      EXPECT_TRUE(found.value() == now);
    }
    return Ok{};
  }

  const UuidBytes id = generate_uuid();
  Blob now;                     // as the file reads
  std::vector<Blob> since{{}};  // as it read when it was synced last, and ever since
  std::mt19937_64& random() { return random_; }

 private:
  Status step(OpenVolume& volume, DedupFile& file) {
    switch (random_() % 8) {
      case 0:
        return keep(tests::optimize(volume, file));
      case 1:
        if (!file.deduplicated() || random_() % 4 != 0) return Ok{};
        return keep(file.restore());
      case 2:
        return keep(file.sync());
      case 3: {
        now.resize(random_() % 40'000);
        since.push_back(now);
        return file.resize(now.size());
      }
      case 4: {
        if (now.empty()) return Ok{};
        const std::size_t offset = random_() % now.size();
        const std::size_t bytes = random_() % (now.size() - offset + 1);
        std::fill_n(now.begin() + static_cast<std::ptrdiff_t>(offset), bytes, std::byte{0});
        since.push_back(now);
        return file.punch(offset, bytes);
      }
      default: {
        const std::size_t offset = random_() % 30'000;
        const Blob bytes = tests::random_bytes(random_, 1 + random_() % 9'000);
        if (now.size() < offset + bytes.size()) now.resize(offset + bytes.size());
        std::copy(bytes.begin(), bytes.end(), now.begin() + static_cast<std::ptrdiff_t>(offset));
        since.push_back(now);
        return file.write(offset, bytes);
      }
    }
  }

  // For steps after which everything is durable.
  Status keep(Status done) {
    if (done.ok()) since = {now};
    return done;
  }

  std::mt19937_64 random_;
};

// Every byte as it was at some time since the last sync, and so is the size.
void expect_some_of_each(const Blob& found, const std::vector<Blob>& since) {
  bool sized = false;
  for (const Blob& state : since) sized = sized || state.size() == found.size();
  ASSERT_TRUE(sized) << found.size() << " bytes";
  for (std::size_t at = 0; at < found.size(); ++at) {
    bool known = false;
    for (const Blob& state : since) known = known || (at < state.size() && state[at] == found[at]);
    ASSERT_TRUE(known) << "byte " << at;
  }
}

void expect_kept(Files& files, VolumeWork& work) {
  auto volume = OpenVolume::open(files, kVolume, work.id);
  ASSERT_TRUE(volume.ok()) << volume.error().what();
  auto file = DedupFile::open(volume.value().parts(), CrashingLowerFile::open(files, kFile));
  ASSERT_TRUE(file.ok()) << file.error().what();
  const auto found = tests::contents(*file.value());
  ASSERT_TRUE(found.ok()) << found.error().what();
  if (work.since.size() == 1) {
    ASSERT_TRUE(found.value() == work.since[0]);
  } else if (file.value()->deduplicated()) {  // of others a file system may lose more
    ASSERT_NO_FATAL_FAILURE(expect_some_of_each(found.value(), work.since));
  }
  // What nobody was promised is taken over, and promised from here on.
  ASSERT_TRUE(file.value()->sync().ok());
  work.now = found.value();
  work.since = {work.now};
}

TEST(VolumeCrash, WhatWasSyncedSurvivesAStopAtAnyOperation) {
  for (std::uint64_t seed = 1; seed <= scaled(500); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    VolumeWork work(seed);
    auto files = std::make_unique<CrashingFiles>();
    ASSERT_TRUE(work.create(*files).ok());
    for (int crash = 0; crash < 4; ++crash) {
      files->stop_at(1 + work.random()() % 120);
      (void)work.run(*files, 60);
      files = files->after_crash(work.random(),
                                 kVolumeSectors[work.random()() % std::size(kVolumeSectors)]);
      expect_kept(*files, work);
      if (HasFailure()) return;
    }
    ASSERT_TRUE(work.run(*files, 5).ok());
  }
}

// Each step alone, from a state that is durable, stopped at every one of its operations: before it,
// or after it, and nothing else.
class VolumeStep : public ::testing::Test {
 protected:
  using Change = std::function<Status(OpenVolume&, DedupFile&)>;

  void stop_everywhere(const Change& prepare, const Change& change) {
    for (std::uint64_t stop = 1; stop < 200; ++stop) {
      SCOPED_TRACE("stop at operation " + std::to_string(stop));
      VolumeWork work(5);
      CrashingFiles files;
      ASSERT_TRUE(work.create(files).ok());
      auto volume = OpenVolume::open(files, kVolume, work.id);
      ASSERT_TRUE(volume.ok());
      auto file = DedupFile::open(volume.value().parts(), CrashingLowerFile::open(files, kFile));
      ASSERT_TRUE(file.ok());
      ASSERT_TRUE(file.value()->write(0, tests::random_bytes(work.random(), 50'000)).ok());
      ASSERT_TRUE(prepare(volume.value(), *file.value()).ok());
      ASSERT_TRUE(file.value()->sync().ok());
      const Blob before = tests::contents(*file.value()).value();
      files.stop_at(stop);
      const Status changed = change(volume.value(), *file.value());
      const bool finished = changed.ok() && !files.stopped();
      Blob after = before;
      if (finished) after = tests::contents(*file.value()).value();
      for (int way = 0; way < 6; ++way) {
        const auto left = files.after_crash(work.random(), 512);
        auto again = OpenVolume::open(*left, kVolume, work.id);
        ASSERT_TRUE(again.ok()) << again.error().what();
        auto reopened =
            DedupFile::open(again.value().parts(), CrashingLowerFile::open(*left, kFile));
        ASSERT_TRUE(reopened.ok()) << reopened.error().what();
        const auto found = tests::contents(*reopened.value());
        ASSERT_TRUE(found.ok()) << found.error().what();
        ASSERT_TRUE(found.value() == (finished ? after : expected_size(before, found.value())));
      }
      if (finished) return;
    }
    FAIL() << "the step never ends";
  }

  // Of a step that did not finish: as before, or cut to the size that it was cutting to.
  Blob expected_size(const Blob& before, const Blob& found) const {
    if (found.size() != cut_to_) return before;
    return {before.begin(), before.begin() + static_cast<std::ptrdiff_t>(cut_to_)};
  }

  std::size_t cut_to_ = ~std::size_t{0};
};

Status nothing(OpenVolume&, DedupFile&) {
  return Ok{};
}

TEST_F(VolumeStep, Optimizing) {
  stop_everywhere(nothing, tests::optimize);
}

TEST_F(VolumeStep, OptimizingAgainAfterAWrite) {
  stop_everywhere(
      [](OpenVolume& volume, DedupFile& file) {
        if (Status s = tests::optimize(volume, file); !s.ok()) return s;
        return file.write(7'000, Blob(5'000, std::byte{9}));
      },
      tests::optimize);
}

TEST_F(VolumeStep, Restoring) {
  stop_everywhere(
      [](OpenVolume& volume, DedupFile& file) {
        if (Status s = tests::optimize(volume, file); !s.ok()) return s;
        return file.punch(100, 20'000);
      },
      [](OpenVolume&, DedupFile& file) { return file.restore(); });
}

TEST_F(VolumeStep, Cutting) {
  cut_to_ = 12'345;
  stop_everywhere(tests::optimize,
                  [](OpenVolume&, DedupFile& file) { return file.resize(12'345); });
}

}  // namespace
}  // namespace stillframe::dedup
