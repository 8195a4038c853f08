// What a new table looks like. Part of ese.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <stillframe/ese/column.hpp>

namespace stillframe::jet {

inline constexpr JET_GRBIT kNotNull = JET_bitColumnNotNULL;
// Numbered by the engine, from 1 on; for std::int32_t.
inline constexpr JET_GRBIT kCounted = JET_bitColumnAutoincrement;

// A column as a part of an index: a Column, or descending() of one.
template <class T>
struct IndexPart {
  IndexPart(Column<T> which, bool falls = false) : column(which), falling(falls) {}
  Column<T> column;
  bool falling;
};
template <class T>
IndexPart<T> descending(Column<T> column) {
  return {column, true};
}

class TableDefinition {
 public:
  explicit TableDefinition(std::string name) : name_(std::move(name)) {}
  const std::string& name() const noexcept { return name_; }

  // `grbit`: kNotNull, kCounted, or any JET_bitColumn.
  template <class T>
  TableDefinition& column(Column<T> column, JET_GRBIT grbit = 0) {
    using Type = detail::ColumnType<T>;
    columns_.push_back({column.name(), Type::kType, grbit, Type::kCodePage});
    return *this;
  }
  // The order in which rows are kept; its key is there once.
  template <class... Ts>
  TableDefinition& primary(Index<Ts...> index, std::type_identity_t<IndexPart<Ts>>... parts) {
    return add(index.name(), JET_bitIndexPrimary | JET_bitIndexUnique, parts...);
  }
  template <class... Ts>
  TableDefinition& unique(Index<Ts...> index, std::type_identity_t<IndexPart<Ts>>... parts) {
    return add(index.name(), JET_bitIndexUnique, parts...);
  }
  template <class... Ts>
  TableDefinition& index(Index<Ts...> index, std::type_identity_t<IndexPart<Ts>>... parts) {
    return add(index.name(), 0, parts...);
  }

  // All of it or nothing.
  JET_ERR create(JET_SESID session, JET_DBID database, JET_TABLEID& table) const {
    // The C structures have no const; JET does not change what they point at.
    const auto text = [](const std::string& from) { return const_cast<char*>(from.c_str()); };
    std::vector<JET_COLUMNCREATE_A> columns;
    for (const ColumnEntry& each : columns_) {
      columns.push_back({sizeof(JET_COLUMNCREATE_A), text(each.name), each.type, 0, each.grbit,
                         nullptr, 0, each.code_page, 0, 0});
    }
    std::vector<JET_INDEXCREATE_A> indexes;
    for (const IndexEntry& each : indexes_) {
      JET_INDEXCREATE_A index{};
      index.cbStruct = sizeof index;
      index.szIndexName = text(each.name);
      index.szKey = text(each.key);
      index.cbKey = static_cast<std::uint32_t>(each.key.size());
      index.grbit = each.grbit;
      indexes.push_back(index);
    }
    JET_TABLECREATE_A all{};
    all.cbStruct = sizeof all;
    all.szTableName = text(name_);
    all.rgcolumncreate = columns.data();
    all.cColumns = static_cast<std::uint32_t>(columns.size());
    all.rgindexcreate = indexes.data();
    all.cIndexes = static_cast<std::uint32_t>(indexes.size());
    const JET_ERR err = JetCreateTableColumnIndexA(session, database, &all);
    table = all.tableid;
    return err;
  }

 private:
  struct ColumnEntry {
    std::string name;
    JET_COLTYP type;
    JET_GRBIT grbit;
    std::uint16_t code_page;
  };
  struct IndexEntry {
    std::string name, key;
    JET_GRBIT grbit;
  };

  template <class... Parts>
  TableDefinition& add(const char* name, JET_GRBIT grbit, const Parts&... parts) {
    std::string key;  // "+name" and a zero for each, and one more zero
    ((key += parts.falling ? '-' : '+', key += parts.column.name(), key += '\0'), ...);
    key += '\0';
    indexes_.push_back({name, std::move(key), grbit});
    return *this;
  }

  std::string name_;
  std::vector<ColumnEntry> columns_;
  std::vector<IndexEntry> indexes_;
};

}  // namespace stillframe::jet
