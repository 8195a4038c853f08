// Tables, columns and indexes come and go.
#include <algorithm>
#include <utility>

#include "writers/ese/engine/btree_reader.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/tables/all_or_nothing.hpp"
#include "writers/ese/tables/catalog.hpp"
#include "writers/ese/tables/catalog_rows.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kTreeFlags = kPageNewRecord | kPageNewChecksum;
constexpr std::uint32_t kIndexPages = 3;  // of the catalog's own indexes
constexpr std::uint32_t kTablePagesMax = 32, kDensityMin = 20, kDensityMax = 100;

Value little(std::uint32_t number) {
  Value value(sizeof number);
  store_le(value.data(), number);
  return value;
}

std::uint32_t objid_number(Objid objid) {
  return static_cast<std::uint32_t>(objid);
}

// Of the primary key of a row of either catalog.
RowValues key_values(const CatalogRow& row) {
  RowValues all = values_of(row, 0);
  std::erase_if(all, [](const auto& value) {
    return value.first != ColumnId{kObjidTable} && value.first != ColumnId{kType} &&
           value.first != ColumnId{kId};
  });
  return all;
}

Result<Key> key_of(const TableObject& table, const RowValues& values) {
  const auto definition = table.last_definition();
  const Index& index = *definition->primary_index();
  Key key;
  for (const IndexSegment& segment : index.segments) {
    const Column* column = definition->find_column(segment.column, false);
    const Values& value = values.at(segment.column);
    Status added = append_segment(index, segment, *column, value.front(), key);
    if (!added.ok()) return added.error();
  }
  return key;
}

// The name a deleted column leaves behind, so that its own can be used again.
std::string stub_name(Objid table, ColumnId column) {
  return "JetStub_" + std::to_string(objid_number(table)) + "_" +
         std::to_string(static_cast<std::uint16_t>(column));
}

std::size_t offset_of(const Column& column) {
  return is_fixed(column.id) ? column.offset : 0;
}

// Columns whose trees and numbers are of no table yet.
RowValues object_id_row(const CatalogRow& row) {
  Value type = little(static_cast<std::uint32_t>(row.type));
  type.resize(sizeof(CatalogType));
  return {{ColumnId{kObjectIdsObject}, {little(row.id)}},
          {ColumnId{kObjectIdsTable}, {little(objid_number(row.table))}},
          {ColumnId{kObjectIdsType}, {type}}};
}

// A primary index is no object besides its table.
bool is_object(const CatalogRow& row) {
  return row.type == CatalogType::table || row.type == CatalogType::long_values ||
         (row.type == CatalogType::index && row.id != objid_number(row.table));
}

}  // namespace

// ---- A new database

Result<std::unique_ptr<Catalog>> Catalog::create(const CatalogParts& parts,
                                                 OpenTransaction& transaction) {
  std::unique_ptr<Catalog> catalog(new Catalog(parts));
  catalog->last_objid_ = static_cast<std::uint32_t>(kObjectIds);
  if (Status s = catalog->make_system_tables(transaction); !s.ok()) return s.error();
  return catalog;
}

