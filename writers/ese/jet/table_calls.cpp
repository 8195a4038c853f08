// Tables: create, open, duplicate, close, delete, rename.
#include <algorithm>
#include <functional>

#include "writers/ese/jet/file_info.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/table_definitions.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::uint32_t kPagesMost = 32;  // a table begins with; it grows with its rows
constexpr JET_GRBIT kOpenHints = JET_bitTablePermitDDL | JET_bitTableNoCache | JET_bitTablePreread |
                                 JET_bitTableSequential | JET_bitTableUpdatable;
constexpr JET_GRBIT kOpenModes = JET_bitTableDenyRead | JET_bitTableDenyWrite;

Result<InstanceDatabase*> database_of(const JetSession& session, JET_DBID dbid) {
  return session.instance().databases().find_open(session.handle(), dbid);
}

// A cursor of its own on the table, on its first row.
Answer add_cursor(JetSession& session, const Now& now, InstanceDatabase& database, TableUse use,
                  bool read_only, JET_TABLEID* tableid) {
  auto cursor = std::make_unique<JetCursor>(database, std::move(use), read_only);
  if (Status s = cursor->use_index(now, {}, false); !s.ok()) return s.error();
  const auto added = session.add_cursor(std::move(cursor));
  if (!added.ok()) return added.error();
  *tableid = added.value();
  return success();
}

JET_OBJECTINFO object_info(const Table& table) {
  JET_OBJECTINFO info{};
  info.cbStruct = sizeof info;
  info.objtyp = JET_objtypTable;
  info.flags = table.flags;
  return info;
}

// ---- Creating

template <class Create>
ColumnRequest request_of(const Create& create) {
  return {utf8(create.szColumnName),
          create.coltyp,
          create.cp,
          create.cbMax,
          create.grbit,
          bytes_at(create.pvDefault, create.cbDefault)};
}

Result<TableSpec> table_spec(const std::string& name, std::uint32_t pages, std::uint32_t density) {
  const auto filled = density_of(density);
  if (!filled.ok()) return filled.error();
  TableSpec spec;
  spec.name = name;
  spec.pages = std::clamp<std::uint32_t>(pages, 1, kPagesMost);
  spec.density = filled.value();
  return spec;
}

template <class Create>
Status add_columns(Create& create, TableSpec& spec) {
  for (std::uint32_t i = 0; i < create.cColumns; ++i) {
    auto& each = create.rgcolumncreate[i];
    each.err = JET_errSuccess;
    const auto made = each.cbStruct != sizeof each
                          ? jet_error(JET_errInvalidParameter, "a JET_COLUMNCREATE is of odd size")
                          : column_spec(request_of(each));
    if (!made.ok()) {
      each.err = jet_number(made.error());
      return made.error();
    }
    spec.columns.push_back(made.value());
  }
  return Ok{};
}

template <class Create>
Status add_indexes(Create& create, TableSpec& spec) {
  for (std::uint32_t i = 0; i < create.cIndexes; ++i) {
    auto& each = create.rgindexcreate[i];
    each.err = JET_errSuccess;
    const auto request = index_request(each);
    const auto made = request.ok() ? index_spec(request.value()) : request.error();
    if (!made.ok()) {
      each.err = jet_number(made.error());
      return made.error();
    }
    spec.indexes.push_back(made.value());
  }
  return Ok{};
}

