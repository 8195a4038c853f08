// Files that a thread of its own writes: all of each, in order, durable when that was promised; and
// what goes wrong is told to whoever goes on.
#include "writers/ese/backup/write_behind.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "tests/io/support/limited_files.hpp"

namespace stillframe::ese {
namespace {

using stillframe::tests::CrashingFiles;
using stillframe::tests::LimitedFiles;

constexpr std::size_t kWholePieces = 21;  // more than there are buffers
constexpr std::size_t kStoredBytes = kWholePieces * WriteBehind::kPieceBytes + 77;

std::byte byte_at(std::size_t offset, std::size_t seed) {
  return static_cast<std::byte>((offset / 4096 + offset + seed) % 251);
}

// Until it fails or all are put.
Status put_all(WriteBehind& to, std::size_t bytes, std::size_t seed) {
  for (std::size_t at = 0; at < bytes;) {
    const auto room = to.room();
    if (!room.ok()) return room.error();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(room.value().data()) % 4096, 0U);
    const std::size_t some = std::min(room.value().size(), bytes - at);
    for (std::size_t i = 0; i < some; ++i) room.value()[i] = byte_at(at + i, seed);
    to.put(some);
    at += some;
  }
  return Ok{};
}

void expect_content(Files& files, const BytePath& path, std::size_t bytes, std::size_t seed) {
  SCOPED_TRACE(path);
  auto file = files.open(path, FileAccess::read);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(file.value()->size().value(), bytes);
  std::vector<std::byte> content(bytes);
  ASSERT_TRUE(file.value()->read(0, content).ok());
  for (std::size_t i = 0; i < bytes; ++i) {
    ASSERT_EQ(content[i], byte_at(i, seed)) << "byte " << i;
  }
}

class WriteBehindTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory("/set").ok());
    ASSERT_TRUE(files_.sync_directory("/").ok());
  }
  CrashingFiles files_;
  std::mt19937_64 random_{1};
};

TEST_F(WriteBehindTest, WhatHasSettledIsDurable) {
  WriteBehind stored(files_);
  ASSERT_TRUE(stored.begin("/set/one").ok());
  ASSERT_TRUE(put_all(stored, kStoredBytes, 1).ok());
  ASSERT_TRUE(stored.begin("/set/empty").ok());
  ASSERT_TRUE(stored.begin("/set/two").ok());
  ASSERT_TRUE(put_all(stored, 100, 2).ok());
  ASSERT_TRUE(stored.settle().ok());
  ASSERT_TRUE(files_.sync_directory("/set").ok());
  const auto after = files_.after_crash(random_, 512);
  expect_content(*after, "/set/one", kStoredBytes, 1);
  expect_content(*after, "/set/empty", 0, 0);
  expect_content(*after, "/set/two", 100, 2);
}

TEST_F(WriteBehindTest, ManyFilesAreNotAllKeptOpenAndAreDurableToo) {
  constexpr std::size_t kManyFiles = 40;
  WriteBehind stored(files_);
  for (std::size_t i = 0; i < kManyFiles; ++i) {
    ASSERT_TRUE(stored.begin("/set/" + std::to_string(i)).ok());
    ASSERT_TRUE(put_all(stored, 1000 + i, i).ok());
  }
  ASSERT_TRUE(stored.settle().ok());
  ASSERT_TRUE(files_.sync_directory("/set").ok());
  const auto after = files_.after_crash(random_, 512);
  for (std::size_t i = 0; i < kManyFiles; ++i) {
    expect_content(*after, "/set/" + std::to_string(i), 1000 + i, i);
  }
}

TEST_F(WriteBehindTest, AFullDiskIsToldAndNothingOfTheFilesIsLeft) {
  LimitedFiles limited(files_, 3 * WriteBehind::kPieceBytes);
  WriteBehind stored(limited);
  ASSERT_TRUE(stored.begin("/set/small").ok());
  ASSERT_TRUE(put_all(stored, 100, 1).ok());
  ASSERT_TRUE(stored.begin("/set/one").ok());
  const Status put = put_all(stored, kStoredBytes, 1);
  ASSERT_FALSE(put.ok()) << "it was told while there was more to put";
  EXPECT_EQ(put.error().code(), Errc::no_space) << put.error().what();
  EXPECT_EQ(stored.settle().error().code(), Errc::no_space) << "the first error stays";
  EXPECT_TRUE(stored.discard().ok());
  EXPECT_FALSE(files_.exists("/set/small"));
  EXPECT_FALSE(files_.exists("/set/one"));
}

TEST_F(WriteBehindTest, AFileThatIsThereStays) {
  {
    WriteBehind first(files_);
    ASSERT_TRUE(first.begin("/set/one").ok());
    ASSERT_TRUE(put_all(first, 100, 1).ok());
    ASSERT_TRUE(first.settle().ok());
  }
  WriteBehind stored(files_);
  ASSERT_TRUE(stored.begin("/set/one").ok());
  (void)put_all(stored, 100, 2);
  EXPECT_FALSE(stored.settle().ok());
  EXPECT_TRUE(stored.discard().ok());
  expect_content(files_, "/set/one", 100, 1);
}

TEST_F(WriteBehindTest, AFailedSyncIsToldAndTheFileIsNotWhole) {
  files_.fail_sync_at(1);
  WriteBehind stored(files_);
  ASSERT_TRUE(stored.begin("/set/one").ok());
  ASSERT_TRUE(put_all(stored, 100, 1).ok());
  EXPECT_FALSE(stored.settle().ok());
  EXPECT_FALSE(stored.settle().ok()) << "a later sync proves nothing";
  EXPECT_TRUE(stored.discard().ok());
  EXPECT_FALSE(files_.exists("/set/one"));
}

}  // namespace
}  // namespace stillframe::ese
