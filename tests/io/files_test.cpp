#include "framework/io/files.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"

namespace stillframe {
namespace {

using tests::CrashingFiles;

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return std::byte(c); });
  return bytes;
}

std::string text_of(const File& file) {
  std::vector<std::byte> bytes(file.size().value());
  EXPECT_TRUE(file.read(0, bytes).ok());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_at(Files& files, const BytePath& path) {
  auto file = files.open(path, FileAccess::read);
  return file.ok() ? text_of(*file.value()) : "(none)";
}

// ---- what both kinds promise

enum class Kind { posix, crashing };

class EveryFiles : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::crashing) {
      files_ = std::make_unique<CrashingFiles>();
      return;
    }
    std::string pattern = testing::TempDir() + "/ese-files.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    files_ = posix_files();
  }
  void TearDown() override {
    if (GetParam() == Kind::posix) std::filesystem::remove_all(folder_);
  }
  BytePath at(const std::string& name) const { return folder_ + "/" + name; }

  BytePath folder_ = "/db";
  std::unique_ptr<Files> files_;
};

TEST_P(EveryFiles, WhatWasWrittenIsRead) {
  auto file = files_->create(at("a.edb")).value();
  ASSERT_TRUE(file->write(3, bytes_of("xyz")).ok());
  EXPECT_EQ(text_of(*file), std::string("\0\0\0xyz", 6));
  ASSERT_TRUE(file->resize(4).ok());
  ASSERT_TRUE(file->resize(6).ok());
  EXPECT_EQ(text_of(*file), std::string("\0\0\0x\0\0", 6));
}

TEST_P(EveryFiles, ReadingBehindTheEndIsTruncated) {
  auto file = files_->create(at("a.edb")).value();
  ASSERT_TRUE(file->write(0, bytes_of("abc")).ok());
  std::vector<std::byte> four(4);
  EXPECT_EQ(file->read(0, four).error().code(), Errc::truncated);
}

TEST_P(EveryFiles, NamesAreMadeMovedAndRemoved) {
  ASSERT_TRUE(files_->create(at("b.log")).value()->write(0, bytes_of("new")).ok());
  ASSERT_TRUE(files_->create(at("a.log")).ok());
  EXPECT_EQ(files_->create(at("a.log")).error().code(), Errc::already_exists);
  EXPECT_EQ(files_->list(folder_).value(), (std::vector<BytePath>{"a.log", "b.log"}));
  ASSERT_TRUE(files_->rename(at("b.log"), at("a.log")).ok());
  EXPECT_EQ(text_at(*files_, at("a.log")), "new");
  EXPECT_FALSE(files_->exists(at("b.log")));
  ASSERT_TRUE(files_->remove(at("a.log")).ok());
  EXPECT_EQ(files_->remove(at("a.log")).error().code(), Errc::not_found);
  EXPECT_EQ(files_->open(at("a.log"), FileAccess::read).error().code(), Errc::not_found);
}

INSTANTIATE_TEST_SUITE_P(Files, EveryFiles, testing::Values(Kind::posix, Kind::crashing),
                         [](const auto& one) {
                           return one.param == Kind::posix ? "posix" : "crashing";
                         });

// ---- what the crashing kind is for

TEST(CrashingFiles, SyncedBytesAndNamesSurviveEveryCrash) {
  CrashingFiles files;
  auto file = files.create("/db/a").value();
  ASSERT_TRUE(file->write(0, bytes_of("safe")).ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(files.sync_directory("/db").ok());
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    EXPECT_EQ(text_at(*files.after_crash(random, 512), "/db/a"), "safe");
  }
}

// Each of these outcomes must come up, or a test that relies on them proves nothing.
TEST(CrashingFiles, UnsyncedBytesMaySurviveWholeTornOrNotAtAll) {
  CrashingFiles files;
  auto file = files.create("/db/a").value();
  ASSERT_TRUE(file->resize(1024).ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(files.sync_directory("/db").ok());
  ASSERT_TRUE(file->write(0, bytes_of(std::string(1024, 'x'))).ok());
  bool whole = false, torn = false, none = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::string found = text_at(*files.after_crash(random, 512), "/db/a");
    const auto kept = std::count(found.begin(), found.end(), 'x');
    EXPECT_TRUE(kept == 0 || kept == 512 || kept == 1024) << "seed " << seed << ": " << kept;
    whole |= kept == 1024;
    torn |= kept == 512;
    none |= kept == 0;
  }
  EXPECT_TRUE(whole && torn && none);
}

TEST(CrashingFiles, UnsyncedNamesMayBeMissing) {
  CrashingFiles files;
  ASSERT_TRUE(files.create("/db/tmp").ok());
  ASSERT_TRUE(files.sync_directory("/db").ok());
  ASSERT_TRUE(files.rename("/db/tmp", "/db/final").ok());
  bool before = false, after = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    auto found = files.after_crash(random, 512);
    EXPECT_NE(found->exists("/db/tmp"), found->exists("/db/final")) << "seed " << seed;
    (found->exists("/db/final") ? after : before) = true;
  }
  EXPECT_TRUE(before && after);
}

TEST(CrashingFiles, NothingWorksOnceTheMachineStopped) {
  CrashingFiles files;
  auto file = files.create("/db/a").value();
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(files.sync_directory("/db").ok());
  files.stop_at(2);
  EXPECT_TRUE(file->write(0, bytes_of("one")).ok());
  EXPECT_EQ(file->write(3, bytes_of("two")).error().code(), Errc::io);
  EXPECT_TRUE(files.stopped());
  EXPECT_EQ(files.create("/db/b").error().code(), Errc::io);
  EXPECT_EQ(file->sync().error().code(), Errc::io);
}

TEST(CrashingFiles, AFailedSyncLosesBytesAndEndsTheHandle) {
  CrashingFiles files;
  auto file = files.create("/db/a").value();
  ASSERT_TRUE(files.sync_directory("/db").ok());
  ASSERT_TRUE(file->write(0, bytes_of("gone")).ok());
  files.fail_sync_at(1);
  EXPECT_FALSE(file->sync().ok());
  EXPECT_FALSE(file->write(0, bytes_of("more")).ok());
  EXPECT_FALSE(file->sync().ok());
  std::mt19937_64 random(1);
  EXPECT_EQ(text_at(*files.after_crash(random, 512), "/db/a"), "");
}

}  // namespace
}  // namespace stillframe
