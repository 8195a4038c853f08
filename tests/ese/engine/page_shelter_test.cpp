#include "writers/ese/engine/page_shelter.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/checksum.hpp"

namespace stillframe::ese::tests {
namespace {

using stillframe::tests::CrashingFiles;

const BytePath kDatabase = "/sample.edb";
constexpr Pgno kShelteredPage{26};

// A database of 4 KiB pages in memory, and a shelter with one page of it.
class PageShelterTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPageBytes = 4096;

  void SetUp() override {
    Blob header(kPageBytes);
    seal_header(sample_.header, header);
    whole_.insert(whole_.end(), header.begin(), header.end());
    whole_.insert(whole_.end(), header.begin(), header.end());
    for (std::uint32_t i = 1; i <= static_cast<std::uint32_t>(sample_.pages.last_page()); ++i) {
      const auto page = sample_.pages.page(Pgno{i});
      whole_.insert(whole_.end(), page.begin(), page.end());
    }
    put(kDatabase, whole_);
  }

  // The database in use, as its header says then.
  void begin_use() {
    sample_.header.state = DbState::dirty_shutdown;
    sample_.header.lgpos_attach = {7, 3, Generation{5}};
    sample_.header.gen_max_required = Generation{6};
    write_header();
  }
  void write_header() {
    const MutableBytes header = MutableBytes(whole_).first(kPageBytes);
    seal_header(sample_.header, header);
    std::copy_n(header.begin(), kPageBytes, whole_.begin() + kPageBytes);
    put(kDatabase, whole_);
  }

  void put(const BytePath& path, const Blob& bytes) {
    if (files_.exists(path)) {
      ASSERT_TRUE(files_.remove(path).ok());
    }
    auto file = files_.create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->write(0, bytes).ok());
  }
  Blob get(const BytePath& path) {
    auto file = files_.open(path, FileAccess::read);
    EXPECT_TRUE(file.ok());
    Blob bytes(file.value()->size().value());
    EXPECT_TRUE(file.value()->read(0, bytes).ok());
    return bytes;
  }

  static std::size_t place(Pgno pgno) { return (static_cast<std::size_t>(pgno) + 1) * kPageBytes; }
  void shelter(const std::vector<Pgno>& pgnos) {
    auto made = PageShelter::create(files_, kDatabase, kPageBytes, [] { return Status(Ok{}); });
    ASSERT_TRUE(made.ok());
    std::vector<SealedPage> pages;
    for (const Pgno pgno : pgnos)
      pages.push_back({pgno, Bytes(whole_).subspan(place(pgno), kPageBytes)});
    ASSERT_TRUE(made.value()->take(pages, ShelteredDatabase::of(sample_.header)).ok());
  }
  // As a disk leaves it that stopped in the middle of a page.
  void tear(Pgno pgno) {
    Blob torn = whole_;
    for (std::size_t i = kPageBytes / 2; i < kPageBytes; ++i)
      torn[place(pgno) + i] ^= std::byte(i % 251);  // a constant would not change the sum
    put(kDatabase, torn);
  }
  // Shelters a page as four undone inserts leave it, and stops the disk behind its first sector.
  // The database is as it was but for that; returns it as it should be.
  Blob shelter_and_tear_unseen(Pgno pgno) {
    const Blob before = whole_;
    const MutableBytes page = MutableBytes(whole_).subspan(place(pgno), kPageBytes);
    store_le(page.data() + 8, load_le<std::uint64_t>(page.data() + 8) + 4);  // its dbtime
    for (std::size_t at = kPageBytes - 16; at < kPageBytes; at += 4) {
      store_le(page.data() + at, load_le<std::uint32_t>(page.data() + at) ^ 0x6000'0000U);
    }
    seal_page(page, static_cast<std::uint32_t>(pgno));
    shelter({pgno});
    const Blob meant = whole_;
    std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(place(pgno) + 512), kPageBytes - 512,
                whole_.begin() + static_cast<std::ptrdiff_t>(place(pgno) + 512));
    EXPECT_NE(whole_, meant);
    EXPECT_EQ(check_page_sum(page, static_cast<std::uint32_t>(pgno)), PageSum::good);
    put(kDatabase, whole_);
    return meant;
  }

