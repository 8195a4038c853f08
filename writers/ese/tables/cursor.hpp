// A place in a table as one transaction sees it, in the order of one of its indexes.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese {

// One thread at a time. Holds no latch between calls: others change the table meanwhile, and it
// goes on from where it was.
class Cursor {
 public:
  // In the order of the rows themselves. Both outlive it.
  Cursor(TableObject& table, OpenTransaction& transaction);

  // Another order from here on; before the first row. IndexNotFound. An empty name: the rows' own.
  Status use_index(std::string_view name);

  // Off either end there is no current row; moving on from there stays there.
  Status first();
  Status last();
  Status next();
  Status previous();
  // To the first row whose key in the index is not below the one that these values make, or begin:
  // they are those of the index's first columns. Whether that row has this very key, or begins so.
  Result<bool> seek_key(std::span<const std::optional<Bytes>> values);
  Result<bool> seek(const std::vector<Values>& values);

  bool on_row() const noexcept { return reader_ != nullptr && !reader_->at_end(); }
  // Of the current row; NoCurrentRecord without one.
  Result<Key> bookmark() const;
  Result<std::vector<std::byte>> record();
  Result<Values> values(const Column& column);
  // The value of a fixed or variable column where it lies, until the cursor moves; none for null.
  Result<std::optional<Bytes>> value(const Column& column);

 private:
  BTree& tree() const;
  Status restart();
  Result<bool> seek_in(const Table& table, std::span<const std::optional<Bytes>> values);
  // The row that the cursor is on.
  Result<Bytes> row();

  TableObject& table_;
  OpenTransaction& transaction_;
  TableRows rows_;
  std::optional<Index> index_;  // none: the rows' own order
  std::unique_ptr<BTreeReader> reader_;
  Key key_;                     // of the last seek
  std::vector<std::byte> row_;  // of an index that has only keys
};

}  // namespace stillframe::ese
