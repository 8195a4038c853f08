#include "writers/ese/jet/jet_cursor.hpp"

#include <utility>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kSeekKinds =
    JET_bitSeekEQ | JET_bitSeekLT | JET_bitSeekLE | JET_bitSeekGE | JET_bitSeekGT;

Error no_row() {
  return jet_error(JET_errNoCurrentRecord, "there is no row in that direction");
}

}  // namespace

Status JetCursor::check_writable() const {
  if (!read_only_) return Ok{};
  return jet_error(JET_errPermissionDenied, "the table was opened to be read only");
}

Result<Column> JetCursor::column(const Now& now, JET_COLUMNID columnid) const {
  if (columnid == 0 || columnid > 0xFFFF) {
    return jet_error(JET_errBadColumnId, "there is no column of this number");
  }
  const auto table = definition(now);
  if (!table.ok()) return table.error();
  const Column* found =
      table.value()->find_column(ColumnId{static_cast<std::uint16_t>(columnid)}, false);
  if (found != nullptr && found->type != ColumnType::none) return *found;
  return jet_error(JET_errColumnNotFound,
                   "table '" + table.value()->name + "' has no column of this number");
}

Result<Index> JetCursor::current_index(const Now& now) const {
  if (walk_.index()) return *walk_.index();
  const auto table = definition(now);
  if (!table.ok()) return table.error();
  if (const Index* primary = table.value()->primary_index()) return *primary;
  return jet_error(JET_errNoCurrentIndex,
                   "the rows of table '" + table.value()->name + "' are in no order of columns");
}

Status JetCursor::use_index(const Now& now, std::string_view name, bool stay) {
  const auto table = definition(now);
  if (!table.ok()) return table.error();
  const Index* index = name.empty() ? nullptr : find_index(*table.value(), name);
  if (index == nullptr && !name.empty()) {
    return jet_error(JET_errIndexNotFound, "table '" + table.value()->name + "' has no index '" +
                                               std::string(name) + "'");
  }
  std::optional<Key> row;
  if (stay) {
    auto here = bookmark(now);
    if (!here.ok()) return here.error();
    row = std::move(here).value();
  }
  const bool primary = index == nullptr || index->primary();
  walk_.use(primary ? std::nullopt : std::optional(*index));
  range_.reset();
  moved();
  if (row) return go_to_row(now, *row);
  Status first = walk_.first(now);
  if (first.ok() && !walk_.on()) walk_.leave_first();
  return first;
}

// ---- Moving

void JetCursor::moved() {
  search_key_.clear();
  update_.reset();
}

bool JetCursor::within_range(const Key& key) const {
  if (!range_) return true;
  const auto order = compare_bytes(key, range_->key);
  if (order == 0) return range_->inclusive;
  return range_->upper ? order < 0 : order > 0;
}

// What is off the end of a range is off the end; its limit is where the way back begins, and where
// the way goes on once the range is gone.
Status JetCursor::step(const Now& now, bool forward) {
  if (Status s = forward ? walk_.next(now) : walk_.previous(now); !s.ok()) return s;
  if (!walk_.on()) return no_row();
  const bool limited = range_ && range_->upper == forward;
  if (!limited || within_range(walk_.key())) return Ok{};
  if (!forward) {
    if (Status s = walk_.next(now); !s.ok()) return s;
  }
  walk_.step_beside();
  return no_row();
}

Status JetCursor::move_by(const Now& now, std::int32_t rows, bool to_other_key) {
  const bool forward = rows > 0;
  for (std::int64_t left = forward ? rows : -std::int64_t{rows}; left > 0; --left) {
    const std::optional<Key> from = walk_.on() ? std::optional(walk_.key()) : std::nullopt;
    do {
      if (Status s = step(now, forward); !s.ok()) return s;
    } while (to_other_key && from && walk_.key() == *from);
  }
  return Ok{};
}

