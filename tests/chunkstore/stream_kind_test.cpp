#include "framework/chunkstore/stream_kind.hpp"

#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/chunkstore/random_bytes.hpp"

namespace stillframe::chunkstore {
namespace {

using namespace std::string_view_literals;
using tests::Blob;

Blob with(std::size_t size, std::initializer_list<std::pair<std::size_t, std::string_view>> parts) {
  Blob bytes(size);
  for (const auto& [offset, text] : parts)
    std::memcpy(bytes.data() + offset, text.data(), text.size());
  return bytes;
}

TEST(StreamKind, ImagesOfDisksAreKnownByTheirContent) {
  const std::vector<std::pair<const char*, Blob>> images = {
      {"qcow2", with(512, {{0, "QFI\xfb\0\0\0\3"sv}})},
      {"vmdk", with(512, {{0, "KDMV"sv}})},
      {"vhdx", with(512, {{0, "vhdxfile"sv}})},
      {"vhd", with(512, {{0, "conectix"sv}})},
      {"vdi", with(512, {{0, "<<< VM Disk Image >>>"sv}, {64, "\x7f\x10\xda\xbe"sv}})},
      {"gpt", with(1024, {{512, "EFI PART"sv}})},
      {"mbr", with(512, {{450, "\x83"sv}, {458, "\0\x08"sv}, {510, "\x55\xaa"sv}})},
      {"xfs", with(512, {{0, "XFSB"sv}})},
      {"btrfs", with(66000, {{65600, "_BHRfS_M"sv}})},
      {"ntfs", with(512, {{3, "NTFS    "sv}})},
      {"ext4",
       with(4096, {{1048, "\x02\0\0\0"sv}, {1080, "\x53\xef\x01\0"sv}, {1100, "\x01\0\0\0"sv}})},
  };
  for (const auto& [name, bytes] : images) {
    EXPECT_EQ(stream_kind(bytes), StreamKind::disk_image) << name;
  }
}

TEST(StreamKind, DatabasesAreKnownByTheirContent) {
  const std::string_view page = "\x20\0\xf0\x1f\0\x20\x04\x20"sv;  // lower, upper, special, version
  const std::vector<std::pair<const char*, Blob>> databases = {
      {"sqlite", with(512, {{0, "SQLite format 3\0"sv}})},
      {"ese", with(4096, {{4, "\xef\xcd\xab\x89"sv}})},
      {"berkeley db", with(512, {{12, "\x62\x31\x05\x00"sv}})},
      {"postgresql", with(16384, {{12, page}, {8192 + 12, page}})},
      {"innodb", with(16384, {{25, "\x08"sv}, {37, "\x05"sv}, {41, "\x05"sv}, {49, "\x40"sv}})},
  };
  for (const auto& [name, bytes] : databases) {
    EXPECT_EQ(stream_kind(bytes), StreamKind::database) << name;
  }
}

TEST(StreamKind, EverythingElseIsGeneral) {
  EXPECT_EQ(stream_kind({}), StreamKind::general);
  EXPECT_EQ(stream_kind(Blob(70000)), StreamKind::general);
  EXPECT_EQ(stream_kind(with(100, {{0, "#!/bin/sh\n"sv}})), StreamKind::general);
  EXPECT_EQ(stream_kind(with(512, {{510, "\x55\xaa"sv}})), StreamKind::general);  // no partition
  EXPECT_EQ(stream_kind(with(4096, {{1080, "\x53\xef"sv}, {1048, "\xff\xff"sv}})),
            StreamKind::general);
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(stream_kind(tests::random_bytes(random, random() % 20000)), StreamKind::general);
  }
}

TEST(StreamKind, OnlyWhatChangesInPlaceIsCutAligned) {
  EXPECT_EQ(best_cutting(StreamKind::general), Cutting::by_content);
  EXPECT_EQ(best_cutting(StreamKind::disk_image), Cutting::aligned);
  EXPECT_EQ(best_cutting(StreamKind::database), Cutting::aligned);
}

}  // namespace
}  // namespace stillframe::chunkstore
