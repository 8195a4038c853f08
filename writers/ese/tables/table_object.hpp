// A table of a database in use, with its trees and its counters: one object for all who use it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/engine/open_transaction.hpp"
#include "writers/ese/engine/tree_space.hpp"
#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

class TableObject;

// Where definitions come from, and what a table asks for when it needs it: the catalog.
class TableDefinitions {
 public:
  virtual ~TableDefinitions() = default;
  // The table as the transaction sees it; ObjectNotFound.
  virtual Result<Table> load(const OpenTransaction& transaction, Objid objid) = 0;
  // Gives the table a tree for long values unless it has one by now.
  virtual Status make_long_values(OpenTransaction& transaction, TableObject& table) = 0;
};

// Any thread. A definition changes only while no other session has the table open.
class TableObject {
 public:
  // All of them outlive it.
  TableObject(OpenDatabase& database, TreeSpace& database_space, TableDefinitions& definitions,
              Table definition);

  Objid objid() const noexcept { return objid_; }
  OpenDatabase& database() const noexcept { return database_; }
  TableDefinitions& definitions() const noexcept { return definitions_; }

  // What it consists of, loaded again after a rollback may have changed it. Never changed itself:
  // whoever holds it keeps the table as it was.
  Result<std::shared_ptr<const Table>> definition(const OpenTransaction& transaction);
  std::shared_ptr<const Table> last_definition() const;
  void set_definition(Table definition);
  void forget_definition();

  BTree& rows() { return *rows_->tree; }
  TreeSpace& space() { return *rows_->space; }
  BTree& index(const Index& index);
  // None as long as it has no long value.
  BTree* long_values(const Table& definition);
  TreeSpace* space_of(Objid objid);
  BTree* tree_of(Objid objid);

  // Of rows without a primary index, of auto-increment columns, and of long values: never given
  // twice. The first asks the trees where counting stands.
  Result<std::uint32_t> next_row_number();
  Result<std::int64_t> next_auto_increment(const Table& definition, const Column& column);
  Result<std::uint32_t> next_long_value(const Table& definition);

 private:
  struct Tree {
    std::unique_ptr<TreeSpace> space;
    std::unique_ptr<BTree> tree;
  };
  Tree make(const TreeId& id, TreeSpace& parent);
  BTree& child(const TreeId& id);
  Result<std::optional<std::vector<std::byte>>> last_key(const BTree& tree) const;
  Result<std::int64_t> largest(const Table& definition, const Column& column);

  OpenDatabase& database_;
  TableDefinitions& definitions_;
  const Objid objid_;

  mutable std::mutex mutex_;
  std::shared_ptr<const Table> definition_;
  bool stale_ = false;
  std::unique_ptr<Tree> rows_;
  std::map<Objid, Tree> children_;  // kept when dropped: transactions may have to undo in them

  std::mutex counters_;
  std::optional<std::uint32_t> row_number_, long_value_;
  std::optional<std::int64_t> auto_increment_;
};

}  // namespace stillframe::ese