Answer create_table(JetSession& session, JET_DBID dbid, const TableSpec& spec, JET_TABLEID* tableid,
                    const std::function<void(const Table&)>& made) {
  if (tableid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  *tableid = JET_tableidNil;
  const auto database = database_of(session, dbid);
  if (!database.ok()) return database.error();
  return session.change([&](const Now& now) -> Answer {
    auto use = database.value()->catalog().create_table(now.transaction, spec);
    if (!use.ok()) return use.error();
    if (made) made(*use.value().table().last_definition());
    return add_cursor(session, now, *database.value(), std::move(use).value(), false, tableid);
  });
}

template <class Create>
Answer create_whole(JetSession& session, JET_DBID dbid, Create* create) {
  if (create == nullptr || create->cbStruct != sizeof *create) {
    return jet_error(JET_errInvalidParameter, "a JET_TABLECREATE is missing or of odd size");
  }
  create->cCreated = 0;
  const bool lists_there = (create->cColumns == 0 || create->rgcolumncreate != nullptr) &&
                           (create->cIndexes == 0 || create->rgindexcreate != nullptr);
  if (!lists_there) return jet_error(JET_errInvalidParameter, "a list is missing");
  if (create->szTemplateTableName != nullptr || create->grbit != 0) {
    return jet_error(JET_errFeatureNotAvailable, "templates and fixed tables are not made here");
  }
  auto spec = table_spec(utf8(create->szTableName), create->ulPages, create->ulDensity);
  if (!spec.ok()) return spec.error();
  if (Status s = add_columns(*create, spec.value()); !s.ok()) return s.error();
  if (Status s = add_indexes(*create, spec.value()); !s.ok()) return s.error();
  return create_table(session, dbid, spec.value(), &create->tableid, [&](const Table& table) {
    create->cCreated = 1 + create->cColumns + create->cIndexes;
    for (std::uint32_t i = 0; i < create->cColumns; ++i) {
      const Column* column = find_column(table, spec.value().columns[i].name);
      create->rgcolumncreate[i].columnid = static_cast<JET_COLUMNID>(column->id);
    }
  });
}

Answer create_empty(JetSession& session, JET_DBID dbid, const std::string& name,
                    std::uint32_t pages, std::uint32_t density, JET_TABLEID* tableid) {
  const auto spec = table_spec(name, pages, density);
  return spec.ok() ? create_table(session, dbid, spec.value(), tableid, {}) : spec.error();
}

// ---- Opening and closing

Answer open_table(JetSession& session, JET_DBID dbid, const std::string& name,
                  std::uint32_t parameter_bytes, JET_GRBIT grbit, JET_TABLEID* tableid) {
  if (tableid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  *tableid = JET_tableidNil;
  if ((grbit & ~(kOpenHints | kOpenModes | JET_bitTableReadOnly)) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetOpenTable has no such option");
  }
  if ((grbit & kOpenModes) != 0 || parameter_bytes != 0) {
    return jet_error(JET_errFeatureNotAvailable, "a table is never denied to others by an option");
  }
  const auto database = database_of(session, dbid);
  if (!database.ok()) return database.error();
  return session.read([&](const Now& now) -> Answer {
    auto use = database.value()->catalog().open_table(now.transaction, name);
    if (!use.ok()) return use.error();
    const bool read_only = (grbit & JET_bitTableReadOnly) != 0;
    return add_cursor(session, now, *database.value(), std::move(use).value(), read_only, tableid);
  });
}

Answer dup_cursor(JetSession& session, JetCursor& cursor, JET_TABLEID* tableid, JET_GRBIT grbit) {
  if (tableid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  *tableid = JET_tableidNil;
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetDupCursor has no options");
  return session.read([&](const Now& now) -> Answer {
    const auto table = cursor.definition(now);
    if (!table.ok()) return table.error();
    auto use = cursor.database().catalog().open_table(now.transaction, table.value()->name);
    if (!use.ok()) return use.error();
    return add_cursor(session, now, cursor.database(), std::move(use).value(), cursor.read_only(),
                      tableid);
  });
}

// ---- Deleting and renaming

Answer change_catalog(JetSession& session, JET_DBID dbid,
                      const std::function<Status(Catalog&, OpenTransaction&)>& work) {
  const auto database = database_of(session, dbid);
  if (!database.ok()) return database.error();
  return session.change([&](const Now& now) {
    return answer_of(work(database.value()->catalog(), now.transaction));
  });
}

// ---- What is there

template <class Char>
Answer table_info(JetSession& session, JetCursor& cursor, void* result, std::uint32_t bytes,
                  std::uint32_t level) {
  return session.read([&](const Now& now) -> Answer {
    const auto table = cursor.definition(now);
    if (!table.ok()) return table.error();
    const Table& its = *table.value();
    struct {
      std::uint32_t pages, density;
    } const space{its.initial_pages, its.density};
    switch (level) {
      case JET_TblInfo:
        return answer_of(put_value(object_info(its), result, bytes));
      case JET_TblInfoName:
        if (copy_text(its.name, static_cast<Char*>(result), bytes)) return success();
        return jet_error(JET_errBufferTooSmall, "the table's name is longer");
      case JET_TblInfoDbid:
        return answer_of(put_value(cursor.dbid(), result, bytes));
      case JET_TblInfoSpaceAlloc:
        return answer_of(put_value(space, result, bytes));
      default:
        return jet_error(JET_errInvalidParameter, "tables are not told of on this level");
    }
  });
}

Answer info_of_object(JetSession& session, JET_DBID dbid, JET_OBJTYP type, const std::string& name,
                      void* result, std::uint32_t bytes, std::uint32_t level) {
  const bool one_table = type == JET_objtypTable || type == JET_objtypNil;
  if (level != JET_ObjInfo || !one_table || name.empty()) {
    return jet_error(JET_errFeatureNotAvailable, "of objects, tables are told of one by one");
  }
  const auto database = database_of(session, dbid);
  if (!database.ok()) return database.error();
  return session.read([&](const Now& now) -> Answer {
    const auto use = database.value()->catalog().open_table(now.transaction, name);
    if (!use.ok()) return use.error();
    const auto table = use.value().table().definition(now.transaction);
    if (!table.ok()) return table.error();
    return answer_of(put_value(object_info(*table.value()), result, bytes));
  });
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;
using stillframe::ese::Catalog;
using stillframe::ese::OpenTransaction;

extern "C" {

JET_ERR JET_API JetCreateTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                uint32_t lPages, uint32_t lDensity, JET_TABLEID* ptableid) {
  return in_session(sesid, [&](JetSession& session) {
    return create_empty(session, dbid, utf8(szTableName), lPages, lDensity, ptableid);
  });
}
JET_ERR JET_API JetCreateTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                uint32_t lPages, uint32_t lDensity, JET_TABLEID* ptableid) {
  return in_session(sesid, [&](JetSession& session) {
    return create_empty(session, dbid, utf8(szTableName), lPages, lDensity, ptableid);
  });
}
JET_ERR JET_API JetCreateTableColumnIndexA(JET_SESID sesid, JET_DBID dbid,
                                           JET_TABLECREATE_A* ptablecreate) {
  return in_session(sesid,
                    [&](JetSession& session) { return create_whole(session, dbid, ptablecreate); });
}
JET_ERR JET_API JetCreateTableColumnIndexW(JET_SESID sesid, JET_DBID dbid,
                                           JET_TABLECREATE_W* ptablecreate) {
  return in_session(sesid,
                    [&](JetSession& session) { return create_whole(session, dbid, ptablecreate); });
}
JET_ERR JET_API JetOpenTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName, const void*,
                              uint32_t cbParameters, JET_GRBIT grbit, JET_TABLEID* ptableid) {
  return in_session(sesid, [&](JetSession& session) {
    return open_table(session, dbid, utf8(szTableName), cbParameters, grbit, ptableid);
  });
}
JET_ERR JET_API JetOpenTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName, const void*,
                              uint32_t cbParameters, JET_GRBIT grbit, JET_TABLEID* ptableid) {
  return in_session(sesid, [&](JetSession& session) {
    return open_table(session, dbid, utf8(szTableName), cbParameters, grbit, ptableid);
  });
}
JET_ERR JET_API JetDeleteTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName) {
  return in_session(sesid, [&](JetSession& session) {
    return change_catalog(session, dbid, [&](Catalog& catalog, OpenTransaction& transaction) {
      return catalog.delete_table(transaction, utf8(szTableName));
    });
  });
}
JET_ERR JET_API JetDeleteTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName) {
  return in_session(sesid, [&](JetSession& session) {
    return change_catalog(session, dbid, [&](Catalog& catalog, OpenTransaction& transaction) {
      return catalog.delete_table(transaction, utf8(szTableName));
    });
  });
}
JET_ERR JET_API JetRenameTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szName,
                                JET_PCSTR szNameNew) {
  return in_session(sesid, [&](JetSession& session) {
    return change_catalog(session, dbid, [&](Catalog& catalog, OpenTransaction& transaction) {
      return catalog.rename_table(transaction, utf8(szName), utf8(szNameNew));
    });
  });
}
JET_ERR JET_API JetRenameTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szName,
                                JET_PCWSTR szNameNew) {
  return in_session(sesid, [&](JetSession& session) {
    return change_catalog(session, dbid, [&](Catalog& catalog, OpenTransaction& transaction) {
      return catalog.rename_table(transaction, utf8(szName), utf8(szNameNew));
    });
  });
}
JET_ERR JET_API JetGetTableInfoA(JET_SESID sesid, JET_TABLEID tableid, void* pvResult,
                                 uint32_t cbMax, uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return table_info<char>(session, cursor, pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetTableInfoW(JET_SESID sesid, JET_TABLEID tableid, void* pvResult,
                                 uint32_t cbMax, uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return table_info<char16_t>(session, cursor, pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetObjectInfoA(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp, JET_PCSTR,
                                  JET_PCSTR szObjectName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_of_object(session, dbid, objtyp, utf8(szObjectName), pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetObjectInfoW(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp, JET_PCWSTR,
                                  JET_PCWSTR szObjectName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_of_object(session, dbid, objtyp, utf8(szObjectName), pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetCloseTable(JET_SESID sesid, JET_TABLEID tableid) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor&) {
    session.remove_cursor(tableid);
    return success();
  });
}
JET_ERR JET_API JetDupCursor(JET_SESID sesid, JET_TABLEID tableid, JET_TABLEID* ptableid,
                             JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return dup_cursor(session, cursor, ptableid, grbit);
  });
}

}  // extern "C"
