// Where a cursor stands: move, seek, ranges, bookmarks, positions.
#include <algorithm>
#include <functional>
#include <limits>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/table_definitions.hpp"

namespace stillframe::ese::jet {

namespace {

using Reading = std::function<Answer(const Now&, JetCursor&)>;

JET_ERR reading(JET_SESID sesid, JET_TABLEID tableid, const Reading& call) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return session.read([&](const Now& now) { return call(now, cursor); });
  });
}

// As much as there is room for; `too_small` if that is not all.
Answer put_bytes(const Key& from, void* to, std::uint32_t room, std::uint32_t* actual,
                 JET_ERR too_small) {
  if (actual != nullptr) *actual = static_cast<std::uint32_t>(from.size());
  const std::size_t taken = to == nullptr ? 0 : std::min<std::size_t>(from.size(), room);
  std::copy_n(from.begin(), taken, static_cast<std::byte*>(to));
  if (taken == from.size()) return success();
  if (too_small > 0) return JET_ERR{too_small};
  return jet_error(too_small, "the buffer is smaller than the " + std::to_string(from.size()) +
                                  " bytes that go there");
}

Answer retrieve_key(const Now& now, JetCursor& cursor, void* to, std::uint32_t room,
                    std::uint32_t* actual, JET_GRBIT grbit) {
  if ((grbit & ~JET_bitRetrieveCopy) != 0) {
    return jet_error(JET_errInvalidGrbit,
                     "a key is of the entry, or with JET_bitRetrieveCopy "
                     "the one to search with");
  }
  if (grbit != 0) {
    if (cursor.search_key().made()) {
      return put_bytes(cursor.search_key().bytes(), to, room, actual, JET_wrnBufferTruncated);
    }
    return jet_error(JET_errKeyNotMade, "there is no key to search with");
  }
  const auto row = cursor.bookmark(now);
  if (!row.ok()) return row.error();
  return put_bytes(cursor.walk().key(), to, room, actual, JET_wrnBufferTruncated);
}

// ---- Positions: by walking, so they are exact, and take as long.

Result<JET_RECPOS> position_of(const Now& now, JetCursor& cursor) {
  if (const auto row = cursor.bookmark(now); !row.ok()) return row.error();
  JET_RECPOS result{};
  result.cbStruct = sizeof result;
  IndexWalk walk(cursor.table());
  walk.use(cursor.walk().index());
  Status moved = walk.first(now);
  for (; moved.ok() && walk.on(); moved = walk.next(now)) {
    ++result.centriesTotal;
    const auto order = compare_bytes(walk.key(), cursor.walk().key());
    if (order < 0) ++result.centriesLT;
    if (order == 0) ++result.centriesInRange;
  }
  if (!moved.ok()) return moved.error();
  return result;
}

Answer go_to_position(const Now& now, JetCursor& cursor, const JET_RECPOS* wanted) {
  if (wanted == nullptr || wanted->cbStruct != sizeof *wanted ||
      wanted->centriesLT > wanted->centriesTotal) {
    return jet_error(JET_errInvalidParameter, "the position is missing or makes no sense");
  }
  IndexWalk walk(cursor.table());
  walk.use(cursor.walk().index());
  std::uint64_t total = 0;
  Status moved = walk.first(now);
  for (; moved.ok() && walk.on(); moved = walk.next(now)) ++total;
  if (!moved.ok()) return moved.error();
  if (total == 0) return jet_error(JET_errRecordNotFound, "there are no rows");
  const std::uint64_t before =
      wanted->centriesTotal == 0 ? 0 : total * wanted->centriesLT / wanted->centriesTotal;
  cursor.forget_range();
  const Answer first = cursor.move(now, JET_MoveFirst, 0);
  const auto steps = static_cast<std::int32_t>(std::min(before, total - 1));
  return first.ok() && steps > 0 ? cursor.move(now, steps, 0) : first;
}

Answer secondary_bookmark(const Now& now, JetCursor& cursor, void* key, std::uint32_t key_room,
                          std::uint32_t* key_bytes, void* row, std::uint32_t row_room,
                          std::uint32_t* row_bytes) {
  if (!cursor.walk().index()) {
    return jet_error(JET_errNoCurrentIndex, "the cursor is in the order of its rows");
  }
  const auto name = cursor.bookmark(now);
  if (!name.ok()) return name.error();
  const Answer first =
      put_bytes(cursor.walk().key(), key, key_room, key_bytes, JET_errBufferTooSmall);
  const Answer second = put_bytes(name.value(), row, row_room, row_bytes, JET_errBufferTooSmall);
  return first.ok() ? second : first;
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;
using stillframe::Status;
using stillframe::ese::Key;

extern "C" {

JET_ERR JET_API JetMove(JET_SESID sesid, JET_TABLEID tableid, int32_t cRow, JET_GRBIT grbit) {
  return reading(sesid, tableid,
                 [&](const Now& now, JetCursor& cursor) { return cursor.move(now, cRow, grbit); });
}

JET_ERR JET_API JetMakeKey(JET_SESID sesid, JET_TABLEID tableid, const void* pvData,
                           uint32_t cbData, JET_GRBIT grbit) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    const auto table = cursor.definition(now);
    if (!table.ok()) return table.error();
    const auto index = cursor.current_index(now);
    if (!index.ok()) return index.error();
    return answer_of(
        cursor.search_key().add(*table.value(), index.value(), bytes_at(pvData, cbData), grbit));
  });
}

