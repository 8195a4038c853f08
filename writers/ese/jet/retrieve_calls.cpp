// JetRetrieveColumn and JetRetrieveColumns.
#include <algorithm>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/row_source.hpp"

namespace stillframe::ese::jet {

namespace {

// Where a value comes from makes no difference here: an index and a bookmark are of the same row.
constexpr JET_GRBIT kSources = JET_bitRetrieveFromIndex | JET_bitRetrieveFromPrimaryBookmark;
constexpr JET_GRBIT kRetrieveBits =
    JET_bitRetrieveCopy | JET_bitRetrieveIgnoreDefault | JET_bitRetrieveNull | kSources;

struct Wanted {
  JET_COLUMNID columnid = 0;
  void* to = nullptr;
  std::uint32_t room = 0;
  JET_GRBIT grbit = 0;
  std::uint32_t offset = 0;
  std::uint32_t itag = 1;
};

Status check(JET_GRBIT grbit) {
  if ((grbit & JET_bitRetrieveTag) != 0) {
    return jet_error(JET_errFeatureNotAvailable,
                     "an entry does not say which value of its row it is of");
  }
  if ((grbit & ~kRetrieveBits) == 0) return Ok{};
  return jet_error(JET_errInvalidGrbit, "JetRetrieveColumn has no such option");
}

// What of the value lies from the offset on, as far as there is room.
JET_ERR put(const Value& value, const Wanted& wanted, std::uint32_t& actual) {
  const std::size_t from = std::min<std::size_t>(wanted.offset, value.size());
  const std::size_t left = value.size() - from;
  actual = static_cast<std::uint32_t>(left);
  const std::size_t taken = wanted.to == nullptr ? 0 : std::min<std::size_t>(left, wanted.room);
  std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(from), taken,
              static_cast<std::byte*>(wanted.to));
  return taken == left ? JET_errSuccess : JET_wrnBufferTruncated;
}

Answer retrieve_one(const Now& now, JetCursor& cursor, const RowSource& row, const Wanted& wanted,
                    std::uint32_t& actual) {
  actual = 0;
  if (Status s = check(wanted.grbit); !s.ok()) return s.error();
  const auto column = cursor.column(now, wanted.columnid);
  if (!column.ok()) return column.error();
  const auto values =
      row.values(column.value(), (wanted.grbit & JET_bitRetrieveIgnoreDefault) != 0);
  if (!values.ok()) return values.error();
  if (wanted.itag > values.value().size()) return JET_ERR{JET_wrnColumnNull};
  return put(values.value()[wanted.itag - 1], wanted, actual);
}

Answer retrieve_column(JetSession& session, JetCursor& cursor, const Wanted& wanted,
                       std::uint32_t* actual) {
  if (wanted.itag == 0) return jet_error(JET_errBadItagSequence, "values are counted from 1");
  return session.read([&](const Now& now) -> Answer {
    const auto row = RowSource::of(now, cursor, (wanted.grbit & JET_bitRetrieveCopy) != 0);
    if (!row.ok()) return row.error();
    std::uint32_t bytes = 0;
    const Answer done = retrieve_one(now, cursor, row.value(), wanted, bytes);
    if (done.ok() && actual != nullptr) *actual = bytes;
    return done;
  });
}

Answer count_values(const Now& now, JetCursor& cursor, const RowSource& row,
                    JET_RETRIEVECOLUMN& each) {
  const auto column = cursor.column(now, each.columnid);
  if (!column.ok()) return column.error();
  const auto values = row.values(column.value(), (each.grbit & JET_bitRetrieveIgnoreDefault) != 0);
  if (!values.ok()) return values.error();
  each.itagSequence = static_cast<std::uint32_t>(values.value().size());
  each.cbActual = 0;
  return success();
}

// Each element has a result of its own. What is null or does not fit is no error of the call.
Answer retrieve_columns(JetSession& session, JetCursor& cursor, JET_RETRIEVECOLUMN* columns,
                        std::uint32_t count) {
  if (columns == nullptr && count > 0) {
    return jet_error(JET_errInvalidParameter, "there are no columns");
  }
  return session.read([&](const Now& now) -> Answer {
    Answer result = success();
    for (std::uint32_t i = 0; i < count; ++i) {
      JET_RETRIEVECOLUMN& each = columns[i];
      const auto row = RowSource::of(now, cursor, (each.grbit & JET_bitRetrieveCopy) != 0);
      if (!row.ok()) return row.error();
      const Answer done = each.itagSequence == 0
                              ? count_values(now, cursor, row.value(), each)
                              : retrieve_one(now, cursor, row.value(),
                                             {each.columnid, each.pvData, each.cbData, each.grbit,
                                              each.ibLongValue, each.itagSequence},
                                             each.cbActual);
      each.err = done.ok() ? done.value() : jet_number(done.error());
      each.columnidNextTagged = each.columnid;
      if (!done.ok()) return done;
      if (done.value() == JET_wrnBufferTruncated) result = done;
    }
    return result;
  });
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetRetrieveColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                                  void* pvData, uint32_t cbData, uint32_t* pcbActual,
                                  JET_GRBIT grbit, JET_RETINFO* pretinfo) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) -> Answer {
    Wanted wanted{columnid, pvData, cbData, grbit};
    if (pretinfo != nullptr) {
      if (pretinfo->cbStruct != sizeof *pretinfo) {
        return jet_error(JET_errInvalidParameter, "a JET_RETINFO is of odd size");
      }
      wanted.offset = pretinfo->ibLongValue;
      wanted.itag = pretinfo->itagSequence;
      pretinfo->columnidNextTagged = columnid;
    }
    return retrieve_column(session, cursor, wanted, pcbActual);
  });
}

JET_ERR JET_API JetRetrieveColumns(JET_SESID sesid, JET_TABLEID tableid,
                                   JET_RETRIEVECOLUMN* pretrievecolumn, uint32_t cretrievecolumn) {
  return in_table(sesid, tableid, [&](JetSession& session, JetCursor& cursor) {
    return retrieve_columns(session, cursor, pretrievecolumn, cretrievecolumn);
  });
}

}  // extern "C"