Answer JetCursor::move(const Now& now, std::int32_t rows, JET_GRBIT grbit) {
  if ((grbit & ~JET_bitMoveKeyNE) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetMove knows JET_bitMoveKeyNE only");
  }
  if (rows == 0)
    return answer_of([&]() -> Status {
      const auto row = walk_.record(now);
      return row.ok() ? Status(Ok{}) : row.error();
    }());
  update_.reset();
  search_key_.clear();
  Status done = Ok{};
  if (rows == JET_MoveFirst || rows == JET_MoveLast) {
    range_.reset();
    const bool first = rows == JET_MoveFirst;
    done = first ? walk_.first(now) : walk_.last(now);
    if (done.ok() && !walk_.on()) {
      first ? walk_.leave_first() : walk_.leave_last();
      done = no_row();
    }
  } else {
    done = move_by(now, rows, (grbit & JET_bitMoveKeyNE) != 0);
  }
  return answer_of(done);
}

// To the last entry below `key`, or not above it. Whether it has that very key.
Result<bool> JetCursor::find_not_above(const Now& now, const Key& key, bool or_equal) {
  Key behind = key;
  if (or_equal) behind.push_back(std::byte{0});  // the lowest key above
  if (Status s = walk_.seek(now, behind); !s.ok()) return s.error();
  Status back = walk_.on() ? walk_.previous(now) : walk_.last(now);
  if (!back.ok()) return back.error();
  return walk_.on() && walk_.key() == key;
}

Answer JetCursor::find_key(const Now& now, JET_GRBIT how) {
  const Key key = search_key_.bytes();
  const bool below = (how & (JET_bitSeekLT | JET_bitSeekLE)) != 0;
  bool equal = false;
  if (below) {
    const auto found = find_not_above(now, key, (how & JET_bitSeekLE) != 0);
    if (!found.ok()) return found.error();
    equal = found.value();
  } else {
    Key from = key;
    if ((how & JET_bitSeekGT) != 0) from.push_back(std::byte{0});
    if (Status s = walk_.seek(now, from); !s.ok()) return s.error();
    equal = walk_.on() && walk_.key() == key;
  }
  const bool found = walk_.on() && (how != JET_bitSeekEQ || equal);
  if (!found) {
    if (walk_.on()) walk_.step_beside();
    return jet_error(JET_errRecordNotFound, "there is no such key");
  }
  const bool wants_equal = how == JET_bitSeekGE || how == JET_bitSeekLE;
  return JET_ERR{wants_equal && !equal ? JET_wrnSeekNotEqual : JET_errSuccess};
}

Answer JetCursor::seek(const Now& now, JET_GRBIT grbit) {
  const JET_GRBIT how = grbit & kSeekKinds;
  const JET_GRBIT more = grbit & ~kSeekKinds;
  const bool only_equal = more == 0 || how == JET_bitSeekEQ;
  if (how == 0 || (how & (how - 1)) != 0 || !only_equal ||
      (more & ~(JET_bitSetIndexRange | JET_bitCheckUniqueness)) != 0) {
    return jet_error(JET_errInvalidGrbit, "the options of JetSeek do not go together");
  }
  if (!search_key_.made()) {
    return jet_error(JET_errKeyNotMade, "JetSeek searches with a key of JetMakeKey");
  }
  range_.reset();
  update_.reset();
  const Key key = search_key_.bytes();
  Answer found = find_key(now, how);
  if (!found.ok()) return found;
  search_key_.clear();
  if ((more & JET_bitSetIndexRange) != 0) range_ = Range{key, true, true};
  if ((more & JET_bitCheckUniqueness) == 0) return found;
  IndexWalk behind = IndexWalk(table());
  behind.use(walk_.index());
  if (Status s = behind.go_to(now, walk_.key(), walk_.row()); !s.ok()) return s.error();
  if (Status s = behind.next(now); !s.ok()) return s.error();
  const bool one = !behind.on() || behind.key() != key;
  return one ? Answer(JET_ERR{JET_wrnUniqueKey}) : found;
}

