// The rows of a table under a transaction: what is inserted, replaced or removed is in every index
// and in the tree of long values too, or nowhere.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/key.hpp"
#include "writers/ese/tables/row_builder.hpp"
#include "writers/ese/tables/table_object.hpp"

namespace stillframe::ese {

// How a long value is changed in place.
struct LongValueEdit {
  enum class Kind { overwrite, append, resize } kind = Kind::overwrite;
  std::uint32_t offset = 0;  // overwrite
  std::vector<std::byte> bytes;
  std::uint32_t size = 0;  // resize: the rest is cut off, or zeros are added
};

// One thread at a time. A row is named by its bookmark, the key of its node. After an error nothing
// is changed, but for WriteConflict in the middle: the caller rolls its transaction back.
class TableRows {
 public:
  TableRows(TableObject& table, OpenTransaction& transaction)
      : table_(table), transaction_(transaction), long_values_(table, transaction) {}

  // Where the new row is. Columns that are not named get their defaults, and what the engine counts
  // itself its number. KeyDuplicate, NullInvalid, NullKeyDisallowed, RecordTooBig.
  Result<Key> insert(const RowValues& values);
  // RecordPrimaryChanged if the row's key would be another; RecordNotFound.
  Status replace(Bytes bookmark, const RowValues& values);
  Status remove(Bytes bookmark);
  // Adds to a column that was made for it; several transactions may do so at a time.
  Status add(Bytes bookmark, const Column& column, std::int64_t delta);
  // Of a column with one value or none.
  Status edit(Bytes bookmark, const Column& column, const LongValueEdit& edit);

  // The row's record as the transaction sees it, and the values in a record.
  Result<std::vector<std::byte>> read(Bytes bookmark);
  Result<Values> values(Bytes record, const Column& column);
  // The value of a fixed or variable column where it lies; none for null.
  Result<std::optional<Bytes>> value(Bytes record, const Column& column) const;
  // The keys that a record has in an index; for building one.
  Result<std::vector<Key>> keys(const Table& definition, const Index& index, Bytes record);
  // The key of the row's own node.
  Result<Key> primary_key(const Table& definition, Bytes record);

 private:
  using IndexKeys = std::vector<std::vector<Key>>;  // by the definition's indexes
  Result<Key> insert_in(const Table& definition, const RowValues& values);
  Status replace_in(const Table& definition, Bytes bookmark, const RowValues& values);
  Status remove_in(const Table& definition, Bytes bookmark);
  Status edit_in(const Table& definition, Bytes bookmark, const Column& column,
                 const LongValueEdit& edit);
  // What the engine counts: part of every new row, and of every changed one.
  Status set_counted(const Table& definition, RowBuilder& builder, const RowValues& values);
  Status count_version(const Table& definition, Bytes old_record, RowBuilder& builder);
  Result<IndexKeys> secondary_keys(const Table& definition, Bytes record);
  Status update_indexes(const Table& definition, Bytes bookmark, const IndexKeys& before,
                        const IndexKeys& after);
  Result<bool> edit_in_place(const Column& column, Bytes record, const LongValueEdit& edit);
  bool large_page() const { return table_.database().store.page_bytes() > 8192; }

  TableObject& table_;
  OpenTransaction& transaction_;
  LongValueStore long_values_;
};

}  // namespace stillframe::ese
