#include "writers/dedup/volume/file_table.hpp"

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::CrashingFiles;

const BytePath kFolder = "/store";

class FileTableTest : public ::testing::Test {
 protected:
  FileTableTest() { EXPECT_TRUE(FileTable::create(files_, kFolder, store_).ok()); }

  std::unique_ptr<FileTable> open() {
    auto table = FileTable::open(files_, kFolder, store_);
    EXPECT_TRUE(table.ok()) << table.error().what();
    return table.ok() ? std::move(table).value() : nullptr;
  }

  std::vector<std::byte> contents() {
    auto file = files_.open(kFolder + "/files", FileAccess::read);
    std::vector<std::byte> bytes(file.value()->size().value());
    EXPECT_TRUE(file.value()->read(0, bytes).ok());
    return bytes;
  }
  void flip(std::uint64_t offset) {
    auto file = files_.open(kFolder + "/files", FileAccess::write);
    std::byte one{};
    EXPECT_TRUE(file.value()->read(offset, {&one, 1}).ok());
    one ^= std::byte{0x10};
    EXPECT_TRUE(file.value()->write(offset, {&one, 1}).ok());
  }

  CrashingFiles files_;
  const UuidBytes store_ = generate_uuid();
  const FileId file_ = FileId::generate(), other_ = FileId::generate();
};

TEST_F(FileTableTest, WhatWasPutAndChangedIsThereAfterAnotherStart) {
  {
    auto table = open();
    ASSERT_TRUE(table->put(file_, {{1, 2}}, ExtentMap(1000, Source::store), 5).ok());
    ASSERT_TRUE(table->put(other_, {{1, 3}}, ExtentMap(10, Source::store), 6).ok());
    ASSERT_TRUE(table->change(file_, 900, {{100, 50, Source::local}}, 7).ok());
    ASSERT_TRUE(table->forget(other_).ok());
    ASSERT_TRUE(table->sync().ok());
  }
  const auto table = open();
  ASSERT_EQ(table->files().size(), 1u);
  const FileRecord* found = table->find(file_);
  ASSERT_NE(found, nullptr);
  ExtentMap expected(900, Source::store);
  expected.set(100, 50, Source::local);
  EXPECT_EQ(*found, (FileRecord{2, 7, {{1, 2}}, expected}));
}

TEST_F(FileTableTest, TheTimeAFileWasLeftWithIsKnownUntilItIsChanged) {
  auto table = open();
  EXPECT_EQ(table->leave(file_, 8).error().code(), Errc::not_found);
  ASSERT_TRUE(table->put(file_, {{1, 2}}, ExtentMap(1 << 20, Source::store), 5).ok());
  ASSERT_TRUE(table->leave(file_, 8).ok());
  const FileRecord left{2, 5, {{1, 2}}, ExtentMap(1 << 20, Source::store), 8};
  EXPECT_EQ(*table->find(file_), left);
  ASSERT_TRUE(table->put(other_, {{1, 3}}, ExtentMap(1000, Source::store), 6).ok());
  while (table->file_bytes() < std::uint64_t{2} << 20) {
    ASSERT_TRUE(table->change(other_, 1000, {{0, 10, Source::local}}, 7).ok());
  }
  ASSERT_TRUE(table->compact_if_due().ok());
  EXPECT_LT(table->file_bytes(), 4096u);
  table = open();
  EXPECT_EQ(*table->find(file_), left) << "written anew";
  ASSERT_TRUE(table->change(file_, 900, {}, 9).ok());
  EXPECT_EQ(*table->find(file_), (FileRecord{3, 9, {{1, 2}}, ExtentMap(900, Source::store), 0}));
}

TEST_F(FileTableTest, WhatMakesNoSenseChangesNothing) {
  auto table = open();
  const auto before = contents();
  EXPECT_EQ(table->change(file_, 10, {}, 0).error().code(), Errc::not_found);
  EXPECT_TRUE(table->forget(file_).ok());
  EXPECT_EQ(contents(), before);
  ASSERT_TRUE(table->put(file_, {}, ExtentMap(10, Source::store), 0).ok());
  EXPECT_EQ(table->change(file_, 10, {{5, 6, Source::local}}, 0).error().code(),
            Errc::invalid_argument);
  EXPECT_EQ(table->change(file_, kFileBytesMax + 1, {}, 0).error().code(), Errc::limit_reached);
  EXPECT_EQ(table->find(file_)->number, 1u);
}

TEST_F(FileTableTest, ATableOfAnotherStoreOrNoneIsRefused) {
  EXPECT_EQ(FileTable::open(files_, kFolder, generate_uuid()).error().code(), Errc::corrupt);
  EXPECT_EQ(FileTable::open(files_, "/elsewhere", store_).error().code(), Errc::not_found);
  EXPECT_EQ(FileTable::create(files_, kFolder, store_).error().code(), Errc::already_exists);
}

TEST_F(FileTableTest, DamageIsToldFromATornEnd) {
  std::uint64_t first = 0, second = 0;
  {
    auto table = open();
    first = table->file_bytes();
    ASSERT_TRUE(table->put(file_, {}, ExtentMap(10, Source::store), 0).ok());
    ASSERT_TRUE(table->sync().ok());
    second = table->file_bytes();
    ASSERT_TRUE(table->put(other_, {}, ExtentMap(10, Source::store), 0).ok());
  }
  const auto whole = contents();
  flip(second + 60);  // nobody says that this one was durable
  EXPECT_EQ(open()->files().size(), 1u);
  auto file = files_.open(kFolder + "/files", FileAccess::write);
  ASSERT_TRUE(file.value()->write(0, whole).ok());
  flip(first + 60);  // the other one was written when this was durable
  const auto refused = FileTable::open(files_, kFolder, store_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::corrupt);
  EXPECT_NE(refused.error().what().find("byte 64"), std::string::npos) << refused.error().what();
  EXPECT_EQ(contents().size(), whole.size()) << "nothing was cut off";
}

TEST_F(FileTableTest, ATableThatIsMostlyOutOfDateIsWrittenAnew) {
  auto table = open();
  ASSERT_TRUE(table->put(file_, {{4, 5}}, ExtentMap(1 << 20, Source::store), 1).ok());
  while (table->file_bytes() < (std::uint64_t{1} << 20) + 1000) {
    const std::uint64_t offset = table->file_bytes() % 1000;
    ASSERT_TRUE(table->change(file_, 1 << 20, {{offset, 10, Source::local}}, 2).ok());
  }
  const FileRecord before = *table->find(file_);
  ASSERT_TRUE(table->compact_if_due().ok());
  EXPECT_LT(table->file_bytes(), 4096u);
  EXPECT_EQ(contents().size(), table->file_bytes());
  ASSERT_TRUE(table->change(file_, 1 << 20, {}, 3).ok());
  table = open();
  EXPECT_EQ(table->find(file_)->number, before.number + 1);
  EXPECT_EQ(table->find(file_)->map, before.map);
}

}  // namespace
}  // namespace stillframe::dedup
