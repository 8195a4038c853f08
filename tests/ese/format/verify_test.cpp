#include "writers/ese/format/verify.hpp"

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"
#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/row.hpp"
#include "writers/ese/format/space.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {
namespace {

using tests::Blob;
using tests::SampleDatabase;

VerifyReport verify(const SampleDatabase& sample, unsigned threads = 2) {
  VerifyOptions options;
  options.threads = threads;
  Result<VerifyReport> report = verify_database(sample.pages, sample.header, options);
  EXPECT_TRUE(report.ok());
  return std::move(report).value();
}

bool finds(const VerifyReport& report, Check check) {
  for (const Finding& finding : report.findings) {
    if (finding.check == check) return true;
  }
  return false;
}

class EseVerify : public testing::TestWithParam<std::size_t> {
 protected:
  EseVerify() : sample_(GetParam()) {}

  PageEditor edit(Pgno pgno) { return PageEditor(sample_.pages.page(pgno)); }
  VerifyReport sealed_and_verified(Pgno pgno) {
    sample_.pages.seal(pgno);
    return verify(sample_);
  }

  SampleDatabase sample_;
};

TEST_P(EseVerify, AWholeDatabaseIsGood) {
  const VerifyReport report = verify(sample_);
  for (const Finding& finding : report.findings) ADD_FAILURE() << finding.what;
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.tables, 3u);
  EXPECT_EQ(report.index_entries, 2u * SampleDatabase::kRows);
  EXPECT_EQ(report.indexes_checked, 3u);
  EXPECT_EQ(report.long_values, 1u);
  EXPECT_EQ(report.pages_good, 7u);
  EXPECT_EQ(report.pages_zero, 25u);
}

TEST_P(EseVerify, TheNumberOfThreadsMakesNoDifference) {
  EXPECT_EQ(verify(sample_, 1).pages_good, verify(sample_, 8).pages_good);
}

TEST_P(EseVerify, RowsComeBackWithTheirLongValues) {
  const Result<Schema> schema = read_schema(sample_.pages, 20);
  const Table& table = *schema.value().find("rows");
  RowReader reader(sample_.pages, table);
  TreeCursor cursor(sample_.pages, table.root, table.objid);
  std::uint32_t row = 0;
  Status moved = cursor.first();
  for (; moved.ok() && !cursor.at_end(); moved = cursor.next(), ++row) {
    const auto record = RecordView::open(cursor.node().data, GetParam() > 8192);
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(reader.values(record.value(), table.columns[2]).value().front(),
              tests::blob("name" + std::to_string(100 + row)));
    EXPECT_EQ(reader.values(record.value(), table.columns[1]).value().empty(), row % 5 == 0);
    const Values blobs = reader.values(record.value(), table.columns[4]).value();
    ASSERT_EQ(blobs.size(), row == 4 ? 1u : 0u);
    if (row == 4) {
      Blob expected(table.chunk_bytes, std::byte{'x'});
      expected.insert(expected.end(), 100, std::byte{'y'});
      EXPECT_EQ(blobs.front(), expected);
    }
  }
  EXPECT_TRUE(moved.ok());
  EXPECT_EQ(row, SampleDatabase::kRows);
}

TEST_P(EseVerify, AFlippedBitIsPutRightAndCounted) {
  sample_.pages.page(SampleDatabase::kTable)[200] ^= std::byte{4};
  const VerifyReport report = verify(sample_);
  EXPECT_EQ(report.pages_corrected, 1u);
  EXPECT_TRUE(report.good());
}

TEST_P(EseVerify, ADamagedPageOfATreeIsFound) {
  for (int i = 0; i < 9; ++i) sample_.pages.page(SampleDatabase::kByName)[200 + i] ^= std::byte{5};
  const VerifyReport report = verify(sample_);
  EXPECT_EQ(report.pages_bad, 1u);
  EXPECT_TRUE(finds(report, Check::tree));
  EXPECT_TRUE(finds(report, Check::index));
}

TEST_P(EseVerify, GarbageInUnusedSpaceIsNoDamage) {
  sample_.pages.page(Pgno{15})[77] = std::byte{1};
  const VerifyReport report = verify(sample_);
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.pages_bad, 1u);
  EXPECT_EQ(report.bad_pages_unused, 1u);
}

TEST_P(EseVerify, AMissingIndexEntryIsFound) {
  edit(SampleDatabase::kByNumber).erase(3);
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kByNumber), Check::index));
}

TEST_P(EseVerify, AMissingRowLeavesSurplusEntries) {
  edit(SampleDatabase::kTable).erase(7);
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kTable), Check::index));
}

