// What rows, writers and ranges of one table share: a cursor, with what it knows of its columns.
// Part of ese.hpp.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/ese/column.hpp>
#include <stillframe/ese/jet_status.hpp>

namespace stillframe::jet::detail {

class Cursor {
 public:
  Cursor(JET_SESID session, JET_TABLEID table, std::string name)
      : session_(session), table_(table), name_(std::move(name)) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  // A session that has ended has closed it; then this does nothing.
  ~Cursor() { JetCloseTable(session_, table_); }

  JET_SESID session() const { return session_; }
  JET_TABLEID table() const { return table_; }

  template <class T>
  Result<JET_COLUMNID> id_of(Column<T> column) {
    const Known* known = find(column.name());
    if (known == nullptr) {
      JET_COLUMNDEF def{};
      Status asked = status_of(
          JetGetTableColumnInfoA(session_, table_, column.name(), &def, sizeof def, JET_ColInfo),
          "JetGetTableColumnInfo");
      if (!asked.ok()) return asked.error().while_doing(naming(column.name()));
      known_.push_back({column.name(), def.columnid, def.coltyp, def.cp});
      known = &known_.back();
    }
    if (ColumnType<T>::takes(known->type, known->code_page)) return known->id;
    return error_of(JET_errInvalidColumnType, naming(column.name()) + " is of type " +
                                                  std::to_string(known->type) +
                                                  ", not of the one that the program gives it (" +
                                                  std::to_string(ColumnType<T>::kType) + ")");
  }

  // Nothing if the column is null.
  template <class T>
  Result<std::optional<Value<T>>> retrieve(Column<T> column, JET_GRBIT how) {
    Result<JET_COLUMNID> id = id_of(column);
    if (!id.ok()) return id.error();
    char near[256];
    std::string far;
    char* bytes = near;
    std::uint32_t room = sizeof near, size = 0;
    for (;;) {
      const JET_ERR err =
          JetRetrieveColumn(session_, table_, id.value(), bytes, room, &size, how, nullptr);
      if (err == JET_wrnColumnNull) return std::optional<Value<T>>();
      if (Status s = status_of(err, "JetRetrieveColumn"); !s.ok()) {
        return s.error().while_doing(naming(column.name()));
      }
      if (err != JET_wrnBufferTruncated) break;
      far.resize(size);  // again: outside of a transaction it may have grown meanwhile
      bytes = far.data();
      room = size;
    }
    return std::optional<Value<T>>(ColumnType<T>::decode({bytes, size}));
  }

  template <class T>
  Result<Value<T>> retrieve_value(Column<T> column, JET_GRBIT how) {
    Result<std::optional<Value<T>>> found = retrieve(column, how);
    if (!found.ok()) return found.error();
    if (found.value()) return *std::move(found).value();
    return error_of(JET_wrnColumnNull, naming(column.name()) + " is null");
  }

  // Its order is that of `index` from now on, without a range.
  Status choose(const char* index) {
    if (ranged_) JetSetIndexRange(session_, table_, JET_bitRangeRemove);  // may be gone already
    ranged_ = false;
    if (index == nullptr || (index_ && *index_ == index)) return Ok{};
    Status chosen = status_of(JetSetCurrentIndexA(session_, table_, index), "JetSetCurrentIndex");
    if (!chosen.ok()) return chosen.error().while_doing("index '" + name_ + "." + index + "'");
    index_ = index;
    return Ok{};
  }

  Status make_key(const std::vector<std::string>& parts, JET_GRBIT last_part) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const JET_GRBIT how = (i == 0 ? JET_bitNewKey : 0) |
                            (parts[i].empty() ? JET_bitKeyDataZeroLength : 0) |
                            (i + 1 == parts.size() ? last_part : 0);
      const JET_ERR made = JetMakeKey(session_, table_, parts[i].data(),
                                      static_cast<std::uint32_t>(parts[i].size()), how);
      if (Status s = status_of(made, "JetMakeKey"); !s.ok()) return s;
    }
    return Ok{};
  }

  Status move(std::int32_t rows) {
    return status_of(JetMove(session_, table_, rows, 0), "JetMove");
  }

  // To the first row of the range; not_found if there is none.
  Status go_to_start(const KeyRange& range) {
    if (Status s = choose(range.index); !s.ok()) return s;
    if (Status s = go_to_lower(range.lower); !s.ok()) return s;
    if (range.upper.key.empty()) return Ok{};
    if (Status s = make_key(range.upper.key, range.upper.last_part); !s.ok()) return s;
    const JET_GRBIT how =
        JET_bitRangeUpperLimit | (range.upper.inclusive ? JET_bitRangeInclusive : 0);
    const JET_ERR set = JetSetIndexRange(session_, table_, how);
    ranged_ = set >= JET_errSuccess;
    return status_of(set, "JetSetIndexRange");
  }

 private:
  struct Known {
    std::string name;
    JET_COLUMNID id;
    JET_COLTYP type;
    std::uint16_t code_page;
  };

  const Known* find(std::string_view column) const {
    for (const Known& known : known_) {
      if (known.name == column) return &known;
    }
    return nullptr;
  }

  std::string naming(const char* column) const { return "column '" + name_ + "." + column + "'"; }

  Status go_to_lower(const Limit& lower) {
    if (lower.key.empty()) return move(JET_MoveFirst);
    if (Status s = make_key(lower.key, lower.last_part); !s.ok()) return s;
    const JET_GRBIT how = lower.inclusive ? JET_bitSeekGE : JET_bitSeekGT;
    return status_of(JetSeek(session_, table_, how), "JetSeek");
  }

  const JET_SESID session_;
  const JET_TABLEID table_;
  const std::string name_;
  std::vector<Known> known_;
  std::optional<std::string> index_;  // none until one was chosen
  bool ranged_ = false;
};

}  // namespace stillframe::jet::detail
