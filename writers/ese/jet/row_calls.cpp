// Rows change: JetPrepareUpdate, JetSetColumn, JetUpdate, JetDelete, JetEscrowUpdate, JetGetLock.
#include <algorithm>
#include <cstring>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/table_definitions.hpp"

namespace stillframe::ese::jet {

namespace {

using CopyKind = CopyBuffer::Kind;

// ---- Preparing

Status prepare_insert(const Now& now, JetSession& session, JetCursor& cursor, std::uint32_t prep) {
  const bool copies = prep != JET_prepInsert;
  const bool moves = prep == JET_prepInsertCopyDeleteOriginal;
  std::vector<std::byte> record;
  Key row;
  if (copies) {
    auto read = cursor.walk().record(now);
    if (!read.ok()) return read.error();
    record = std::move(read).value();
    row = cursor.walk().row();
  }
  if (moves) {
    if (Status s = session.lock_row(now, cursor, row); !s.ok()) return s;
  }
  auto buffer = std::make_unique<CopyBuffer>(moves ? CopyKind::move : CopyKind::insert,
                                             session.level(), row, std::vector<std::byte>());
  if (copies) {
    if (Status s = buffer->copy_from(now, cursor.table(), record, moves); !s.ok()) return s;
  }
  if (Status s = buffer->count(now, cursor.table()); !s.ok()) return s;
  cursor.begin_update(std::move(buffer));
  return Ok{};
}

Status prepare_replace(const Now& now, JetSession& session, JetCursor& cursor, bool locks) {
  auto record = cursor.walk().record(now);
  if (!record.ok()) return record.error();
  const Key row = cursor.walk().row();
  if (locks) {
    if (Status s = session.lock_row(now, cursor, row); !s.ok()) return s;
  }
  cursor.begin_update(std::make_unique<CopyBuffer>(CopyKind::replace, session.level(), row,
                                                   std::move(record).value()));
  return Ok{};
}

Answer prepare(JetSession& session, JetCursor& cursor, std::uint32_t prep) {
  if (prep == JET_prepCancel) {
    if (const auto update = cursor.update(); !update.ok()) return update.error();
    cursor.cancel_update();
    return success();
  }
  if (Status s = cursor.check_writable(); !s.ok()) return s.error();
  if (cursor.preparing()) {
    return jet_error(JET_errAlreadyPrepared, "a row is being prepared; update or cancel it");
  }
  return session.change([&](const Now& now) -> Answer {
    switch (prep) {
      case JET_prepInsert:
      case JET_prepInsertCopy:
      case JET_prepInsertCopyDeleteOriginal:
        return answer_of(prepare_insert(now, session, cursor, prep));
      case JET_prepReplace:
      case JET_prepReplaceNoLock:
        return answer_of(prepare_replace(now, session, cursor, prep == JET_prepReplace));
      default:
        return jet_error(JET_errInvalidParameter, "rows are not prepared in this way");
    }
  });
}

// ---- Setting

Answer set_one(const Now& now, JetCursor& cursor, JET_COLUMNID columnid,
               const SetRequest& request) {
  const auto update = cursor.update();
  if (!update.ok()) return update.error();
  const auto column = cursor.column(now, columnid);
  if (!column.ok()) return column.error();
  return update.value()->set(now, cursor.table(), column.value(), request);
}

Answer set_column(JetSession& session, JetCursor& cursor, JET_COLUMNID columnid, const void* data,
                  std::uint32_t bytes, JET_GRBIT grbit, const JET_SETINFO* info) {
  if (info != nullptr && info->cbStruct != sizeof *info) {
    return jet_error(JET_errInvalidParameter, "a JET_SETINFO is of odd size");
  }
  SetRequest request{bytes_at(data, bytes), bytes, grbit};
  if (info != nullptr) {
    request.offset = info->ibLongValue;
    request.itag = info->itagSequence;
  }
  return session.read([&](const Now& now) { return set_one(now, cursor, columnid, request); });
}

// Each element has a result of its own; the first error is that of the call.
Answer set_columns(JetSession& session, JetCursor& cursor, JET_SETCOLUMN* columns,
                   std::uint32_t count) {
  if (columns == nullptr && count > 0) {
    return jet_error(JET_errInvalidParameter, "there are no columns");
  }
  return session.read([&](const Now& now) -> Answer {
    Answer result = success();
    for (std::uint32_t i = 0; i < count; ++i) {
      JET_SETCOLUMN& each = columns[i];
      const Answer set = set_one(now, cursor, each.columnid,
                                 {bytes_at(each.pvData, each.cbData), each.cbData, each.grbit,
                                  each.ibLongValue, each.itagSequence});
      each.err = set.ok() ? set.value() : jet_number(set.error());
      if (!set.ok()) return set;
      if (set.value() != JET_errSuccess) result = set;
    }
    return result;
  });
}

// ---- Writing

Answer update(JetSession& session, JetCursor& cursor, void* bookmark, std::uint32_t room,
              std::uint32_t* actual) {
  const auto prepared = cursor.update();
  if (!prepared.ok()) return prepared.error();
  if (Status s = cursor.check_writable(); !s.ok()) return s.error();
  CopyBuffer& buffer = *prepared.value();
  Key row;
  const Answer written = session.change([&](const Now& now) -> Answer {
    if (buffer.kind() != CopyKind::insert) {
      if (Status s = session.lock_row(now, cursor, buffer.row()); !s.ok()) return s.error();
    }
    auto done = buffer.write(now, cursor.table());
    if (!done.ok()) return done.error();
    row = std::move(done).value();
    return success();
  });
  if (!written.ok()) return written;
  if (buffer.kind() == CopyKind::move) cursor.walk().step_beside(IndexWalk::Where::deleted);
  cursor.cancel_update();
  if (actual != nullptr) *actual = static_cast<std::uint32_t>(row.size());
  if (bookmark == nullptr || room == 0) return written;
  const std::size_t taken = std::min<std::size_t>(room, row.size());
  std::memcpy(bookmark, row.data(), taken);
  return taken == row.size() ? written : Answer(JET_ERR{JET_wrnBufferTruncated});
}

Answer remove(JetSession& session, JetCursor& cursor) {
  if (Status s = cursor.check_writable(); !s.ok()) return s.error();
  if (cursor.preparing()) {
    return jet_error(JET_errAlreadyPrepared, "a row is being prepared; update or cancel it");
  }
  const Answer removed = session.change([&](const Now& now) -> Answer {
    const auto row = cursor.bookmark(now);
    if (!row.ok()) return row.error();
    if (Status s = session.lock_row(now, cursor, row.value()); !s.ok()) return s.error();
    return answer_of(TableRows(cursor.table(), now.transaction).remove(row.value()));
  });
  if (removed.ok()) cursor.walk().step_beside(IndexWalk::Where::deleted);
  return removed;
}

// ---- Adding

std::int64_t number_of(Bytes bytes) {
  return bytes.size() == sizeof(std::int32_t) ? load_le<std::int32_t>(bytes.data())
                                              : load_le<std::int64_t>(bytes.data());
}

Status check_escrow(const JetSession& session, const JetCursor& cursor, JET_GRBIT grbit) {
  if (grbit == JET_bitEscrowNoRollback) {
    return jet_error(JET_errFeatureNotAvailable, "what is added is taken back by a rollback");
  }
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetEscrowUpdate has no such option");
  if (session.level() == 0) {
    return jet_error(JET_errNotInTransaction, "JetEscrowUpdate is for transactions");
  }
  if (cursor.preparing()) {
    return jet_error(JET_errAlreadyPrepared, "a row is being prepared; update or cancel it");
  }
  return cursor.check_writable();
}

// What the column held before.
Result<Value> add_to_row(const Now& now, JetSession& session, JetCursor& cursor,
                         const Column& column, std::int64_t delta) {
  const auto row = cursor.bookmark(now);
  if (!row.ok()) return row.error();
  TableRows rows(cursor.table(), now.transaction);
  const auto record = rows.read(row.value());
  if (!record.ok()) return record.error();
  auto before = rows.values(record.value(), column);
  if (!before.ok()) return before.error();
  // Others may add at the same time, but not while one prepares the row.
  const RowLocks::Row lock{cursor.table().database().id, cursor.table().objid(), row.value()};
  Status free = session.instance().row_locks().check(session.handle(), lock);
  if (!free.ok()) return free.error();
  if (Status s = rows.add(row.value(), column, delta); !s.ok()) return s.error();
  return before.value().empty() ? Value(column.size) : std::move(before.value().front());
}

Answer escrow(JetSession& session, JetCursor& cursor, JET_COLUMNID columnid, Bytes delta, void* old,
              std::uint32_t old_room, std::uint32_t* old_actual, JET_GRBIT grbit) {
  if (Status s = check_escrow(session, cursor, grbit); !s.ok()) return s.error();
  return session.change([&](const Now& now) -> Answer {
    const auto column = cursor.column(now, columnid);
    if (!column.ok()) return column.error();
    if ((column.value().flags & kColumnEscrow) == 0) {
      return jet_error(JET_errInvalidOperation, "the column is not one to add to");
    }
    if (delta.size() != column.value().size || (old != nullptr && old_room < delta.size())) {
      return jet_error(JET_errInvalidBufferSize, "the column's numbers have another size");
    }
    const auto before = add_to_row(now, session, cursor, column.value(), number_of(delta));
    if (!before.ok()) return before.error();
    if (old != nullptr) std::memcpy(old, before.value().data(), before.value().size());
    if (old_actual != nullptr) *old_actual = column.value().size;
    return success();
  });
}

Answer get_lock(JetSession& session, JetCursor& cursor, JET_GRBIT grbit) {
  if (grbit == JET_bitReadLock) {
    return jet_error(JET_errFeatureNotAvailable,
                     "what a transaction reads stays as it is: there is nothing to lock");
  }
  if (grbit != JET_bitWriteLock) return jet_error(JET_errInvalidGrbit, "which lock is not said");
  if (session.level() == 0) {
    return jet_error(JET_errNotInTransaction, "a lock lasts as long as its transaction");
  }
  if (Status s = cursor.check_writable(); !s.ok()) return s.error();
  return session.change([&](const Now& now) -> Answer {
    const auto row = cursor.bookmark(now);
    if (!row.ok()) return row.error();
    return answer_of(session.lock_row(now, cursor, row.value()));
  });
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetPrepareUpdate(JET_SESID sesid, JET_TABLEID tableid, uint32_t prep) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return prepare(session, cursor, prep);
  });
}