JET_ERR JET_API JetSeek(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit) {
  return reading(sesid, tableid,
                 [&](const Now& now, JetCursor& cursor) { return cursor.seek(now, grbit); });
}

JET_ERR JET_API JetSetIndexRange(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit) {
  return reading(sesid, tableid,
                 [&](const Now& now, JetCursor& cursor) { return cursor.set_range(now, grbit); });
}

JET_ERR JET_API JetRetrieveKey(JET_SESID sesid, JET_TABLEID tableid, void* pvKey, uint32_t cbMax,
                               uint32_t* pcbActual, JET_GRBIT grbit) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) {
    return retrieve_key(now, cursor, pvKey, cbMax, pcbActual, grbit);
  });
}

JET_ERR JET_API JetGetBookmark(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                               uint32_t cbMax, uint32_t* pcbActual) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    const auto row = cursor.bookmark(now);
    if (!row.ok()) return row.error();
    return put_bytes(row.value(), pvBookmark, cbMax, pcbActual, JET_errBufferTooSmall);
  });
}

JET_ERR JET_API JetGotoBookmark(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                                uint32_t cbBookmark) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    if (pvBookmark == nullptr || cbBookmark == 0) {
      return jet_error(JET_errInvalidBookmark, "there is no bookmark");
    }
    return answer_of(cursor.go_to_row(now, bytes_at(pvBookmark, cbBookmark)));
  });
}

JET_ERR JET_API JetGetSecondaryIndexBookmark(JET_SESID sesid, JET_TABLEID tableid,
                                             void* pvSecondaryKey, uint32_t cbSecondaryKeyMax,
                                             uint32_t* pcbSecondaryKeyActual,
                                             void* pvPrimaryBookmark, uint32_t cbPrimaryBookmarkMax,
                                             uint32_t* pcbPrimaryBookmarkActual, JET_GRBIT grbit) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    if (grbit != 0) return jet_error(JET_errInvalidGrbit, "this bookmark has no options");
    return secondary_bookmark(now, cursor, pvSecondaryKey, cbSecondaryKeyMax, pcbSecondaryKeyActual,
                              pvPrimaryBookmark, cbPrimaryBookmarkMax, pcbPrimaryBookmarkActual);
  });
}

JET_ERR JET_API JetGotoSecondaryIndexBookmark(JET_SESID sesid, JET_TABLEID tableid,
                                              void* pvSecondaryKey, uint32_t cbSecondaryKey,
                                              void* pvPrimaryBookmark, uint32_t cbPrimaryBookmark,
                                              JET_GRBIT grbit) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    if (grbit != 0) return jet_error(JET_errInvalidGrbit, "this bookmark has no options");
    if (!cursor.walk().index()) {
      return jet_error(JET_errNoCurrentIndex, "the cursor is in the order of its rows");
    }
    return answer_of(cursor.go_to_entry(now, bytes_at(pvSecondaryKey, cbSecondaryKey),
                                        bytes_at(pvPrimaryBookmark, cbPrimaryBookmark)));
  });
}

JET_ERR JET_API JetIndexRecordCount(JET_SESID sesid, JET_TABLEID tableid, uint32_t* pcrec,
                                    uint32_t crecMax) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    if (pcrec == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
    const std::uint32_t most = crecMax == 0 ? std::numeric_limits<std::uint32_t>::max() : crecMax;
    const auto counted = cursor.count(now, most);
    if (!counted.ok()) return counted.error();
    *pcrec = counted.value();
    return success();
  });
}

JET_ERR JET_API JetGetRecordPosition(JET_SESID sesid, JET_TABLEID tableid, JET_RECPOS* precpos,
                                     uint32_t cbRecpos) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) -> Answer {
    if (precpos == nullptr || cbRecpos != sizeof *precpos) {
      return jet_error(JET_errInvalidParameter, "a JET_RECPOS is missing or of odd size");
    }
    const auto position = position_of(now, cursor);
    if (!position.ok()) return position.error();
    *precpos = position.value();
    return success();
  });
}

JET_ERR JET_API JetGotoPosition(JET_SESID sesid, JET_TABLEID tableid, JET_RECPOS* precpos) {
  return reading(sesid, tableid, [&](const Now& now, JetCursor& cursor) {
    return go_to_position(now, cursor, precpos);
  });
}

}  // extern "C"
