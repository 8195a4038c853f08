#include "writers/ese/tables/table_rows.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/all_or_nothing.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kCounted = kColumnVersion | kColumnAutoIncrement;
constexpr std::uint16_t kUncutKeyBytes = 0xFFFF;

Value number_of(std::int64_t number, std::size_t bytes) {
  Value value(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    value[i] = static_cast<std::byte>(static_cast<std::uint64_t>(number) >> 8 * i & 0xFF);
  }
  return value;
}

bool has_default(const Column& column) {
  return (column.flags & kColumnHasDefault) != 0;
}

Error no_column(const Table& table, ColumnId id) {
  return ese_error(EseErr::column_not_found, "table '" + table.name + "' has no column " +
                                                 std::to_string(static_cast<std::uint16_t>(id)));
}

// Of a table that can be written here: without a template, and without keys only Windows makes.
Status check_writable(const Table& table) {
  if (!table.template_name.empty()) {
    return Error(Errc::not_supported,
                 "table '" + table.name + "' has a template, which is only read here");
  }
  for (const Index& index : table.indexes) {
    if (can_make_keys(table, index)) continue;
    return ese_error(EseErr::unicode_translation_fail, "index '" + index.name + "' of table '" +
                                                           table.name +
                                                           "' has keys that are only read here");
  }
  return Ok{};
}

bool has_secondary_index(const Table& table) {
  return table.indexes.size() != (table.primary_index() != nullptr ? 1U : 0U);
}

// Whether undoing a part of an operation can be necessary.
bool is_simple(const Table& table) {
  return !has_secondary_index(table) &&
         std::none_of(table.columns.begin(), table.columns.end(),
                      [](const Column& column) { return is_tagged(column.id); });
}

template <class Operation>
auto run(const Table& table, OpenTransaction& transaction, const Operation& operation)
    -> decltype(operation()) {
  if (Status s = check_writable(table); !s.ok()) return s.error();
  return is_simple(table) ? operation() : all_or_nothing(transaction, operation);
}

}  // namespace

// ---- Reading

Result<std::vector<std::byte>> TableRows::read(Bytes bookmark) {
  BTreeReader reader(table_.rows(), transaction_.state());
  if (Status s = reader.seek({bookmark, {}}); !s.ok()) return s.error();
  if (reader.at_end() || compare_bytes(reader.key(), bookmark) != 0) {
    return ese_error(EseErr::record_not_found, "there is no such row");
  }
  return std::vector<std::byte>(reader.data().begin(), reader.data().end());
}

Result<Values> TableRows::values(Bytes record, const Column& column) {
  const auto view = RecordView::open(record, large_page());
  if (!view.ok()) return view.error();
  return RowReader(long_values_).values(view.value(), column);
}

Result<std::optional<Bytes>> TableRows::value(Bytes record, const Column& column) const {
  if (is_tagged(column.id)) {
    return Error(Errc::invalid_argument,
                 "the values of column '" + column.name + "' need not be in the row");
  }
  const auto view = RecordView::open(record, large_page());
  if (!view.ok()) return view.error();
  return value_in_place(view.value(), column);
}

// ---- Keys

Result<std::vector<Key>> TableRows::keys(const Table& definition, const Index& index,
                                         Bytes record) {
  const auto view = RecordView::open(record, large_page());
  if (!view.ok()) return view.error();
  RowReader reader(long_values_);
  if ((index.flags & kIndexNoNullSegment) != 0) {
    for (const IndexSegment& segment : index.segments) {
      const Column* column = definition.find_column(segment.column, false);
      if (column == nullptr) return no_column(definition, segment.column);
      const auto values = reader.values(view.value(), *column);
      if (!values.ok()) return values.error();
      if (!values.value().empty()) continue;
      return ese_error(
          EseErr::null_key_disallowed,
          "index '" + index.name + "' has no place for null in '" + column->name + "'");
    }
  }
  if ((index.flags & kIndexDisallowTruncation) != 0) {
    Index uncut = index;
    uncut.key_bytes_max = uncut.variable_bytes_max = kUncutKeyBytes;
    const auto whole = make_keys(reader, definition, uncut, view.value());
    if (!whole.ok()) return whole.error();
    for (const Key& key : whole.value()) {
      if (key.size() <= index.key_bytes_max) continue;
      return ese_error(EseErr::key_truncated, "index '" + index.name + "' takes no key of " +
                                                  std::to_string(key.size()) + " bytes");
    }
  }
  return make_keys(reader, definition, index, view.value());
}

Result<Key> TableRows::primary_key(const Table& definition, Bytes record) {
  auto made = keys(definition, *definition.primary_index(), record);
  if (!made.ok()) return made.error();
  if (made.value().size() == 1) return std::move(made.value().front());
  return ese_error(EseErr::null_key_disallowed, "the row has no primary key");
}

