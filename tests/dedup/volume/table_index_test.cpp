// The index of a file table says of every file where the entries are that count.
#include "writers/dedup/volume/table_index.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "writers/dedup/volume/file_table.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::CrashingFiles;

const BytePath kIndexedFolder = "/folder";

class TableIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(FileTable::create(files_, kIndexedFolder, store_).ok());
    open_table();
  }
  void open_table() {
    table_.reset();
    auto opened = FileTable::open(files_, kIndexedFolder, store_);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    table_ = std::move(opened).value();
  }
  void change_table(int steps) {
    for (int i = 0; i < steps; ++i) {
      const FileId file = ids_.empty() || random_() % 3 == 0 ? ids_.emplace_back(FileId::generate())
                                                             : ids_[random_() % ids_.size()];
      const ExtentMap map(1'000 + random_() % 9'000, Source::store);
      Status done = Ok{};
      if (table_->find(file) == nullptr || random_() % 4 == 0) {
        done = table_->put(file, {{1, static_cast<std::uint32_t>(i)}}, map, i);
      } else if (random_() % 4 == 0) {
        done = table_->forget(file);
      } else {
        done = table_->change(file, 1'000, {{random_() % 500, 100, Source::local}}, i);
      }
      ASSERT_TRUE(done.ok()) << done.error().what();
    }
    ASSERT_TRUE(table_->sync().ok());
  }

  std::unique_ptr<File> open_file(const char* name) {
    auto file = files_.open(kIndexedFolder + "/" + name, FileAccess::read);
    EXPECT_TRUE(file.ok());
    return file.ok() ? std::move(file).value() : nullptr;
  }
  Status write_index() {
    return write_table_index(files_, kIndexedFolder, *open_file(kTableFileName), store_,
                             table_->file_bytes());
  }
  // What the entries that the index names make of an empty table.
  std::map<FileId, FileRecord> replayed() {
    const auto index = open_file(kTableIndexFileName), table = open_file(kTableFileName);
    std::vector<std::byte> bytes(kIndexHeaderBytes);
    EXPECT_TRUE(index->read(0, bytes).ok());
    const auto header = parse_index_header(bytes);
    EXPECT_TRUE(header.ok());
    std::map<FileId, FileRecord> records;
    std::optional<IndexSlot> before;
    for (std::uint32_t page = 0; page < header.value().pages; ++page) {
      bytes.resize(kIndexPageBytes);
      EXPECT_TRUE(index->read(index_page_offset(page), bytes).ok());
      const auto slots = parse_index_page(bytes, page);
      EXPECT_TRUE(slots.ok());
      for (const IndexSlot& slot : slots.value()) {
        EXPECT_TRUE(!before || *before < slot);
        before = slot;
        std::vector<std::byte> entry(slot.bytes);
        EXPECT_TRUE(table->read(slot.offset, entry).ok());
        const auto parsed = parse_entry(entry);
        EXPECT_TRUE(parsed.ok() && parsed.value().file == slot.file);
        EXPECT_TRUE(parsed.ok() && apply_entry(parsed.value(), records).ok());
      }
    }
    return records;
  }

  const UuidBytes store_ = generate_uuid();
  CrashingFiles files_;
  std::mt19937_64 random_{1};
  std::vector<FileId> ids_;
  std::unique_ptr<FileTable> table_;
};