  Result<std::size_t> restore() {
    return restore_sheltered(files_, kDatabase, shelter_path(kDatabase));
  }

  SampleDatabase sample_{kPageBytes};
  Blob whole_;
  CrashingFiles files_;
};

TEST_F(PageShelterTest, ATornPageIsPutBackAndAWholeOneIsLeft) {
  shelter({kShelteredPage, SampleDatabase::kByName});
  tear(kShelteredPage);
  const auto restored = restore();
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored.value(), 1u);
  EXPECT_EQ(get(kDatabase), whole_);
}

TEST_F(PageShelterTest, ATornPageThatLooksGoodIsPutBack) {
  begin_use();
  const Blob meant = shelter_and_tear_unseen(kShelteredPage);
  const auto restored = restore();
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored.value(), 1u);
  EXPECT_EQ(get(kDatabase), meant);
}

// A file that was put back, or was shut down since: its pages are newer, or of another history.
TEST_F(PageShelterTest, GoodPagesOfAFileThatIsNotTheOneAreLeft) {
  const auto expect_left = [&](const char* what) {
    SCOPED_TRACE(what);
    write_header();
    const auto restored = restore();
    ASSERT_TRUE(restored.ok());
    EXPECT_EQ(restored.value(), 0u);
    EXPECT_EQ(get(kDatabase), whole_);
  };
  begin_use();
  (void)shelter_and_tear_unseen(kShelteredPage);
  const DatabaseHeader one = sample_.header;
  sample_.header.sign_db.random += 1;
  expect_left("another database");
  sample_.header = one;
  sample_.header.lgpos_attach.isec += 1;
  expect_left("attached again");
  sample_.header = one;
  sample_.header.gen_max_required = Generation{5};
  expect_left("from before");
  sample_.header = one;
  sample_.header.state = DbState::clean_shutdown;
  expect_left("shut down");
}

TEST_F(PageShelterTest, WithoutAShelterNothingIsDone) {
  tear(kShelteredPage);
  const Blob torn = get(kDatabase);
  const auto restored = restore();
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored.value(), 0u);
  EXPECT_EQ(get(kDatabase), torn);
}

// Seen with other page bytes, every page would look torn.
TEST_F(PageShelterTest, PagesOfAnotherSizeAreNotTaken) {
  shelter({kShelteredPage, SampleDatabase::kByName});
  const SampleDatabase other(8192);
  Blob header(8192);
  seal_header(other.header, header);
  Blob database = header;
  database.insert(database.end(), header.begin(), header.end());
  database.resize(database.size() + 64 * std::size_t{8192}, std::byte{0x77});
  put(kDatabase, database);
  const auto restored = restore();
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored.value(), 0u);
  EXPECT_EQ(get(kDatabase), database);
}

// Whatever is in the shelter: what comes back is the page that was sheltered, or nothing.
TEST_F(PageShelterTest, ADamagedShelterRestoresTheRightPageOrNone) {
  shelter({kShelteredPage, SampleDatabase::kByName});
  const Blob good = get(shelter_path(kDatabase));
  tear(kShelteredPage);
  const Blob torn = get(kDatabase);
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  for (std::uint64_t round = 0; round < stillframe::tests::scaled(300); ++round) {
    Blob bad = good;
    if (random() % 2 == 0) bad.resize(random() % bad.size());
    for (int flips = static_cast<int>(random() % 4); flips > 0 && !bad.empty(); --flips)
      bad[random() % bad.size()] ^= std::byte(1U << (random() % 8));
    put(shelter_path(kDatabase), bad);
    put(kDatabase, torn);
    const auto restored = restore();
    ASSERT_TRUE(restored.ok()) << "seed " << seed << ": " << restored.error().what();
    const Blob now = get(kDatabase);
    ASSERT_EQ(now, restored.value() == 1 ? whole_ : torn) << "seed " << seed;
  }
}

}  // namespace
}  // namespace stillframe::ese::tests