Result<TableRows::IndexKeys> TableRows::secondary_keys(const Table& definition, Bytes record) {
  IndexKeys all;
  for (const Index& index : definition.indexes) {
    all.emplace_back();
    if (index.primary()) continue;
    auto made = keys(definition, index, record);
    if (!made.ok()) return made.error();
    all.back() = std::move(made).value();
  }
  return all;
}

// What is in both stays. A key that leaves goes before others come: they may be equal in a unique
// index.
Status TableRows::update_indexes(const Table& definition, Bytes bookmark, const IndexKeys& before,
                                 const IndexKeys& after) {
  for (std::size_t i = 0; i < definition.indexes.size(); ++i) {
    const Index& index = definition.indexes[i];
    if (index.primary()) continue;
    BTree& tree = table_.index(index);
    for (const Key& key : before[i]) {
      if (std::binary_search(after[i].begin(), after[i].end(), key)) continue;
      const Bytes data = index.unique() ? Bytes{} : bookmark;
      if (Status s = tree.remove(transaction_, {key, data}); !s.ok()) {
        return s.error().while_doing("index '" + index.name + "'");
      }
    }
    for (const Key& key : after[i]) {
      if (std::binary_search(before[i].begin(), before[i].end(), key)) continue;
      if (Status s = tree.insert(transaction_, key, bookmark); !s.ok()) {
        return s.error().while_doing("index '" + index.name + "'");
      }
    }
  }
  return Ok{};
}

// ---- Changing rows

Status TableRows::set_counted(const Table& definition, RowBuilder& builder,
                              const RowValues& values) {
  for (const Column& column : definition.columns) {
    if (column.type == ColumnType::none || values.contains(column.id)) continue;
    if ((column.flags & kColumnVersion) != 0) {
      if (Status s = builder.set(column, {number_of(0, column.size)}); !s.ok()) return s;
    } else if ((column.flags & kColumnAutoIncrement) != 0) {
      const auto next = table_.next_auto_increment(definition, column);
      if (!next.ok()) return next.error();
      if (Status s = builder.set(column, {number_of(next.value(), column.size)}); !s.ok()) return s;
    } else if ((column.flags & kColumnEscrow) != 0) {
      // In the record itself, so that there is something to add to.
      if (Status s = builder.set(column, {column.default_value}); !s.ok()) return s;
    } else if ((column.flags & kColumnNotNull) != 0 && !has_default(column)) {
      return ese_error(EseErr::null_invalid, "column '" + column.name + "' must not be null");
    }
  }
  return Ok{};
}

Status TableRows::count_version(const Table& definition, Bytes old_record, RowBuilder& builder) {
  for (const Column& column : definition.columns) {
    if (column.type == ColumnType::none || (column.flags & kColumnVersion) == 0) continue;
    const auto old = values(old_record, column);
    if (!old.ok()) return old.error();
    const std::uint32_t version =
        old.value().empty() ? 0 : load_le<std::uint32_t>(old.value().front().data());
    return builder.set(column, {number_of(std::int64_t{version} + 1, column.size)});
  }
  return Ok{};
}

Result<Key> TableRows::insert(const RowValues& values) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  return run(*definition.value(), transaction_,
             [&] { return insert_in(*definition.value(), values); });
}

Result<Key> TableRows::insert_in(const Table& definition, const RowValues& values) {
  RowBuilder builder(definition, long_values_, table_.database().store.page_bytes());
  for (const auto& [id, value] : values) {
    const Column* column = definition.find_column(id, false);
    if (column == nullptr || column->type == ColumnType::none) return no_column(definition, id);
    if (Status s = builder.set(*column, value); !s.ok()) return s.error();
  }
  if (Status s = set_counted(definition, builder, values); !s.ok()) return s.error();
  const Index* primary = definition.primary_index();
  const auto record = builder.finish(primary != nullptr ? primary->key_bytes_max : sizeof(Pgno));
  if (!record.ok()) return record.error();
  Key bookmark;
  if (primary != nullptr) {
    auto key = primary_key(definition, record.value());
    if (!key.ok()) return key.error();
    bookmark = std::move(key).value();
  } else {
    const auto number = table_.next_row_number();
    if (!number.ok()) return number.error();
    bookmark.resize(sizeof number.value());
    store_be(bookmark.data(), number.value());
  }
  Status inserted = table_.rows().insert(transaction_, bookmark, record.value());
  if (!inserted.ok()) return inserted.error().while_doing("table '" + definition.name + "'");
  if (!has_secondary_index(definition)) return bookmark;
  const auto keys = secondary_keys(definition, record.value());
  if (!keys.ok()) return keys.error();
  const IndexKeys none(definition.indexes.size());
  Status indexed = update_indexes(definition, bookmark, none, keys.value());
  if (!indexed.ok()) return indexed.error();
  return bookmark;
}

