#include "writers/ese/format/backup_trailer.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace stillframe::ese {
namespace {

DatabaseHeader copied_header() {
  DatabaseHeader header;
  header.page_bytes = 4096;
  header.sign_db.random = 5;
  header.sign_log.random = 6;
  set_state(header, DbState::dirty_shutdown, Generation{3}, Generation{7});
  header.full_current.mark = {8, 2, Generation{6}};
  header.full_current.low = Generation{3};
  return header;
}

BackupTrailer trailer_of(const DatabaseHeader& header) {
  BackupTrailer trailer;
  trailer.info = header.full_current;
  trailer.info.high = Generation{8};
  trailer.database = header.sign_db;
  trailer.log = header.sign_log;
  trailer.gen_min_required = Generation{4};
  trailer.gen_max_required = trailer.gen_max_committed = Generation{9};
  trailer.time_gen_max_create.day = 9;
  return trailer;
}

TEST(BackupTrailer, IsReadAsItWasWritten) {
  const BackupTrailer trailer = trailer_of(copied_header());
  std::vector<std::byte> page(4096, std::byte{0xEE});
  seal_backup_trailer(trailer, page);
  auto read = read_backup_trailer(page, "a.edb");
  ASSERT_TRUE(read.ok()) << read.error().what();
  read.value().checksum = 0;
  EXPECT_EQ(read.value(), trailer);
}

TEST(BackupTrailer, EveryChangedByteAndAnEmptyPageAreFound) {
  std::vector<std::byte> page(4096);
  EXPECT_TRUE(is(read_backup_trailer(page, "a").error(), EseErr::missing_patch_page));
  EXPECT_TRUE(is(read_backup_trailer({}, "a").error(), EseErr::missing_patch_page));
  seal_backup_trailer(trailer_of(copied_header()), page);
  for (const std::size_t at : {0U, 3U, 40U, 100U, 147U, 148U, 4095U}) {
    page[at] ^= std::byte{1};
    EXPECT_TRUE(is(read_backup_trailer(page, "a").error(), EseErr::bad_patch_page)) << at;
    page[at] ^= std::byte{1};
  }
  EXPECT_TRUE(read_backup_trailer(page, "a").ok());
}

TEST(BackupTrailer, GivesTheHeaderTheRangesAtTheEndOfTheCopy) {
  const DatabaseHeader header = copied_header();
  BackupTrailer trailer = trailer_of(header);
  const auto merged = merge_backup_trailer(header, trailer, "a.edb");
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged.value().full_current.high, Generation{8});
  EXPECT_EQ(merged.value().gen_min_required, Generation{3}) << "the pages are as old as it says";
  EXPECT_EQ(merged.value().gen_max_required, Generation{9});
  EXPECT_EQ(merged.value().gen_max_committed, Generation{9});
  EXPECT_EQ(merged.value().time_gen_max_create.day, 9);
  trailer.gen_min_required = trailer.gen_max_required = trailer.gen_max_committed = {};
  const auto old = merge_backup_trailer(header, trailer, "a.edb");
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old.value().gen_max_required, Generation{8}) << "engines that do not say";
}

TEST(BackupTrailer, BelongsToOneHeader) {
  const DatabaseHeader header = copied_header();
  const auto refused = [&](auto&& change) {
    BackupTrailer trailer = trailer_of(header);
    change(trailer);
    const auto merged = merge_backup_trailer(header, trailer, "a.edb");
    return !merged.ok() && is(merged.error(), EseErr::database_patch_file_mismatch);
  };
  EXPECT_TRUE(refused([](BackupTrailer& t) { t.database.random = 1; }));
  EXPECT_TRUE(refused([](BackupTrailer& t) { t.log.random = 1; }));
  EXPECT_TRUE(refused([](BackupTrailer& t) { ++t.info.mark.ib; }));
}

}  // namespace
}  // namespace stillframe::ese
