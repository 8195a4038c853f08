// A cursor as callers have it: a table that is open, a place in one of its indexes, a key to search
// with, and a row that is being prepared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/instance/instance_database.hpp"
#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/copy_buffer.hpp"
#include "writers/ese/jet/index_walk.hpp"
#include "writers/ese/jet/search_key.hpp"
#include "writers/ese/tables/catalog.hpp"

namespace stillframe::ese::jet {

// One thread at a time; see JetSession.
class JetCursor {
 public:
  JetCursor(InstanceDatabase& database, TableUse use, bool read_only)
      : database_(database), use_(std::move(use)), read_only_(read_only), walk_(use_.table()) {}

  InstanceDatabase& database() const noexcept { return database_; }
  JET_DBID dbid() const noexcept { return static_cast<JET_DBID>(database_.id()); }
  TableObject& table() const noexcept { return use_.table(); }
  IndexWalk& walk() noexcept { return walk_; }
  SearchKey& search_key() noexcept { return search_key_; }
  bool read_only() const noexcept { return read_only_; }
  // PermissionDenied.
  Status check_writable() const;

  Result<std::shared_ptr<const Table>> definition(const Now& now) const {
    return table().definition(now.transaction);
  }
  // BadColumnId, ColumnNotFound.
  Result<Column> column(const Now& now, JET_COLUMNID columnid) const;
  // What the cursor's order comes from; NoCurrentIndex for rows in the order of their making.
  Result<Index> current_index(const Now& now) const;
  // IndexNotFound. An empty name: the rows' own order. Stands on the first row, or on the same one.
  Status use_index(const Now& now, std::string_view name, bool stay);

  // ---- Moving. What a caller prepared, and the key, go with every move that succeeds.

  Answer move(const Now& now, std::int32_t rows, JET_GRBIT grbit);
  Answer seek(const Now& now, JET_GRBIT grbit);
  Answer set_range(const Now& now, JET_GRBIT grbit);
  Status go_to_row(const Now& now, Bytes row);
  Status go_to_entry(const Now& now, Bytes key, Bytes row);
  void forget_range() { range_.reset(); }
  // NoCurrentRecord, RecordDeleted.
  Result<Key> bookmark(const Now& now);
  // Entries from here on, in the range if there is one.
  Result<std::uint32_t> count(const Now& now, std::uint32_t most);

  // ---- A row that is being prepared.

  // UpdateNotPrepared.
  Result<CopyBuffer*> update();
  bool preparing() const noexcept { return update_ != nullptr; }
  void begin_update(std::unique_ptr<CopyBuffer> update) { update_ = std::move(update); }
  void cancel_update() { update_.reset(); }
  // As its transaction's levels end.
  void cancel_update(std::uint8_t from_level);
  void lower_update(std::uint8_t level);

 private:
  struct Range {
    Key key;
    bool upper, inclusive;
  };
  bool within_range(const Key& key) const;
  Status step(const Now& now, bool forward);
  Status move_by(const Now& now, std::int32_t rows, bool to_other_key);
  void moved();
  Answer find_key(const Now& now, JET_GRBIT how);
  Result<bool> find_not_above(const Now& now, const Key& key, bool or_equal);

  InstanceDatabase& database_;
  TableUse use_;
  const bool read_only_;
  IndexWalk walk_;
  SearchKey search_key_;
  std::optional<Range> range_;
  std::unique_ptr<CopyBuffer> update_;
};

}  // namespace stillframe::ese::jet