// Their trees begin at pages that readers know without looking.
Status Catalog::make_system_tables(OpenTransaction& transaction) {
  const auto expect = [](const Result<TreeId>& made, Pgno root) -> Status {
    if (!made.ok()) return made.error();
    if (made.value().root == root) return Ok{};
    return Error(Errc::wrong_state, "system tables are only made in an empty database");
  };
  Table definitions[] = {
      catalog_definition(), shadow_catalog_definition(parts_.database.store.page_bytes()), {}};
  for (int i = 0; i < 2; ++i) {
    definitions[i].flags = kTableSystem | kTableFixedColumns;
    Status made =
        expect(parts_.space.create_tree_with_space(transaction, definitions[i].objid,
                                                   definitions[i].initial_pages, kTreeFlags),
               definitions[i].root);
    if (!made.ok()) return made;
    TableObject* object = enter(definitions[i]).object.get();
    (i == 0 ? objects_ : shadow_) = object;
    if (i > 0) continue;
    for (std::size_t index = 1; index < definitions[0].indexes.size(); ++index) {
      const Index& its = definitions[0].indexes[index];
      made = expect(object->space().create_tree_with_space(transaction, its.objid, kIndexPages,
                                                           kTreeFlags | kPageIndex),
                    its.root);
      if (!made.ok()) return made;
    }
  }
  const auto ids = parts_.space.create_tree(transaction, kObjectIds, 1, kTreeFlags);
  if (!ids.ok()) return ids.error();
  definitions[2] = object_ids_definition(ids.value().root);
  object_ids_ = enter(definitions[2]).object.get();
  for (const Table& table : definitions) {
    if (Status s = put(transaction, row_of(table), 0); !s.ok()) return s;
    for (const Column& column : table.columns) {
      // The catalog's own rows all say the same of where a fixed column lies.
      const std::size_t offset = is_fixed(column.id) ? 4 : 0;
      if (Status s = put(transaction, row_of(table, column), offset); !s.ok()) return s;
    }
    for (const Index& index : table.indexes) {
      if (Status s = put(transaction, row_of(table, index), 0); !s.ok()) return s;
    }
  }
  return Ok{};
}

// ---- Rows of the catalog

Status Catalog::put(OpenTransaction& transaction, const CatalogRow& row, std::size_t offset) {
  const RowValues values = values_of(row, offset);
  for (TableObject* table : {objects_, shadow_}) {
    if (table == nullptr) continue;
    const auto inserted = TableRows(*table, transaction).insert(values);
    if (!inserted.ok()) return inserted.error();
  }
  if (object_ids_ == nullptr || !is_object(row)) return Ok{};
  const auto inserted = TableRows(*object_ids_, transaction).insert(object_id_row(row));
  return inserted.ok() ? Status(Ok{}) : inserted.error();
}

Status Catalog::erase(OpenTransaction& transaction, const CatalogRow& row) {
  const RowValues values = key_values(row);
  for (TableObject* table : {objects_, shadow_}) {
    if (table == nullptr) continue;
    const auto key = key_of(*table, values);
    if (!key.ok()) return key.error();
    Status removed = TableRows(*table, transaction).remove(key.value());
    if (!removed.ok()) return removed.error().while_doing("the catalog");
  }
  if (object_ids_ == nullptr || !is_object(row)) return Ok{};
  const auto key = key_of(*object_ids_, object_id_row(row));
  if (!key.ok()) return key.error();
  return TableRows(*object_ids_, transaction).remove(key.value());
}

Status Catalog::change(OpenTransaction& transaction, const CatalogRow& row,
                       const RowValues& changes) {
  for (TableObject* table : {objects_, shadow_}) {
    if (table == nullptr) continue;
    const auto key = key_of(*table, key_values(row));
    if (!key.ok()) return key.error();
    Status replaced = TableRows(*table, transaction).replace(key.value(), changes);
    if (!replaced.ok()) return replaced;
  }
  return Ok{};
}

// ---- Who may change what

Status Catalog::begin_change(OpenTransaction& transaction, TableObject& table) {
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  const std::string quoted = "'" + definition.value()->name + "'";
  if (definition.value()->system()) {
    return ese_error(EseErr::fixed_ddl, "table " + quoted + " is the engine's own");
  }
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(table.objid());
  const Procid session = transaction.state().session();
  for (const auto& [user, count] : entry.users) {
    if (user == session) continue;
    return ese_error(EseErr::table_in_use, "table " + quoted + " is open in another session");
  }
  if (entry.changing != nullptr && entry.changing != &transaction) {
    return ese_error(EseErr::table_locked, "another session is changing table " + quoted);
  }
  if (entry.changed_at && !before(*entry.changed_at, transaction.state().begun())) {
    return ese_error(EseErr::write_conflict, "what table " + quoted +
                                                 " consists of has changed since the transaction "
                                                 "began; roll back and try again");
  }
  if (entry.changing == nullptr) entry.before = definition.value();
  entry.changing = &transaction;
  transaction.watch(*this);
  return Ok{};
}