TEST_P(EseVerify, ADeletedNodeIsNoRow) {
  edit(SampleDatabase::kTable).set_node_flags(7, kNodeDeleted);
  const VerifyReport report = sealed_and_verified(SampleDatabase::kTable);
  EXPECT_TRUE(finds(report, Check::index));
  EXPECT_FALSE(finds(report, Check::record));
}

TEST_P(EseVerify, ARowUnderAnotherKeyIsFound) {
  PageEditor page = edit(SampleDatabase::kTable);
  page.data(3)[4] ^= std::byte{0x40};  // the fixed column that is the key
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kTable), Check::primary_key));
}

TEST_P(EseVerify, ACutRecordIsFound) {
  PageEditor page = edit(SampleDatabase::kTable);
  ASSERT_TRUE(page.replace_data(3, Blob(2)));
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kTable), Check::record));
}

TEST_P(EseVerify, AWrongReferenceCountIsFound) {
  edit(SampleDatabase::kLongValues).data(0)[0] = std::byte{2};
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kLongValues), Check::long_value));
}

TEST_P(EseVerify, AMissingChunkIsFound) {
  edit(SampleDatabase::kLongValues).erase(2);
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kLongValues), Check::record));
}

TEST_P(EseVerify, AnotherShadowCatalogIsFound) {
  edit(kShadowCatalogRoot).erase(5);
  EXPECT_TRUE(finds(sealed_and_verified(kShadowCatalogRoot), Check::shadow_catalog));
}

TEST_P(EseVerify, TheShadowCatalogStandsInForTheCatalog) {
  for (std::byte& byte : sample_.pages.page(kCatalogRoot)) byte = std::byte{0};
  const VerifyReport report = verify(sample_);
  EXPECT_TRUE(finds(report, Check::catalog));
  EXPECT_EQ(report.indexes_checked, 3u);
  EXPECT_TRUE(read_schema(sample_.pages, 20).ok());
}

TEST_P(EseVerify, AChainThatLeadsBackIsFound) {
  edit(SampleDatabase::kTable).set_next(SampleDatabase::kTable);
  EXPECT_TRUE(finds(sealed_and_verified(SampleDatabase::kTable), Check::tree));
}

// Sets how many pages from its root on a tree owns, and which of those behind the root are free.
void set_space(SampleDatabase& sample, Pgno root, std::uint32_t pages, std::uint32_t free_bits) {
  PageEditor page(sample.pages.page(root));
  SpaceHeader header = decode_space_header(page.view().external_header()).value();
  header.pages = pages;
  header.owned_root_or_free_bits = free_bits;
  ASSERT_TRUE(page.set_external_header(encode_space_header(header)));
  sample.pages.seal(root);
}

std::vector<std::string> space_findings(const VerifyReport& report) {
  std::vector<std::string> found;
  for (const Finding& finding : report.findings) {
    if (finding.check == Check::space) found.push_back(finding.what);
  }
  return found;
}

TEST_P(EseVerify, APageThatTwoTreesOwnIsFound) {
  set_space(sample_, SampleDatabase::kByNumber, 2, 0);
  EXPECT_EQ(space_findings(verify(sample_)),
            std::vector<std::string>{"index 'by_number' of table 'rows' and index 'by_name' of "
                                     "table 'rows' both own page 28 of 'sample'"});
}

TEST_P(EseVerify, APageThatTwoTablesOwnIsFound) {
  set_space(sample_, kShadowCatalogRoot, 5, 0);
  const auto found = space_findings(verify(sample_));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0],
            "table 'MSysObjectsShadow' and table 'rows' both own page 26 of 'sample' and 2 more "
            "from there");
}

TEST_P(EseVerify, APageThatIsOwnedAndFreeForItsParentIsFound) {
  set_space(sample_, SampleDatabase::kTable, 4, 4);
  EXPECT_EQ(space_findings(verify(sample_)),
            std::vector<std::string>{"long values of table 'rows' owns page 29 of 'sample', which "
                                     "table 'rows' has free"});
}

TEST_P(EseVerify, APageThatTheParentDoesNotOwnIsFound) {
  set_space(sample_, SampleDatabase::kTable, 3, 0);
  EXPECT_EQ(space_findings(verify(sample_)),
            std::vector<std::string>{"long values of table 'rows' owns page 29 of 'sample', which "
                                     "table 'rows', its parent, does not own"});
}

INSTANTIATE_TEST_SUITE_P(All, EseVerify, testing::Values(4096, 8192, 16384, 32768));

}  // namespace
}  // namespace stillframe::ese
