// Indexes: create, delete, choose, and what there are.
#include "writers/ese/jet/file_info.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/table_definitions.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

Answer create_one(JetSession& session, JetCursor& cursor, const IndexRequest& request) {
  const auto spec = index_spec(request);
  if (!spec.ok()) return spec.error();
  return session.change([&](const Now& now) {
    return answer_of(
        cursor.database().catalog().create_index(now.transaction, cursor.table(), spec.value()));
  });
}

// All of them or none.
template <class Create>
Answer create_several(JetSession& session, JetCursor& cursor, Create* creates,
                      std::uint32_t count) {
  if (creates == nullptr || count == 0) {
    return jet_error(JET_errInvalidParameter, "there are no indexes to make");
  }
  if (Status s = session.begin(false); !s.ok()) return s.error();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto request = index_request(creates[i]);
    const Answer made =
        request.ok() ? create_one(session, cursor, request.value()) : request.error();
    creates[i].err = made.ok() ? made.value() : jet_number(made.error());
    if (made.ok()) continue;
    if (Status s = session.rollback(); !s.ok()) return s.error();
    return made;
  }
  return answer_of(session.commit(session.usual_commit()));
}

Answer delete_index(JetSession& session, JetCursor& cursor, const std::string& name) {
  if (cursor.walk().index() && same_name(cursor.walk().index()->name, name)) {
    return jet_error(JET_errIndexInUse, "the cursor is in the order of index '" + name + "'");
  }
  return session.change([&](const Now& now) {
    return answer_of(
        cursor.database().catalog().delete_index(now.transaction, cursor.table(), name));
  });
}

Answer set_current(JetSession& session, JetCursor& cursor, const std::string& name, JET_GRBIT grbit,
                   std::uint32_t itag) {
  if ((grbit & ~JET_bitNoMove) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetSetCurrentIndex moves to the first row, or not");
  }
  if (itag > 1) {
    return jet_error(JET_errFeatureNotAvailable, "a row is found by its first value in an index");
  }
  return session.read([&](const Now& now) {
    return answer_of(cursor.use_index(now, name, (grbit & JET_bitNoMove) != 0));
  });
}

template <class Char>
Answer get_current(JetSession& session, JetCursor& cursor, Char* name, std::uint32_t bytes) {
  return session.read([&](const Now& now) -> Answer {
    const auto index = cursor.current_index(now);
    const bool none = !index.ok() && jet_number(index.error()) == JET_errNoCurrentIndex;
    if (!index.ok() && !none) return index.error();
    if (copy_text(none ? std::string() : index.value().name, name, bytes)) return success();
    return jet_error(JET_errBufferTooSmall, "the index's name is longer");
  });
}

// ---- What there are

Answer tell(const Table& table, const std::string& name, void* result, std::uint32_t bytes,
            std::uint32_t level) {
  if (level == JET_IdxInfoCount) {
    return answer_of(put_value(static_cast<std::uint32_t>(table.indexes.size()), result, bytes));
  }
  const Index* index = name.empty() ? table.primary_index() : find_index(table, name);
  if (index == nullptr) {
    return jet_error(JET_errIndexNotFound, "table '" + table.name + "' has no such index");
  }
  switch (level) {
    case JET_IdxInfoSpaceAlloc:
      return answer_of(put_value(index->density, result, bytes));
    case JET_IdxInfoLCID:
      return answer_of(put_value(index->lcid, result, bytes));
    case JET_IdxInfoVarSegMac:
      return answer_of(put_value(index->variable_bytes_max, result, bytes));
    case JET_IdxInfoKeyMost:
      return answer_of(put_value(index->key_bytes_max, result, bytes));
    default:
      return jet_error(JET_errInvalidParameter, "indexes are not told of on this level");
  }
}

Answer info_in_table(JetSession& session, JetCursor& cursor, const std::string& name, void* result,
                     std::uint32_t bytes, std::uint32_t level) {
  return session.read([&](const Now& now) -> Answer {
    const auto table = cursor.definition(now);
    if (!table.ok()) return table.error();
    return tell(*table.value(), name, result, bytes, level);
  });
}

