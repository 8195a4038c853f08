#include "writers/ese/format/database_header.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {
namespace {

DatabaseHeader sample_header(std::size_t page_bytes) {
  DatabaseHeader header;
  header.page_bytes = static_cast<std::uint32_t>(page_bytes);
  header.update_major = 20;
  header.sign_db.random = 0x12345678;
  header.dbtime_dirtied = Dbtime{0x1234};
  set_state(header, DbState::clean_shutdown, Generation{3}, Generation{5});
  return header;
}

// Both copies of a header, as a file begins.
std::vector<std::byte> file_start(const DatabaseHeader& header) {
  const std::size_t size = header.page_size();
  std::vector<std::byte> start(2 * size);
  seal_header(header, MutableBytes(start).first(size));
  seal_header(header, MutableBytes(start).subspan(size));
  return start;
}

void flip(std::vector<std::byte>& bytes, std::size_t at) {
  bytes[at] ^= std::byte{1};
}

TEST(EseDatabaseHeader, EveryByteOfTheStructureSurvivesARoundTripOrIsReserved) {
  std::mt19937 random(20);
  std::vector<std::byte> bytes(DatabaseHeader::kBytes), again(DatabaseHeader::kBytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 255 + 1);
  encode(decode<DatabaseHeader>(bytes), again);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const bool reserved = (at >= 664 && at < 667) || at == 671;
    EXPECT_EQ(again[at], reserved ? std::byte{0} : bytes[at]) << at;
  }
}

class EseDatabaseHeaderSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(EseDatabaseHeaderSizes, IsFoundAtEveryPageSize) {
  const auto found = find_header(file_start(sample_header(GetParam())), "a.edb");
  ASSERT_TRUE(found.ok()) << found.error().what();
  EXPECT_EQ(found.value().copies, HeaderCopies::equal);
  EXPECT_EQ(found.value().header.page_size(), GetParam());
  EXPECT_EQ(found.value().header.sign_db.random, 0x12345678u);
}

TEST_P(EseDatabaseHeaderSizes, EitherCopyIsEnough) {
  const auto whole = file_start(sample_header(GetParam()));
  auto first_bad = whole, second_bad = whole, both_bad = whole;
  flip(first_bad, 100);
  flip(second_bad, GetParam() + GetParam() - 1);  // even behind the structure
  flip(both_bad, 100);
  flip(both_bad, GetParam() + 100);
  EXPECT_EQ(find_header(first_bad, "a").value().copies, HeaderCopies::primary_bad);
  EXPECT_EQ(find_header(second_bad, "a").value().copies, HeaderCopies::shadow_bad);
  EXPECT_TRUE(is(find_header(both_bad, "a").error(), EseErr::read_verify_failure));
}

TEST_P(EseDatabaseHeaderSizes, ADifferentSecondCopyIsStale) {
  DatabaseHeader newer = sample_header(GetParam());
  auto start = file_start(newer);
  newer.dbtime_dirtied = Dbtime{0x5555};
  seal_header(newer, MutableBytes(start).first(GetParam()));
  const auto found = find_header(start, "a");
  EXPECT_EQ(found.value().copies, HeaderCopies::shadow_stale);
  EXPECT_EQ(found.value().header.dbtime_dirtied, Dbtime{0x5555});
}

INSTANTIATE_TEST_SUITE_P(All, EseDatabaseHeaderSizes,
                         testing::Values(2048, 4096, 8192, 16384, 32768));

TEST(EseDatabaseHeader, APageSizeOfZeroMeans4096) {
  DatabaseHeader header = sample_header(4096);
  header.page_bytes = 0;
  EXPECT_EQ(find_header(file_start(header), "a").value().header.page_size(), 4096u);
}

TEST(EseDatabaseHeader, FilesOfAnotherKindAreNamed) {
  DatabaseHeader header = sample_header(8192);
  header.file_type = FileType::checkpoint;
  const auto checkpoint = find_header(file_start(header), "edb.chk");
  EXPECT_TRUE(is(checkpoint.error(), EseErr::invalid_database_version));
  EXPECT_NE(checkpoint.error().what().find("checkpoint"), std::string::npos);
  const std::vector<std::byte> zeros(65536);
  EXPECT_TRUE(is(find_header(zeros, "a").error(), EseErr::invalid_database_version));
  EXPECT_TRUE(is(find_header(Bytes{}, "a").error(), EseErr::invalid_database_version));
}

TEST(EseDatabaseHeader, ACleanStateRequiresNoLogs) {
  DatabaseHeader header = sample_header(4096);
  set_state(header, DbState::dirty_shutdown, Generation{3}, Generation{5});
  header.time_gen_max_create.day = 1;
  EXPECT_EQ(header.gen_min_required, Generation{3});
  EXPECT_EQ(header.gen_max_committed, Generation{5});
  set_state(header, DbState::clean_shutdown, Generation{3}, Generation{5});
  EXPECT_EQ(header.gen_max_required, Generation::none);
  EXPECT_FALSE(header.time_gen_max_create.set());
}

}  // namespace
}  // namespace stillframe::ese
