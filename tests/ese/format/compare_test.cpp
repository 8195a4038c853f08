#include "writers/ese/format/compare.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"
#include "writers/ese/format/catalog.hpp"

namespace stillframe::ese {
namespace {

using tests::Blob;
using tests::SampleDatabase;
using Texts = std::vector<std::string>;

class EseCompare : public testing::TestWithParam<std::size_t> {
 protected:
  EseCompare() : first_(GetParam()), second_(GetParam()) {}

  PageEditor edit(Pgno pgno) { return PageEditor(second_.pages.page(pgno)); }
  Comparison pages(Pgno sealed) {
    second_.pages.seal(sealed);
    const Schema a = read_schema(first_.pages, 20).value(),
                 b = read_schema(second_.pages, 20).value();
    auto found = compare_pages({first_.pages, a}, {second_.pages, b}, 100);
    EXPECT_TRUE(found.ok()) << found.error().what();
    return found.ok() ? found.value() : Comparison{};
  }
  Comparison rows(Pgno sealed) {
    second_.pages.seal(sealed);
    const Schema a = read_schema(first_.pages, 20).value(),
                 b = read_schema(second_.pages, 20).value();
    auto found = compare_rows({first_.pages, a}, {second_.pages, b}, false, 100);
    EXPECT_TRUE(found.ok()) << found.error().what();
    return found.ok() ? found.value() : Comparison{};
  }

  SampleDatabase first_, second_;
  static constexpr Pgno kTable = SampleDatabase::kTable;
};

TEST_P(EseCompare, EqualDatabasesAreTheSame) {
  EXPECT_TRUE(pages(kTable).same());
  EXPECT_EQ(pages(kTable).compared, 32u);
  EXPECT_TRUE(rows(kTable).same());
  EXPECT_EQ(rows(kTable).compared, SampleDatabase::kRows);
}

TEST_P(EseCompare, AnotherDbtimeIsAnotherPageButNotAnotherRow) {
  edit(kTable).set_dbtime(Dbtime{101});
  EXPECT_EQ(pages(kTable).differences, Texts{"page 26: dbtime 100 and 101"});
  EXPECT_TRUE(rows(kTable).same());
}

TEST_P(EseCompare, WhereNodesLieOnAPageMakesNoDifference) {
  const auto erased = first_.pages.page(kTable);
  PageEditor page = edit(kTable);
  const PageView before(erased);
  const NodeView node = before.node(0);
  page.erase(0);  // and back, so that it lies behind the others
  Blob key(node.key.size());
  node.key.copy_to(key.data());
  ASSERT_TRUE(page.insert(0, {0, key, node.data, kNodeVersion}));
  const Comparison found = pages(kTable);
  EXPECT_TRUE(found.same()) << found.differences.at(0);
}

TEST_P(EseCompare, AChangedNodeIsNamed) {
  edit(SampleDatabase::kByName).data(3)[0] ^= std::byte{1};
  EXPECT_EQ(pages(SampleDatabase::kByName).differences, Texts{"page 28: node 3"});
}

TEST_P(EseCompare, ADeletedNodeDiffersAndItsRowIsMissing) {
  edit(kTable).set_node_flags(7, kNodeDeleted);
  EXPECT_EQ(pages(kTable).differences, Texts{"page 26: node 7"});
  const Comparison found = rows(kTable);
  EXPECT_EQ(found.only_in_first, 1u);
  EXPECT_EQ(found.only_in_second, 0u);
  EXPECT_EQ(found.compared, SampleDatabase::kRows - 1u);
  EXPECT_EQ(found.differences,
            Texts{"the row of 'rows' with the key 7f80000007 is only in sample"});
}

TEST_P(EseCompare, AChangedValueIsNamedByItsColumn) {
  const auto data = edit(kTable).data(3);
  const Blob wanted = tests::blob("name103");
  const auto name = std::search(data.begin(), data.end(), wanted.begin(), wanted.end());
  ASSERT_NE(name, data.end());
  *name = std::byte{'g'};
  const Comparison found = rows(kTable);
  EXPECT_EQ(found.different, 1u);
  EXPECT_EQ(found.differences,
            Texts{"the row of 'rows' with the key 7f80000003 differs in column 'name'"});
}

TEST_P(EseCompare, AChangedLongValueIsAChangedRow) {
  PageEditor page = edit(SampleDatabase::kLongValues);
  page.data(2)[5] ^= std::byte{1};  // the chunk that is not compressed
  EXPECT_EQ(rows(SampleDatabase::kLongValues).differences,
            Texts{"the row of 'rows' with the key 7f80000004 differs in column 'blob'"});
}

TEST_P(EseCompare, GarbageInUnusedSpaceIsNoDifference) {
  second_.pages.page(Pgno{15})[77] = std::byte{1};
  const Comparison found = pages(kTable);
  EXPECT_TRUE(found.same());
  EXPECT_EQ(found.different_unused, 1u);
}

TEST_P(EseCompare, ATreeThatCannotBeWalkedIsAnError) {
  for (int i = 0; i < 9; ++i) second_.pages.page(kTable)[200 + i] ^= std::byte{5};
  const Schema schema = read_schema(first_.pages, 20).value();
  EXPECT_FALSE(compare_pages({first_.pages, schema}, {second_.pages, schema}, 9).ok());
  EXPECT_FALSE(compare_rows({first_.pages, schema}, {second_.pages, schema}, false, 9).ok());
}

INSTANTIATE_TEST_SUITE_P(All, EseCompare, testing::Values(4096, 32768));

TEST(EseCompareSizes, PagesOfTwoSizesCannotBeComparedButRowsCan) {
  const SampleDatabase small(4096), large(8192);
  const Schema a = read_schema(small.pages, 20).value(), b = read_schema(large.pages, 20).value();
  EXPECT_FALSE(compare_pages({small.pages, a}, {large.pages, b}, 9).ok());
  const auto rows = compare_rows({small.pages, a}, {large.pages, b}, false, 9);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows.value().compared, SampleDatabase::kRows);
}

}  // namespace
}  // namespace stillframe::ese
