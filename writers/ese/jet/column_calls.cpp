// Columns: add, delete, and what there are.
#include "writers/ese/jet/file_info.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/table_definitions.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

Answer add_column(JetSession& session, JetCursor& cursor, const std::string& name,
                  const JET_COLUMNDEF* definition, Bytes default_value, JET_COLUMNID* columnid) {
  if (definition == nullptr || definition->cbStruct != sizeof *definition) {
    return jet_error(JET_errInvalidParameter, "a JET_COLUMNDEF is missing or of odd size");
  }
  const auto spec = column_spec({name, definition->coltyp, definition->cp, definition->cbMax,
                                 definition->grbit, default_value});
  if (!spec.ok()) return spec.error();
  return session.change([&](const Now& now) -> Answer {
    const auto added =
        cursor.database().catalog().add_column(now.transaction, cursor.table(), spec.value());
    if (!added.ok()) return added.error();
    if (columnid != nullptr) *columnid = static_cast<JET_COLUMNID>(added.value());
    return success();
  });
}

Answer delete_column(JetSession& session, JetCursor& cursor, const std::string& name,
                     JET_GRBIT grbit) {
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetDeleteColumn has no such option");
  return session.change([&](const Now& now) {
    return answer_of(
        cursor.database().catalog().delete_column(now.transaction, cursor.table(), name));
  });
}

// ---- What there are

JET_COLUMNDEF definition_of(const Column& column) {
  JET_COLUMNDEF result{};
  result.cbStruct = sizeof result;
  result.columnid = static_cast<JET_COLUMNID>(column.id);
  result.coltyp = static_cast<JET_COLTYP>(column.type);
  result.cp = static_cast<std::uint16_t>(column.code_page);
  result.cbMax = column.size;
  result.grbit = grbit_of(column);
  return result;
}

template <class Base, class Char>
Base base_of(const Table& table, const Column& column) {
  Base result{};
  result.cbStruct = sizeof result;
  result.columnid = static_cast<JET_COLUMNID>(column.id);
  result.coltyp = static_cast<JET_COLTYP>(column.type);
  result.cp = static_cast<std::uint16_t>(column.code_page);
  result.cbMax = column.size;
  result.grbit = grbit_of(column);
  copy_text(table.name, result.szBaseTableName, sizeof result.szBaseTableName);
  copy_text(column.name, result.szBaseColumnName, sizeof result.szBaseColumnName);
  return result;
}

// By name, or on the levels for that by number, which stands where the name would.
const Column* find(const Table& table, const std::string& name, const void* number,
                   std::uint32_t level) {
  if (level == JET_ColInfo || level == JET_ColInfoBase) return find_column(table, name);
  if (number == nullptr) return nullptr;
  JET_COLUMNID columnid = 0;
  std::memcpy(&columnid, number, sizeof columnid);
  if (columnid > 0xFFFF) return nullptr;
  const Column* found = table.find_column(ColumnId{static_cast<std::uint16_t>(columnid)}, false);
  return found != nullptr && found->type != ColumnType::none ? found : nullptr;
}

template <class Base, class Char>
Answer tell(const Table& table, const Char* name, void* result, std::uint32_t bytes,
            std::uint32_t level) {
  const bool base = level == JET_ColInfoBase || level == JET_ColInfoBaseByColid;
  if (!base && level != JET_ColInfo && level != JET_ColInfoByColid) {
    return jet_error(JET_errInvalidParameter, "columns are not told of on this level");
  }
  const bool by_name = level == JET_ColInfo || level == JET_ColInfoBase;
  const Column* column = find(table, by_name ? utf8(name) : std::string(), name, level);
  if (column == nullptr) {
    return jet_error(JET_errColumnNotFound, "table '" + table.name + "' has no such column");
  }
  return answer_of(base ? put_value(base_of<Base, Char>(table, *column), result, bytes)
                        : put_value(definition_of(*column), result, bytes));
}

template <class Base, class Char>
Answer info_in_table(JetSession& session, JetCursor& cursor, const Char* name, void* result,
                     std::uint32_t bytes, std::uint32_t level) {
  return session.read([&](const Now& now) -> Answer {
    const auto table = cursor.definition(now);
    if (!table.ok()) return table.error();
    return tell<Base>(*table.value(), name, result, bytes, level);
  });
}

template <class Base, class Char>
Answer info_in_database(JetSession& session, JET_DBID dbid, const std::string& table_name,
                        const Char* name, void* result, std::uint32_t bytes, std::uint32_t level) {
  const auto database = session.instance().databases().find_open(session.handle(), dbid);
  if (!database.ok()) return database.error();
  return session.read([&](const Now& now) -> Answer {
    const auto use = database.value()->catalog().open_table(now.transaction, table_name);
    if (!use.ok()) return use.error();
    const auto table = use.value().table().definition(now.transaction);
    if (!table.ok()) return table.error();
    return tell<Base>(*table.value(), name, result, bytes, level);
  });
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetAddColumnA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                              const JET_COLUMNDEF* pcolumndef, const void* pvDefault,
                              uint32_t cbDefault, JET_COLUMNID* pcolumnid) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return add_column(session, cursor, utf8(szColumnName), pcolumndef,
                      bytes_at(pvDefault, cbDefault), pcolumnid);
  });
}
JET_ERR JET_API JetAddColumnW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName,
                              const JET_COLUMNDEF* pcolumndef, const void* pvDefault,
                              uint32_t cbDefault, JET_COLUMNID* pcolumnid) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return add_column(session, cursor, utf8(szColumnName), pcolumndef,
                      bytes_at(pvDefault, cbDefault), pcolumnid);
  });
}
JET_ERR JET_API JetDeleteColumnA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_column(session, cursor, utf8(szColumnName), 0);
  });
}
JET_ERR JET_API JetDeleteColumnW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_column(session, cursor, utf8(szColumnName), 0);
  });
}
JET_ERR JET_API JetDeleteColumn2A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                                  JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_column(session, cursor, utf8(szColumnName), grbit);
  });
}
JET_ERR JET_API JetDeleteColumn2W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName,
                                  JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_column(session, cursor, utf8(szColumnName), grbit);
  });
}
JET_ERR JET_API JetGetTableColumnInfoA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                                       void* pvResult, uint32_t cbMax, uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return info_in_table<JET_COLUMNBASE_A>(session, cursor, szColumnName, pvResult, cbMax,
                                           InfoLevel);
  });
}
JET_ERR JET_API JetGetTableColumnInfoW(JET_SESID sesid, JET_TABLEID tableid,
                                       JET_PCWSTR szColumnName, void* pvResult, uint32_t cbMax,
                                       uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return info_in_table<JET_COLUMNBASE_W>(session, cursor, szColumnName, pvResult, cbMax,
                                           InfoLevel);
  });
}
JET_ERR JET_API JetGetColumnInfoA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                  JET_PCSTR szColumnName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_in_database<JET_COLUMNBASE_A>(session, dbid, utf8(szTableName), szColumnName,
                                              pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetColumnInfoW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                  JET_PCWSTR szColumnName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_in_database<JET_COLUMNBASE_W>(session, dbid, utf8(szTableName), szColumnName,
                                              pvResult, cbMax, InfoLevel);
  });
}

}  // extern "C"