Result<bool> Catalog::is_empty(const OpenTransaction& transaction, TableObject& table) const {
  if (Status s = table.rows().check_all_seen(transaction); !s.ok()) return s.error();
  BTreeReader reader(table.rows(), transaction.state());
  if (Status s = reader.first(); !s.ok()) return s.error();
  return reader.at_end();
}

// ---- Tables

Status Catalog::create_rows(OpenTransaction& transaction, const TableSpec& spec, Objid objid) {
  const auto tree = parts_.space.create_tree(transaction, objid, spec.pages, kTreeFlags);
  if (!tree.ok()) return tree.error();
  Table table;
  table.name = spec.name;
  table.objid = objid;
  table.root = tree.value().root;
  table.initial_pages = spec.pages;
  table.density = spec.density;
  if (Status s = put(transaction, row_of(table), 0); !s.ok()) return s;
  for (const ColumnSpec& wanted : spec.columns) {
    auto column = design_column(table, wanted, true);
    if (!column.ok()) return column.error();
    Status noted = put(transaction, row_of(table, column.value()), offset_of(column.value()));
    if (!noted.ok()) return noted;
    table.columns.push_back(std::move(column).value());
  }
  return Ok{};
}

Result<TableUse> Catalog::create_table(OpenTransaction& transaction, const TableSpec& spec) {
  if (Status s = check_name(spec.name); !s.ok()) return s.error();
  if (spec.pages < 1 || spec.pages > kTablePagesMax || spec.density < kDensityMin ||
      spec.density > kDensityMax) {
    return Error(Errc::invalid_argument, "table '" + spec.name +
                                             "' has to begin with 1 to 32 pages, filled to 20 to "
                                             "100 per cent");
  }
  const auto found = find(transaction, spec.name);
  if (!found.ok()) return found.error();
  if (found.value()) {
    return ese_error(EseErr::table_duplicate, "there is a table '" + spec.name + "'");
  }
  const Objid objid = next_objid();
  Status made = all_or_nothing(transaction, [&]() -> Status {
    if (Status s = create_rows(transaction, spec, objid); !s.ok()) return s;
    auto loaded = load(transaction, objid);
    if (!loaded.ok()) return loaded.error();
    TableObject* object = nullptr;
    {
      const std::lock_guard lock(mutex_);
      Entry& entry = enter(std::move(loaded).value());
      entry.changing = &transaction;
      object = entry.object.get();
    }
    transaction.watch(*this);
    for (const IndexSpec& index : spec.indexes) {
      if (Status s = add_index(transaction, *object, index); !s.ok()) return s;
    }
    return Ok{};
  });
  if (!made.ok()) return made.error().while_doing("creating table '" + spec.name + "'");
  return open_table(transaction, spec.name);
}

Status Catalog::delete_table(OpenTransaction& transaction, std::string_view name) {
  auto opened = open_table(transaction, name);
  if (!opened.ok()) return opened.error();
  TableObject& table = opened.value().table();
  if (Status s = begin_change(transaction, table); !s.ok()) return s;
  {
    const std::lock_guard lock(mutex_);
    const auto& users = entries_.at(table.objid()).users;
    if (users.begin()->second > 1) {
      return ese_error(EseErr::table_in_use, "table '" + std::string(name) + "' is still open");
    }
  }
  Status deleted = all_or_nothing(transaction, [&]() -> Status {
    const auto rows = rows_of(transaction, table.objid());
    if (!rows.ok()) return rows.error();
    for (const CatalogRow& row : rows.value()) {
      if (Status s = erase(transaction, row); !s.ok()) return s;
    }
    // Others may be changing its rows right now: they would find their table gone.
    return table.rows().check_all_seen(transaction);
  });
  table.forget_definition();
  return deleted.ok() ? Status(Ok{})
                      : deleted.error().while_doing("deleting table '" + std::string(name) + "'");
}