Answer info_in_database(JetSession& session, JET_DBID dbid, const std::string& table_name,
                        const std::string& name, void* result, std::uint32_t bytes,
                        std::uint32_t level) {
  const auto database = session.instance().databases().find_open(session.handle(), dbid);
  if (!database.ok()) return database.error();
  return session.read([&](const Now& now) -> Answer {
    const auto use = database.value()->catalog().open_table(now.transaction, table_name);
    if (!use.ok()) return use.error();
    const auto table = use.value().table().definition(now.transaction);
    if (!table.ok()) return table.error();
    return tell(*table.value(), name, result, bytes, level);
  });
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetCreateIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                JET_GRBIT grbit, JET_PCSTR szKey, uint32_t cbKey,
                                uint32_t lDensity) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return create_one(session, cursor, {utf8(szIndexName), list_of(szKey, cbKey), grbit, lDensity});
  });
}
JET_ERR JET_API JetCreateIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                JET_GRBIT grbit, JET_PCWSTR szKey, uint32_t cbKey,
                                uint32_t lDensity) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return create_one(session, cursor, {utf8(szIndexName), list_of(szKey, cbKey), grbit, lDensity});
  });
}
JET_ERR JET_API JetCreateIndex2A(JET_SESID sesid, JET_TABLEID tableid,
                                 JET_INDEXCREATE_A* pindexcreate, uint32_t cIndexCreate) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return create_several(session, cursor, pindexcreate, cIndexCreate);
  });
}
JET_ERR JET_API JetCreateIndex2W(JET_SESID sesid, JET_TABLEID tableid,
                                 JET_INDEXCREATE_W* pindexcreate, uint32_t cIndexCreate) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return create_several(session, cursor, pindexcreate, cIndexCreate);
  });
}
JET_ERR JET_API JetDeleteIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_index(session, cursor, utf8(szIndexName));
  });
}
JET_ERR JET_API JetDeleteIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return delete_index(session, cursor, utf8(szIndexName));
  });
}
JET_ERR JET_API JetSetCurrentIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), 0, 1);
  });
}
JET_ERR JET_API JetSetCurrentIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), 0, 1);
  });
}
JET_ERR JET_API JetSetCurrentIndex2A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                     JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), grbit, 1);
  });
}
JET_ERR JET_API JetSetCurrentIndex2W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                     JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), grbit, 1);
  });
}
JET_ERR JET_API JetSetCurrentIndex3A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                     JET_GRBIT grbit, uint32_t itagSequence) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), grbit, itagSequence);
  });
}
JET_ERR JET_API JetSetCurrentIndex3W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                     JET_GRBIT grbit, uint32_t itagSequence) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_current(session, cursor, utf8(szIndexName), grbit, itagSequence);
  });
}
JET_ERR JET_API JetGetCurrentIndexA(JET_SESID sesid, JET_TABLEID tableid, char* szIndexName,
                                    uint32_t cbIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return get_current(session, cursor, szIndexName, cbIndexName);
  });
}
JET_ERR JET_API JetGetCurrentIndexW(JET_SESID sesid, JET_TABLEID tableid, char16_t* szIndexName,
                                    uint32_t cbIndexName) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return get_current(session, cursor, szIndexName, cbIndexName);
  });
}
JET_ERR JET_API JetGetTableIndexInfoA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                      void* pvResult, uint32_t cbMax, uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return info_in_table(session, cursor, utf8(szIndexName), pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetTableIndexInfoW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                      void* pvResult, uint32_t cbMax, uint32_t InfoLevel) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return info_in_table(session, cursor, utf8(szIndexName), pvResult, cbMax, InfoLevel);
  });
}
JET_ERR JET_API JetGetIndexInfoA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                 JET_PCSTR szIndexName, void* pvResult, uint32_t cbMax,
                                 uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_in_database(session, dbid, utf8(szTableName), utf8(szIndexName), pvResult, cbMax,
                            InfoLevel);
  });
}
JET_ERR JET_API JetGetIndexInfoW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                 JET_PCWSTR szIndexName, void* pvResult, uint32_t cbMax,
                                 uint32_t InfoLevel) {
  return in_session(sesid, [&](JetSession& session) {
    return info_in_database(session, dbid, utf8(szTableName), utf8(szIndexName), pvResult, cbMax,
                            InfoLevel);
  });
}

}  // extern "C"
