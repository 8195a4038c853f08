#include "tests/ese/support/test_engine.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/verify.hpp"
#include "writers/ese/format/verify_tree.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr Dbid kDatabase{1};
constexpr Procid kCreator{1};
constexpr std::uint32_t kPages = 64;
constexpr std::uint32_t kTableFlags = kPageNewRecord | kPageNewChecksum;
constexpr Objid kRows{6};

template <class T>
T need(Result<T> result) {
  STILLFRAME_CHECK(result.ok(), result.error().what().c_str());
  return std::move(result).value();
}
void need_ok(const Status& status) {
  STILLFRAME_CHECK(status.ok(), status.error().what().c_str());
}

Blob little(std::uint32_t value) {
  Blob bytes(sizeof value);
  store_le(bytes.data(), value);
  return bytes;
}

std::uint32_t number(Pgno pgno) {
  return static_cast<std::uint32_t>(pgno);
}

}  // namespace

Blob row_of(std::uint32_t counter, const Blob& bytes, bool large_page) {
  RecordBuilder record(large_page);
  record.fixed(little(counter));
  record.variable(bytes);
  return record.build();
}

TestEngine::TestEngine(std::size_t page_bytes, std::size_t frames) {
  LogStreamOptions options;
  options.directory.path = "/log";
  options.directory.reserves = 0;
  options.file_bytes = 256 << 10;  // so that generations follow each other
  options.page_bytes = static_cast<std::uint16_t>(page_bytes);
  log = need(LogStream::begin(files, options, Signature{1, {}, {}}, host, counting_clock()));
  cache = std::make_unique<PageCache>(PageCacheOptions{page_bytes, frames}, *log);
  store = std::make_unique<DatabaseStore>(need(files.create("/db/a.edb")), page_bytes);
  database =
      std::make_unique<OpenDatabase>(kDatabase, *store, *cache, *log, versions, Dbtime::first);
  root_space =
      std::make_unique<TreeSpace>(*database, TreeId{Pgno{1}, Objid::root, true, false}, nullptr);
  OpenTransaction transaction(transactions, *log, kCreator);
  need_ok(TreeSpace::create_root(*database, transaction, kPages));
  put_catalogs(transaction);
  need_ok(transaction.commit());
}

std::unique_ptr<TreeSpace> TestEngine::make_tree(Objid objid, std::uint32_t pages,
                                                 std::uint32_t page_flags, TreeId& id) {
  OpenTransaction transaction(transactions, *log, kCreator);
  id = need(root_space->create_tree(transaction, objid, pages, kTableFlags | page_flags));
  need_ok(transaction.commit());
  return std::make_unique<TreeSpace>(*database, id, root_space.get());
}

void TestEngine::put_catalogs(OpenTransaction& transaction) {
  using enum CatalogType;
  TreeId ids[2];
  const Objid objids[] = {Objid::catalog, Objid::shadow_catalog};
  for (int i = 0; i < 2; ++i) {
    ids[i] = need(root_space->create_tree(transaction, objids[i], 20, kTableFlags));
  }
  rows_id = need(root_space->create_tree(transaction, kRows, 1, kTableFlags));
  rows_space = std::make_unique<TreeSpace>(*database, rows_id, root_space.get());
  rows = std::make_unique<BTree>(*database, rows_id, *rows_space);
  const std::vector<CatalogEntry> entries{
      {Objid::catalog, table, 2, number(ids[0].root), 80, kTableSystem, 20, "MSysObjects", {}},
      {Objid::shadow_catalog,
       table,
       3,
       number(ids[1].root),
       80,
       kTableSystem,
       20,
       "MSysObjectsShadow",
       {}},
      {kRows, table, 6, number(rows_id.root), 80, 0, 1, "rows", {}},
      {kRows, column, 1, static_cast<std::uint32_t>(ColumnType::long_int), 4, 0, 0, "counter", {}},
      {kRows, column, 128, static_cast<std::uint32_t>(ColumnType::binary), 255, 0, 0, "bytes", {}},
  };
  for (const TreeId& id : ids) {
    TreeSpace space(*database, id, root_space.get());
    BTree tree(*database, id, space);
    for (const CatalogEntry& entry : entries) {
      need_ok(tree.insert(transaction, catalog_key(entry),
                          catalog_record(entry, store->page_bytes() > 8192)));
    }
    // The trees go before the transaction does, so nothing of theirs may be left to undo.
  }
}

void TestEngine::expect_tree_sound(const TreeId& id) {
  const auto space = read_space(*store, id.root, id.objid);
  ASSERT_TRUE(space.ok()) << space.error().what();
  const auto inside = [](const std::vector<Extent>& extents, Pgno pgno) {
    return std::any_of(extents.begin(), extents.end(),
                       [pgno](const Extent& extent) { return extent.contains(pgno); });
  };
  const TreeVisit visit{[&](Pgno pgno) {
                          EXPECT_TRUE(inside(space.value().owned, pgno)) << number(pgno);
                          EXPECT_FALSE(inside(space.value().available, pgno)) << number(pgno);
                          std::vector<std::byte> page(store->page_bytes());
                          ASSERT_TRUE(store->read_pages(pgno, page).ok());
                          for (const PageFinding& finding : check_page(page, pgno)) {
                            ADD_FAILURE() << "page " << number(pgno) << ": " << finding.what;
                          }
                        },
                        [](const std::string& what) { ADD_FAILURE() << what; }};
  EXPECT_TRUE(check_tree(*store, id.root, id.objid, visit));
  if (!space.value().header.multiple()) return;
  EXPECT_TRUE(check_tree(*store, space.value().header.owned_root(), id.objid, visit));
  EXPECT_TRUE(check_tree(*store, space.value().header.available_root(), id.objid, visit));
}

void TestEngine::expect_sound(const std::vector<TreeId>& others) {
  const Status written = cache->write_changed();
  ASSERT_TRUE(written.ok()) << written.error().what();
  ASSERT_TRUE(store->sync().ok());
  DatabaseHeader header;
  header.page_bytes = static_cast<std::uint32_t>(store->page_bytes());
  header.update_major = 20;
  set_state(header, DbState::clean_shutdown, Generation::none, Generation::none);
  VerifyOptions options;
  options.threads = 1;
  const auto report = verify_database(*store, header, options);
  ASSERT_TRUE(report.ok()) << report.error().what();
  for (const Finding& finding : report.value().findings) ADD_FAILURE() << finding.what;
  EXPECT_EQ(report.value().tables, 3u);
  for (const TreeId& id : others) expect_tree_sound(id);
}

}  // namespace stillframe::ese::tests
