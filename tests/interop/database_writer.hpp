// Works on a database as applications do, and remembers what it wrote: what a reader has to find.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/interop/written_tables.hpp"
#include "writers/ese/format/key.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::tests {

struct WriterOptions {
  BytePath folder;  // for the database "written.edb", its logs in "logs", "expected.jsonl"
  std::uint32_t page_bytes = 8192;
  std::uint64_t rows = 1000;
  std::uint64_t seed = 1;
};

class DatabaseWriter {
 public:
  explicit DatabaseWriter(const WriterOptions& options);
  ~DatabaseWriter();

  // Two runs, of which the first does not end in order. All tables are written at random: rows are
  // inserted, replaced, removed one by one and in ranges, and a part of it is rolled back.
  Status write();
  // One object a line: for each table what it is made of, and then its rows in their order, each
  // value as the hexadecimal digits of its bytes.
  Status write_expected() const;

 private:
  struct Row {
    static constexpr unsigned kGone = ~0U;  // as a revision: removed
    std::int32_t id = 0;
    unsigned revision = 0;
    bool knows_later = false;  // it was written when the later columns were there
    std::int64_t number = 0;   // auto-increment
    std::int32_t sum = 0;      // escrow
  };
  using Rows = std::map<Key, Row>;  // by bookmark
  struct Content {
    WrittenTable is;
    Rows rows;
    Table definition;  // as it was last
    std::int64_t last_number = 0;
  };
  using Work = std::function<Status(TableObject& table, OpenTransaction& transaction)>;
  // What is done to one row, in the files and in `row`.
  using Change = std::function<Status(TableRows& rows, const Key& bookmark, Row& row)>;

  Status start();
  Status first_run();
  Status second_run();
  Status change_table(Content& content);

  Status transact(Content& content, CommitMode mode, const Work& work);
  Status roll_back(Content& content, const Work& work);
  Status create(Content& content);
  Status make_later_parts(Content& content);
  Status insert(Content& content, std::vector<std::int32_t> ids);
  Status insert_one(Content& content, TableRows& rows, std::int32_t id, Rows& into);
  // One row in `every`.
  Status change_some(Content& content, std::uint64_t every, const Change& change);
  Status replace_some(Content& content, std::uint64_t every);
  Status add_to_some(Content& content, std::uint64_t every);
  Status remove_some(Content& content, std::uint64_t every);
  Status remove_range(Content& content, double from, double to);

  Values expected(const Content& content, const Column& column, const Row& row) const;
  std::string describe(const Content& content) const;
  std::string describe(const Content& content, const Row& row) const;

  const WriterOptions options_;
  const BytePath path_;
  const WrittenValues values_;
  int commits_ = 0;
  std::mt19937_64 random_;
  std::vector<Content> contents_;
  std::unique_ptr<Files> files_ = posix_files();
  std::unique_ptr<Instance> instance_;
  InstanceDatabase* database_ = nullptr;
};

}  // namespace stillframe::ese::tests
