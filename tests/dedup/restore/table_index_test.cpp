// A few files of a large table are found without reading all of it.
#include "writers/dedup/volume/table_index.hpp"

#include "tests/dedup/restore/restore_fixture.hpp"
#include "tests/support/scale.hpp"

namespace stillframe::dedup {
namespace {

using stillframe::tests::scaled;
using tests::Blob;
using tests::Call;

class IndexedTable : public tests::RestoreTest {
 protected:
  const BytePath kTable = kFolder + "/" + kTableFileName;
  const BytePath kIndex = kFolder + "/" + kTableIndexFileName;

  // Other files, of which only the table knows.
  void fill_table(std::uint64_t files) {
    for (std::uint64_t i = 0; i < files; ++i) {
      const Status put =
          table_->put(FileId::generate(), {{1, 1}}, ExtentMap(1'000, Source::store), 1);
      ASSERT_TRUE(put.ok());
    }
    ASSERT_TRUE(table_->sync().ok());
  }
  void index() {
    const auto table = files_->open(kTable, FileAccess::read);
    ASSERT_TRUE(table.ok());
    const Status done =
        write_table_index(*files_, kFolder, *table.value(), id_, table_->file_bytes());
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  struct Reads {
    std::size_t calls = 0;
    std::uint64_t bytes = 0;
  };
  Reads reads_of(const BytePath& path) const {
    Reads reads;
    for (const Call& call : callback_.calls) {
      if (call.kind != Call::Kind::read || call.path != path) continue;
      ++reads.calls;
      reads.bytes += call.bytes;
    }
    return reads;
  }
  bool read_all_of_table() const { return reads_of(kTable).bytes >= table_->file_bytes(); }
};

TEST_F(IndexedTable, OneFileOfAHundredThousandTakesAFewReads) {
  add("first", random(50'000));
  fill_table(std::max<std::uint64_t>(20'000, scaled(100'000)));
  add("last", random(50'000));
  index();
  back_up();
  for (const char* name : {"first", "last"}) {
    ASSERT_EQ(restore({name}), S_OK);
    const Reads table = reads_of(kTable), pages = reads_of(kIndex);
    std::printf("%s: %zu reads of the table, %llu bytes; %zu of its index, %llu bytes\n", name,
                table.calls, static_cast<unsigned long long>(table.bytes), pages.calls,
                static_cast<unsigned long long>(pages.bytes));
    EXPECT_LE(table.calls, 6u);
    EXPECT_LE(table.bytes, 150'000u);
    EXPECT_LE(pages.calls, 8u);
  }
}

TEST_F(IndexedTable, WhatWasAppendedSinceCounts) {
  DedupFile& changed = add("changed", random(50'000));
  DedupFile& restored = add("restored", random(50'000));
  fill_table(20'000);
  index();
  const Blob piece = random(9'000);
  ASSERT_TRUE(changed.write(1'000, piece).ok());
  ASSERT_TRUE(changed.sync().ok());
  std::copy(piece.begin(), piece.end(), content_["changed"].begin() + 1'000);
  ASSERT_TRUE(restored.restore().ok());
  add("later", random(50'000));
  back_up();
  EXPECT_EQ(restore({"changed", "restored", "later"}), S_OK);
  EXPECT_EQ(results_, (std::vector<HRESULT>{S_OK, S_FALSE, S_OK}));
  EXPECT_FALSE(read_all_of_table());
}

TEST_F(IndexedTable, OfManyFilesEachIsFoundOrNot) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) {
    names.push_back("file" + std::to_string(i));
    add(names.back(), random(20'000));
    fill_table(500);
  }
  index();
  back_up();
  Stub unknown = *target_.nodes["file7"]->mark;
  unknown.file = FileId::generate();
  target_.nodes["file7"]->mark = unknown;
  EXPECT_EQ(restore(names), DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS);
  EXPECT_EQ(std::count(results_.begin(), results_.end(), S_OK), 39);
  EXPECT_EQ(results_[7], DDP_E_NOT_FOUND);
  EXPECT_FALSE(read_all_of_table());
}

TEST_F(IndexedTable, AnIndexThatIsDamagedOrOfAnotherTableIsDoneWithout) {
  add("a", random(50'000));
  fill_table(20'000);
  index();
  back_up();
  const Blob good = callback_.files[kIndex];
  Blob& bytes = callback_.files[kIndex];
  for (std::size_t at = 60; at < bytes.size(); at += kIndexPageBytes) bytes[at] ^= std::byte{1};
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_TRUE(read_all_of_table());
  put_stubs();
  bytes = good;
  for (std::size_t at = kIndexHeaderBytes; at < bytes.size(); at += kIndexPageBytes) {
    bytes[at + 20] ^= std::byte{1};
  }
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_TRUE(read_all_of_table());
  put_stubs();
  const IndexHeader odd{id_, generate_uuid(), table_->file_bytes(), 1};
  const auto header = format_index_header(odd);
  bytes = good;
  std::copy(header.begin(), header.end(), bytes.begin());
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_TRUE(read_all_of_table());
  put_stubs();
  callback_.files.erase(kIndex);
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_TRUE(read_all_of_table());
}

// Entries that the index names and that are others.
TEST_F(IndexedTable, AnIndexThatLiesIsDoneWithout) {
  add("a", random(50'000));
  fill_table(20'000);
  back_up();
  std::vector<std::byte> table_header = callback_.files[kTable];
  const IndexSlot wrong{target_.nodes["a"]->mark->file, kTableHeaderBytes + 104, 104};
  const auto header =
      format_index_header({id_, table_of_header(table_header), table_->file_bytes(), 1});
  const auto page = format_index_page(0, {&wrong, 1});
  Blob& bytes = callback_.files[kIndex];
  bytes.assign(header.begin(), header.end());
  bytes.insert(bytes.end(), page.begin(), page.end());
  EXPECT_EQ(restore({"a"}), S_OK);
  EXPECT_TRUE(read_all_of_table());
}

}  // namespace
}  // namespace stillframe::dedup