Status Catalog::rename_table(OpenTransaction& transaction, std::string_view name,
                             std::string_view to) {
  if (Status s = check_name(to); !s.ok()) return s;
  const auto taken = find(transaction, to);
  if (!taken.ok()) return taken.error();
  auto opened = open_table(transaction, name);
  if (!opened.ok()) return opened.error();
  TableObject& table = opened.value().table();
  if (taken.value() && *taken.value() != table.objid()) {
    return ese_error(EseErr::table_duplicate, "there is a table '" + std::string(to) + "'");
  }
  if (Status s = begin_change(transaction, table); !s.ok()) return s;
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  const auto* bytes = reinterpret_cast<const std::byte*>(to.data());
  const RowValues changes{{ColumnId{kName}, {Value(bytes, bytes + to.size())}}};
  const CatalogRow row = row_of(*definition.value());
  Status renamed = all_or_nothing(transaction, [&] { return change(transaction, row, changes); });
  table.forget_definition();
  return renamed.ok() ? Status(Ok{})
                      : renamed.error().while_doing("renaming table '" + std::string(name) + "'");
}

// ---- Columns

Result<ColumnId> Catalog::add_column(OpenTransaction& transaction, TableObject& table,
                                     const ColumnSpec& spec) {
  if (Status s = begin_change(transaction, table); !s.ok()) return s.error();
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  const auto empty = is_empty(transaction, table);
  if (!empty.ok()) return empty.error();
  const auto column = design_column(*definition.value(), spec, empty.value());
  if (!column.ok()) return column.error();
  Status added = all_or_nothing(transaction, [&] {
    return put(transaction, row_of(*definition.value(), column.value()), offset_of(column.value()));
  });
  if (!added.ok()) return added.error();
  table.forget_definition();
  return column.value().id;
}

Status Catalog::delete_column(OpenTransaction& transaction, TableObject& table,
                              std::string_view name) {
  if (Status s = begin_change(transaction, table); !s.ok()) return s;
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  const Column* column = find_column(*definition.value(), name);
  if (column == nullptr || column->of_template) {
    return ese_error(EseErr::column_not_found, "table '" + definition.value()->name +
                                                   "' has no column '" + std::string(name) + "'");
  }
  for (const Index& index : definition.value()->indexes) {
    const auto uses = [&](const IndexSegment& segment) { return segment.column == column->id; };
    if (std::none_of(index.segments.begin(), index.segments.end(), uses) &&
        std::none_of(index.conditions.begin(), index.conditions.end(), uses)) {
      continue;
    }
    return ese_error(EseErr::column_indexed,
                     "column '" + column->name + "' is in index '" + index.name + "'");
  }
  // Its number stays taken and its place in records too.
  const RowValues changes{
      {ColumnId{kTypeOrRoot}, {little(static_cast<std::uint32_t>(ColumnType::none))}},
      {ColumnId{kName}, {[&] {
         const std::string stub = stub_name(table.objid(), column->id);
         const auto* bytes = reinterpret_cast<const std::byte*>(stub.data());
         return Value{bytes, bytes + stub.size()};
       }()}}};
  const CatalogRow row = row_of(*definition.value(), *column);
  Status deleted = all_or_nothing(transaction, [&] { return change(transaction, row, changes); });
  table.forget_definition();
  return deleted;
}

// ---- Indexes

Status Catalog::create_index(OpenTransaction& transaction, TableObject& table,
                             const IndexSpec& spec) {
  if (Status s = begin_change(transaction, table); !s.ok()) return s;
  return all_or_nothing(transaction, [&] { return add_index(transaction, table, spec); });
}