JET_ERR JET_API JetSetColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                             const void* pvData, uint32_t cbData, JET_GRBIT grbit,
                             JET_SETINFO* psetinfo) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_column(session, cursor, columnid, pvData, cbData, grbit, psetinfo);
  });
}

JET_ERR JET_API JetSetColumns(JET_SESID sesid, JET_TABLEID tableid, JET_SETCOLUMN* psetcolumn,
                              uint32_t csetcolumn) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return set_columns(session, cursor, psetcolumn, csetcolumn);
  });
}

JET_ERR JET_API JetUpdate(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                          uint32_t cbBookmark, uint32_t* pcbActual) {
  return JetUpdate2(sesid, tableid, pvBookmark, cbBookmark, pcbActual, 0);
}

JET_ERR JET_API JetUpdate2(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                           uint32_t cbBookmark, uint32_t* pcbActual, JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) -> Answer {
    if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetUpdate2 has no such option");
    return update(session, cursor, pvBookmark, cbBookmark, pcbActual);
  });
}

JET_ERR JET_API JetDelete(JET_SESID sesid, JET_TABLEID tableid) {
  return in_table(sesid, tableid,
                  [](JetSession& session, JetCursor& cursor) { return remove(session, cursor); });
}

JET_ERR JET_API JetEscrowUpdate(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                                void* pv, uint32_t cbMax, void* pvOld, uint32_t cbOldMax,
                                uint32_t* pcbOldActual, JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return escrow(session, cursor, columnid, bytes_at(pv, cbMax), pvOld, cbOldMax, pcbOldActual,
                  grbit);
  });
}

JET_ERR JET_API JetGetLock(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return get_lock(session, cursor, grbit);
  });
}

}  // extern "C"