Status TableRows::replace(Bytes bookmark, const RowValues& values) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  return run(*definition.value(), transaction_,
             [&] { return replace_in(*definition.value(), bookmark, values); });
}

Status TableRows::replace_in(const Table& definition, Bytes bookmark, const RowValues& values) {
  const auto old = read(bookmark);
  if (!old.ok()) return old.error();
  const auto before = secondary_keys(definition, old.value());
  if (!before.ok()) return before.error();
  const auto view = RecordView::open(old.value(), large_page());
  if (!view.ok()) return view.error();
  auto loose = LooseRecord::of(view.value(), definition);
  if (!loose.ok()) return loose.error();
  RowBuilder builder(definition, long_values_, table_.database().store.page_bytes(),
                     std::move(loose).value());
  for (const auto& [id, value] : values) {
    const Column* column = definition.find_column(id, false);
    if (column == nullptr || column->type == ColumnType::none) return no_column(definition, id);
    if ((column->flags & kCounted) != 0) {
      return Error(Errc::invalid_argument, "column '" + column->name + "' counts by itself");
    }
    if (Status s = builder.set(*column, value); !s.ok()) return s;
  }
  if (Status s = count_version(definition, old.value(), builder); !s.ok()) return s;
  const auto record = builder.finish(bookmark.size());
  if (!record.ok()) return record.error();
  if (definition.primary_index() != nullptr) {
    const auto key = primary_key(definition, record.value());
    if (!key.ok()) return key.error();
    if (compare_bytes(key.value(), bookmark) != 0) {
      return ese_error(EseErr::record_primary_changed,
                       "the primary key of a row is not changed; remove it and insert another");
    }
  }
  const auto after = secondary_keys(definition, record.value());
  if (!after.ok()) return after.error();
  Status replaced = table_.rows().replace(transaction_, bookmark, record.value());
  if (!replaced.ok()) return replaced;
  Status indexed = update_indexes(definition, bookmark, before.value(), after.value());
  if (!indexed.ok()) return indexed;
  for (const Lid& lid : builder.released()) {
    if (Status s = long_values_.release(lid); !s.ok()) return s;
  }
  return Ok{};
}

Status TableRows::remove(Bytes bookmark) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  return run(*definition.value(), transaction_,
             [&] { return remove_in(*definition.value(), bookmark); });
}

Status TableRows::remove_in(const Table& definition, Bytes bookmark) {
  const auto old = read(bookmark);
  if (!old.ok()) return old.error();
  const auto before = secondary_keys(definition, old.value());
  if (!before.ok()) return before.error();
  if (Status s = table_.rows().remove(transaction_, {bookmark, {}}); !s.ok()) return s;
  const IndexKeys none(definition.indexes.size());
  if (Status s = update_indexes(definition, bookmark, before.value(), none); !s.ok()) return s;
  const auto view = RecordView::open(old.value(), large_page());
  if (!view.ok()) return view.error();
  for (std::size_t i = 0; i < view.value().tagged_count(); ++i) {
    const auto entry = view.value().tagged(i);
    if (!entry.ok()) return entry.error();
    for (const StoredValue& value : entry.value().values) {
      if (!value.separated) continue;
      if (Status s = long_values_.release(value.lid()); !s.ok()) return s;
    }
  }
  return Ok{};
}

Status TableRows::add(Bytes bookmark, const Column& column, std::int64_t delta) {
  if ((column.flags & kColumnEscrow) == 0) {
    return Error(Errc::invalid_argument, "column '" + column.name + "' is not one to add to");
  }
  const auto old = read(bookmark);
  if (!old.ok()) return old.error();
  const auto view = RecordView::open(old.value(), large_page());
  if (!view.ok()) return view.error();
  if (!view.value().stores_fixed(column.id) || view.value().fixed_is_null(column.id)) {
    return ese_error(EseErr::null_invalid, "column '" + column.name + "' has no number to add to");
  }
  return table_.rows().add(transaction_, bookmark, static_cast<std::uint16_t>(column.offset), delta,
                           static_cast<std::uint8_t>(column.size));
}

// ---- Parts of long values

Status TableRows::edit(Bytes bookmark, const Column& column, const LongValueEdit& edit) {
  const auto definition = table_.definition(transaction_);
  if (!definition.ok()) return definition.error();
  return run(*definition.value(), transaction_,
             [&] { return edit_in(*definition.value(), bookmark, column, edit); });
}

}  // namespace stillframe::ese