Status Catalog::add_index(OpenTransaction& transaction, TableObject& table, const IndexSpec& spec) {
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  auto designed = design_index(*definition.value(), spec, parts_.database.store.page_bytes());
  if (!designed.ok()) return designed.error();
  Index index = std::move(designed).value();
  const auto empty = is_empty(transaction, table);
  if (!empty.ok()) return empty.error();
  if (index.primary()) {
    if (!empty.value()) {
      return ese_error(EseErr::table_not_empty, "rows have no other key once they are there");
    }
    index.objid = table.objid();
    index.root = definition.value()->root;
  } else {
    index.objid = next_objid();
    const std::uint32_t flags = kPageIndex | (index.unique() ? 0U : std::uint32_t{kPageNonUnique});
    const auto tree = table.space().create_tree(transaction, index.objid, 1, kTreeFlags | flags);
    if (!tree.ok()) return tree.error();
    index.root = tree.value().root;
  }
  Status noted = put(transaction, row_of(*definition.value(), index), 0);
  if (!noted.ok()) return noted;
  table.forget_definition();
  return index.primary() || empty.value() ? Status(Ok{}) : fill_index(transaction, table, index);
}

// However many rows there are, the version store has not to hold them: the new tree goes with its
// row of the catalog, and the table is this session's alone.
Status Catalog::fill_index(OpenTransaction& transaction, TableObject& table, const Index& index) {
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  TableRows rows(table, transaction);
  BTree& tree = table.index(index);
  BTreeReader reader(table.rows(), transaction.state());
  Status moved = reader.first();
  for (; moved.ok() && !reader.at_end(); moved = reader.next()) {
    const auto keys = rows.keys(*definition.value(), index, reader.data());
    if (!keys.ok()) return keys.error();
    for (const Key& key : keys.value()) {
      Status inserted = tree.load(transaction, key, reader.key());
      if (!inserted.ok()) return inserted.error().while_doing("index '" + index.name + "'");
    }
  }
  return moved;
}

Status Catalog::delete_index(OpenTransaction& transaction, TableObject& table,
                             std::string_view name) {
  if (Status s = begin_change(transaction, table); !s.ok()) return s;
  const auto definition = table.definition(transaction);
  if (!definition.ok()) return definition.error();
  const Index* index = find_index(*definition.value(), name);
  if (index == nullptr) {
    return ese_error(EseErr::index_not_found, "table '" + definition.value()->name +
                                                  "' has no index '" + std::string(name) + "'");
  }
  if (index->primary()) {
    return ese_error(EseErr::index_must_stay,
                     "rows lie in the order of index '" + index->name + "'");
  }
  const CatalogRow row = row_of(*definition.value(), *index);
  Status deleted = all_or_nothing(transaction, [&] { return erase(transaction, row); });
  table.forget_definition();
  return deleted;
}

// ---- Long values

// In the transaction that makes the table itself; for a table that is there, in one of its own, so
// that sessions do not wait for each other.
Status Catalog::make_long_values(OpenTransaction& transaction, TableObject& table) {
  bool changing = false;
  {
    const std::lock_guard lock(mutex_);
    changing = entries_.at(table.objid()).changing == &transaction;
  }
  if (changing) {
    Status made = add_long_values(transaction, table);
    table.forget_definition();
    return made;
  }
  const std::lock_guard one(own_session_);
  if (table.last_definition()->long_values_root != Pgno::null) return Ok{};
  OpenTransaction own(parts_.transactions, parts_.database.log, parts_.session);
  // What others hold stays as it is until the new one is there: read again by a transaction that
  // began before, it would lack the tree.
  if (Status s = add_long_values(own, table); !s.ok()) return s;
  auto now = load(own, table.objid());
  if (!now.ok()) return now.error();
  if (Status s = own.commit(CommitMode::lazy); !s.ok()) return s;
  table.set_definition(std::move(now).value());
  return Ok{};
}

Status Catalog::add_long_values(OpenTransaction& transaction, TableObject& table) {
  const auto definition = table.last_definition();
  const Objid objid = next_objid();
  const auto tree = table.space().create_tree(transaction, objid, 1, kTreeFlags | kPageLongValue);
  if (!tree.ok()) return tree.error();
  return put(transaction, row_of_long_values(*definition, objid, tree.value().root), 0);
}

}  // namespace stillframe::ese
