#include "tests/ese/support/test_database.hpp"

#include <utility>
#include <vector>

#include "framework/base/check.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr Dbid kDatabase{1};
constexpr Procid kOwnSession{1}, kCreator{2};
constexpr std::uint32_t kPages = 64;
constexpr std::uint32_t kUpdate = 20;

template <class T>
T need(Result<T> result) {
  STILLFRAME_CHECK(result.ok(), result.error().what().c_str());
  return std::move(result).value();
}
void need_ok(const Status& status) {
  STILLFRAME_CHECK(status.ok(), status.error().what().c_str());
}

}  // namespace

TestDatabase::TestDatabase(std::size_t page_bytes, std::size_t frames) {
  make(memory, "/db", page_bytes, frames);
}

TestDatabase::TestDatabase(Files& files, const BytePath& directory, std::size_t page_bytes,
                           std::size_t frames) {
  make(files, directory, page_bytes, frames);
}

CatalogParts TestDatabase::parts() {
  return {*database, *space, transactions, kOwnSession, kUpdate};
}

void TestDatabase::make(Files& files, const BytePath& directory, std::size_t page_bytes,
                        std::size_t frames) {
  files_ = &files;
  path_ = directory + "/made.edb";
  LogStreamOptions options;
  options.directory.path = directory;
  options.directory.reserves = 0;
  options.file_bytes = 512 << 10;
  options.page_bytes = static_cast<std::uint16_t>(page_bytes);
  log = need(LogStream::begin(files, options, Signature{1, {}, {}}, host, counting_clock()));
  cache = std::make_unique<PageCache>(PageCacheOptions{page_bytes, frames}, *log);
  store = std::make_unique<DatabaseStore>(need(files.create(path_)), page_bytes);
  database =
      std::make_unique<OpenDatabase>(kDatabase, *store, *cache, *log, versions, Dbtime::first);
  space =
      std::make_unique<TreeSpace>(*database, TreeId{Pgno{1}, Objid::root, true, false}, nullptr);
  OpenTransaction transaction(transactions, *log, kCreator);
  need_ok(TreeSpace::create_root(*database, transaction, kPages));
  catalog = need(Catalog::create(parts(), transaction));
  need_ok(transaction.commit());
}

std::unique_ptr<OpenTransaction> TestDatabase::begin(std::uint16_t session) {
  return std::make_unique<OpenTransaction>(transactions, *log, Procid{session});
}

void TestDatabase::reopen_catalog() {
  catalog.reset();
  catalog = need(Catalog::open(parts()));
}

void TestDatabase::finish() {
  need_ok(cache->write_changed());
  DatabaseHeader header;
  header.page_bytes = static_cast<std::uint32_t>(store->page_bytes());
  header.update_major = kUpdate;
  header.create_update = kUpdate;
  header.objid_last = catalog->last_objid();
  header.dbtime_dirtied = database->last_dbtime();
  set_state(header, DbState::clean_shutdown, Generation::none, Generation::none);
  std::vector<std::byte> page(store->page_bytes());
  seal_header(header, page);
  const auto file = need(files_->open(path_, FileAccess::write));
  for (std::uint64_t copy = 0; copy < 2; ++copy) need_ok(file->write(copy * page.size(), page));
  need_ok(store->sync());
  need_ok(file->sync());
}

VerifyReport TestDatabase::expect_sound() {
  finish();
  DatabaseHeader header;
  header.page_bytes = static_cast<std::uint32_t>(store->page_bytes());
  header.update_major = kUpdate;
  set_state(header, DbState::clean_shutdown, Generation::none, Generation::none);
  VerifyOptions options;
  options.threads = 1;
  auto report = verify_database(*store, header, options);
  STILLFRAME_CHECK(report.ok(), "the database can be read");
  for (const Finding& finding : report.value().findings) ADD_FAILURE() << finding.what;
  EXPECT_EQ(report.value().findings_total, 0u);
  return report.value();
}

}  // namespace stillframe::ese::tests
