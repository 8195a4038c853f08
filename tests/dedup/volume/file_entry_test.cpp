#include "writers/dedup/volume/file_entry.hpp"

#include <gtest/gtest.h>

namespace stillframe::dedup {
namespace {

UuidBytes store_of(std::uint8_t last) {
  UuidBytes store{};
  store.back() = last;
  return store;
}

FileEntry sample() {
  ExtentMap map(10'000, Source::store);
  map.set(4096, 4096, Source::local);
  map.set(9000, 500, Source::zero);
  return {FileId::generate(), FileRecord{7, -1, {{3, 9}}, map}};
}

void expect_refused(std::vector<std::byte> bytes, Errc code) {
  const auto parsed = parse_entry(bytes);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), code) << parsed.error().what();
}

TEST(FileEntry, EveryKindIsReadAsItWasWritten) {
  const FileId file = FileId::generate();
  const FileEntry entries[] = {
      sample(),
      {file, FileRecord{1, 0, {}, ExtentMap()}},
      {file, FileChange{8, 123, 4096, {{0, 4096, Source::local}, {0, 1, Source::zero}}}},
      {file, FileChange{9, 124, 0, {}}},
      {file, FileChange{10, 124, 7, {}, -5}},
      {file, FileGone{}},
  };
  for (const FileEntry& entry : entries) {
    const auto bytes = format_entry(entry, 4711);
    const auto head = parse_entry_head(bytes);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->bytes, bytes.size());
    EXPECT_EQ(head->durable_bytes, 4711u);
    const auto parsed = parse_entry(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.error().what();
    EXPECT_EQ(parsed.value(), entry);
  }
}

TEST(FileEntry, AnyFlippedBitIsNoticed) {
  const auto bytes = format_entry(sample(), 0);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(parse_entry(flipped).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_entry(Bytes(bytes).first(size)).ok()) << size << " bytes";
  }
}

TEST(FileEntry, ExtentsThatAreNoMapAreRefused) {
  const FileId file = FileId::generate();
  // As a change they are in order; the same bytes as a whole file would not be.
  const FileEntry overlapping{
      file, FileChange{1, 0, 100, {{0, 60, Source::store}, {50, 50, Source::local}}}};
  auto bytes = format_entry(overlapping, 0);
  EXPECT_TRUE(parse_entry(bytes).ok());
  const FileEntry outside{file, FileChange{1, 0, 100, {{90, 20, Source::local}}}};
  expect_refused(format_entry(outside, 0), Errc::corrupt);
}

TEST(FileEntry, AHeaderIsOfItsStoreAlone) {
  const auto bytes = format_table_header(store_of(1), store_of(7));
  EXPECT_EQ(table_of_header(bytes), store_of(7));
  EXPECT_TRUE(check_table_header(bytes, store_of(1)).ok());
  EXPECT_EQ(check_table_header(bytes, store_of(2)).error().code(), Errc::corrupt);
  EXPECT_EQ(check_table_header(Bytes(bytes).first(10), store_of(1)).error().code(),
            Errc::truncated);
  auto flipped = bytes;
  flipped[20] ^= std::byte{1};
  EXPECT_EQ(check_table_header(flipped, store_of(1)).error().code(), Errc::corrupt);
}

}  // namespace
}  // namespace stillframe::dedup