Answer JetCursor::set_range(const Now& now, JET_GRBIT grbit) {
  constexpr JET_GRBIT kBits = JET_bitRangeInclusive | JET_bitRangeUpperLimit |
                              JET_bitRangeInstantDuration | JET_bitRangeRemove;
  const bool remove = (grbit & JET_bitRangeRemove) != 0;
  if ((grbit & ~kBits) != 0 || (remove && grbit != JET_bitRangeRemove)) {
    return jet_error(JET_errInvalidGrbit, "the options of JetSetIndexRange do not go together");
  }
  if (remove) {
    if (!range_) return jet_error(JET_errInvalidOperation, "there is no range to remove");
    range_.reset();
    return success();
  }
  if (const auto index = current_index(now); !index.ok()) return index.error();
  if (!search_key_.made()) {
    return jet_error(JET_errKeyNotMade, "a range ends at a key of JetMakeKey");
  }
  range_ = Range{search_key_.bytes(), (grbit & JET_bitRangeUpperLimit) != 0,
                 (grbit & JET_bitRangeInclusive) != 0};
  search_key_.clear();
  Status inside = Ok{};
  if (walk_.on()) {
    if (!within_range(walk_.key())) inside = no_row();
  } else {
    inside = step(now, range_->upper);
  }
  if ((grbit & JET_bitRangeInstantDuration) != 0) range_.reset();
  return answer_of(inside);
}

Status JetCursor::go_to_row(const Now& now, Bytes row) {
  TableRows rows(table(), now.transaction);
  const auto record = rows.read(row);
  if (!record.ok()) return jet_error(JET_errRecordDeleted, "there is no row of this bookmark");
  const Key name(row.begin(), row.end());
  range_.reset();
  moved();
  if (!walk_.index()) return walk_.go_to(now, name, name);
  const auto table = definition(now);
  if (!table.ok()) return table.error();
  const auto keys = rows.keys(*table.value(), *walk_.index(), record.value());
  if (!keys.ok()) return keys.error();
  if (keys.value().empty()) {
    return jet_error(JET_errNoCurrentRecord, "the row is not in the current index");
  }
  return walk_.go_to(now, keys.value().front(), name);
}

Status JetCursor::go_to_entry(const Now& now, Bytes key, Bytes row) {
  range_.reset();
  moved();
  Status done = walk_.go_to(now, {key.begin(), key.end()}, {row.begin(), row.end()});
  if (!done.ok() || walk_.on()) return done;
  return jet_error(JET_errRecordDeleted, "the index has no such entry");
}

Result<Key> JetCursor::bookmark(const Now& now) {
  const auto record = walk_.record(now);
  if (!record.ok()) return record.error();
  return walk_.row();
}

Result<std::uint32_t> JetCursor::count(const Now& now, std::uint32_t most) {
  if (const auto record = walk_.record(now); !record.ok()) return record.error();
  const Key key = walk_.key(), row = walk_.row();
  const bool forward = !range_ || range_->upper;
  std::uint32_t counted = 1;
  Status moved = Ok{};
  while (counted < most && (moved = step(now, forward)).ok()) ++counted;
  const bool ended = !moved.ok() && jet_number(moved.error()) == JET_errNoCurrentRecord;
  if (!moved.ok() && !ended) return moved.error();
  if (Status s = walk_.go_to(now, key, row); !s.ok()) return s.error();
  return counted;
}

// ---- Preparing a row

Result<CopyBuffer*> JetCursor::update() {
  if (update_ != nullptr) return update_.get();
  return jet_error(JET_errUpdateNotPrepared, "no row is being prepared; call JetPrepareUpdate");
}

void JetCursor::cancel_update(std::uint8_t from_level) {
  if (update_ != nullptr && update_->level() >= from_level && from_level > 0) update_.reset();
}

void JetCursor::lower_update(std::uint8_t level) {
  if (update_ != nullptr) update_->lower(level);
}

}  // namespace stillframe::ese::jet