TEST_F(TableIndexTest, NamesTheEntriesThatCountAndNoOthers) {
  for (const int steps : {0, 1, 100, 3'000}) {
    change_table(steps);
    const Status written = write_index();
    ASSERT_TRUE(written.ok()) << written.error().what();
    EXPECT_TRUE(replayed() == table_->files()) << steps;
  }
  EXPECT_GT(table_->files().size(), 2 * kIndexSlotsMax);
}

TEST_F(TableIndexTest, IsWrittenWhenMuchOfALargeTableIsNotInIt) {
  change_table(100);
  ASSERT_TRUE(table_->renew_index_if_due().ok());
  EXPECT_FALSE(files_.exists(kIndexedFolder + "/" + kTableIndexFileName));
  change_table(20'000);
  ASSERT_TRUE(table_->renew_index_if_due().ok());
  EXPECT_TRUE(replayed() == table_->files());
  const auto indexed = table_->files();
  change_table(100);
  open_table();  // which learns how far the index goes
  const auto before = files_.operations();
  ASSERT_TRUE(table_->renew_index_if_due().ok());
  EXPECT_EQ(files_.operations(), before);
  EXPECT_TRUE(replayed() == indexed);
}

TEST_F(TableIndexTest, WritingItMayStopAnywhere) {
  change_table(500);
  ASSERT_TRUE(write_index().ok());
  const auto before = table_->files();
  change_table(500);
  const auto after = table_->files();
  const std::uint64_t bytes = table_->file_bytes();
  for (std::uint64_t stop = 1; stop < 100; ++stop) {
    const auto copy = files_.after_crash(random_, 512);
    copy->stop_at(stop);
    const auto table = copy->open(kIndexedFolder + "/" + kTableFileName, FileAccess::read);
    ASSERT_TRUE(table.ok());
    const Status done = write_table_index(*copy, kIndexedFolder, *table.value(), store_, bytes);
    const auto left = copy->after_crash(random_, 512);
    std::vector<std::byte> head(kIndexHeaderBytes);
    const auto index = left->open(kIndexedFolder + "/" + kTableIndexFileName, FileAccess::read);
    ASSERT_TRUE(index.ok() && index.value()->read(0, head).ok());
    const auto header = parse_index_header(head);
    ASSERT_TRUE(header.ok()) << header.error().what();
    EXPECT_TRUE(!done.ok() || header.value().covered_bytes == bytes);
    for (std::uint32_t page = 0; page < header.value().pages; ++page) {
      std::vector<std::byte> slots(kIndexPageBytes);
      ASSERT_TRUE(index.value()->read(index_page_offset(page), slots).ok());
      EXPECT_TRUE(parse_index_page(slots, page).ok());
    }
    const auto opened = FileTable::open(*left, kIndexedFolder, store_);
    ASSERT_TRUE(opened.ok());
    EXPECT_TRUE(opened.value()->files() == after);
    if (done.ok() && !copy->stopped()) return;
  }
  FAIL() << "it never ends";
}

TEST(TableIndexPages, ComeBackAndAreRefusedElsewhereAndDamaged) {
  std::vector<IndexSlot> slots;
  for (std::uint8_t i = 1; i <= kIndexSlotsMax; ++i) {
    UuidBytes id{};
    id[0] = i;
    slots.push_back({FileId(id), 64u + 100u * i, 88});
  }
  auto bytes = format_index_page(3, slots);
  EXPECT_EQ(parse_index_page(bytes, 3).value(), slots);
  EXPECT_EQ(parse_index_page(bytes, 4).error().code(), Errc::corrupt);
  EXPECT_EQ(parse_index_page(Bytes(bytes).first(4095), 3).error().code(), Errc::truncated);
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    bytes[at] ^= std::byte{1};
    EXPECT_FALSE(parse_index_page(bytes, 3).ok()) << at;
    bytes[at] ^= std::byte{1};
  }
  std::swap(slots[0], slots[1]);
  EXPECT_EQ(parse_index_page(format_index_page(0, slots), 0).error().code(), Errc::corrupt);
}

TEST(TableIndexHeader, ComesBackAndIsRefusedDamaged) {
  const IndexHeader header{generate_uuid(), generate_uuid(), 12'345, 7};
  auto bytes = format_index_header(header);
  EXPECT_EQ(parse_index_header(bytes).value(), header);
  for (std::byte& one : bytes) {
    one ^= std::byte{1};
    EXPECT_FALSE(parse_index_header(bytes).ok());
    one ^= std::byte{1};
  }
  EXPECT_FALSE(parse_index_header(format_index_header({{}, {}, 63, 0})).ok());
}

}  // namespace
}  // namespace stillframe::dedup
