// Changes to overlaid files against files that are really changed.
#include "writers/dedup/volume/overlaid_files.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::dedup {
namespace {

std::vector<std::byte> bytes_of(std::mt19937_64& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::vector<std::byte> content_of(Files& files, const BytePath& path) {
  const auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return {};
  std::vector<std::byte> bytes(file.value()->size().value());
  EXPECT_TRUE(file.value()->read(0, bytes).ok());
  return bytes;
}

class OverlaidFilesTest : public ::testing::Test {
 protected:
  void put(const BytePath& path, Bytes bytes) {
    const auto file = below_->create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->write(0, bytes).ok());
  }

  stillframe::tests::TemporaryDirectory temporary_{"overlaid"};
  const BytePath root_ = temporary_.path();
  const std::unique_ptr<Files> below_ = posix_files();
};

TEST_F(OverlaidFilesTest, RandomChangesReadAsIfTheyWereMadeAndAreNot) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    const BytePath path = root_ + "/" + std::to_string(round);
    const auto first = bytes_of(random, random() % 3000);
    put(path, first);
    const auto over = overlaid_files(*below_);
    auto file = over->open(path, FileAccess::write);
    ASSERT_TRUE(file.ok());
    std::vector<std::byte> model = first;
    for (int step = 0; step < 30; ++step) {
      if (random() % 3 == 0) {
        const std::size_t size = random() % 4000;
        model.resize(size);
        ASSERT_TRUE(file.value()->resize(size).ok());
      } else {
        const auto piece = bytes_of(random, random() % 500);
        const std::size_t at = random() % 3500;
        model.resize(std::max(model.size(), at + piece.size()));
        std::copy(piece.begin(), piece.end(), model.begin() + static_cast<std::ptrdiff_t>(at));
        ASSERT_TRUE(file.value()->write(at, piece).ok());
      }
      ASSERT_EQ(content_of(*over, path), model) << "round " << round << " step " << step;
    }
    EXPECT_EQ(content_of(*below_, path), first);
  }
}

TEST_F(OverlaidFilesTest, NamesComeAndGoAboveOnly) {
  const std::vector<std::byte> a(3, std::byte{1});
  put(root_ + "/a", a);
  put(root_ + "/b", {});
  const auto over = overlaid_files(*below_);
  ASSERT_TRUE(over->remove(root_ + "/b").ok());
  ASSERT_TRUE(over->rename(root_ + "/a", root_ + "/c").ok());
  ASSERT_TRUE(over->make_directory(root_ + "/d/e").ok());
  ASSERT_TRUE(over->create(root_ + "/d/f").ok());
  EXPECT_FALSE(over->create(root_ + "/c").ok());
  EXPECT_EQ(over->list(root_).value(), (std::vector<BytePath>{"c", "d"}));
  EXPECT_EQ(over->list(root_ + "/d").value(), (std::vector<BytePath>{"e", "f"}));
  EXPECT_EQ(content_of(*over, root_ + "/c"), a);
  EXPECT_EQ(over->open(root_ + "/a", FileAccess::read).error().code(), Errc::not_found);
  EXPECT_EQ(over->remove(root_ + "/b").error().code(), Errc::not_found);
  EXPECT_EQ(below_->list(root_).value(), (std::vector<BytePath>{"a", "b"}));
}

TEST_F(OverlaidFilesTest, WhatIsKeptInMemoryIsBounded) {
  put(root_ + "/a", {});
  const auto over = overlaid_files(*below_, 10);
  const auto file = over->open(root_ + "/a", FileAccess::write);
  ASSERT_TRUE(file.ok());
  const std::vector<std::byte> six(6);
  EXPECT_TRUE(file.value()->write(0, six).ok());
  EXPECT_EQ(file.value()->write(0, six).error().code(), Errc::limit_reached);
}

}  // namespace
}  // namespace stillframe::dedup
