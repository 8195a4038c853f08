// The parts of an engine around one database in memory, and a look at what it wrote.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/support/numbered_log.hpp"
#include "tests/ese/support/sample_database.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/tree_space.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese::tests {

using stillframe::tests::CrashingFiles;

// A database with catalogs that name one table, "rows", without an index: column 1 is a counter,
// column 128 anything.
class TestEngine {
 public:
  // A cache of `frames` pages: few make it evict all the time.
  TestEngine(std::size_t page_bytes, std::size_t frames);

  // A tree beside the catalogs, which takes its pages from the database.
  std::unique_ptr<TreeSpace> make_tree(Objid objid, std::uint32_t pages, std::uint32_t page_flags,
                                       TreeId& id);

  // Writes everything that changed, and expects that every check of the database is content.
  // `others` are trees that the catalog does not know.
  void expect_sound(const std::vector<TreeId>& others = {});

  Transactions transactions;
  CrashingFiles files;
  QuietHost host;
  std::unique_ptr<LogStream> log;
  VersionStore versions{64 << 20};
  std::unique_ptr<PageCache> cache;
  std::unique_ptr<DatabaseStore> store;
  std::unique_ptr<OpenDatabase> database;
  std::unique_ptr<TreeSpace> root_space;
  TreeId rows_id;
  std::unique_ptr<TreeSpace> rows_space;
  std::unique_ptr<BTree> rows;

 private:
  void put_catalogs(OpenTransaction& transaction);
  void expect_tree_sound(const TreeId& id);
};

// A row of the table.
Blob row_of(std::uint32_t counter, const Blob& bytes, bool large_page);
inline constexpr std::uint16_t kCounterOffset = 4;

}  // namespace stillframe::ese::tests
