// A whole database with a catalog, made by the engine, and a look at what it wrote.
#pragma once

#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "tests/ese/support/numbered_log.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/engine/tree_space.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/verify.hpp"
#include "writers/ese/tables/catalog.hpp"

namespace stillframe::ese::tests {

using stillframe::tests::CrashingFiles;

class TestDatabase {
 public:
  // In memory, with a cache of `frames` pages.
  TestDatabase(std::size_t page_bytes, std::size_t frames);
  // In these files; `host` may be told where its database is.
  TestDatabase(Files& files, const BytePath& directory, std::size_t page_bytes, std::size_t frames);

  std::unique_ptr<OpenTransaction> begin(std::uint16_t session);
  // The catalog again, from what is in the pages. Nobody has a table open.
  void reopen_catalog();

  // Writes everything that changed with a header that says so.
  void finish();
  // Expects that every check of the database is content.
  VerifyReport expect_sound();

  CrashingFiles memory;
  Transactions transactions;
  QuietHost host;
  std::unique_ptr<LogStream> log;
  VersionStore versions{64 << 20};
  std::unique_ptr<PageCache> cache;
  std::unique_ptr<DatabaseStore> store;
  std::unique_ptr<OpenDatabase> database;
  std::unique_ptr<TreeSpace> space;
  std::unique_ptr<Catalog> catalog;

 private:
  void make(Files& files, const BytePath& directory, std::size_t page_bytes, std::size_t frames);
  CatalogParts parts();

  Files* files_ = nullptr;
  BytePath path_;
};

}  // namespace stillframe::ese::tests
