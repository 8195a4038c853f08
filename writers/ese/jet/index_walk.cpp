#include "writers/ese/jet/index_walk.hpp"

#include <utility>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::jet {

namespace {

Key copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void IndexWalk::use(std::optional<Index> index) {
  index_ = std::move(index);
  reader_.reset();
  where_ = Where::before_first;
}

BTree& IndexWalk::tree() const {
  return index_ ? table_.index(*index_) : table_.rows();
}

bool IndexWalk::current(const Now& now) const {
  return reader_ != nullptr && serial_ == now.serial && changes_ == now.changes;
}

// A table that a rollback took away has no trees to stand in.
Status IndexWalk::renew(const Now& now) {
  reader_.reset();
  const auto definition = table_.definition(now.transaction);
  if (!definition.ok()) return definition.error();
  reader_ = std::make_unique<BTreeReader>(tree(), now.transaction.state());
  serial_ = now.serial;
  changes_ = now.changes;
  return Ok{};
}

Status IndexWalk::find(const Now& now) {
  if (Status s = renew(now); !s.ok()) return s;
  return reader_->seek({key_, unique() ? Bytes{} : Bytes(row_)});
}

bool IndexWalk::same_entry() const {
  if (reader_->at_end() || compare_bytes(reader_->key(), key_) != 0) return false;
  return !index_ || compare_bytes(reader_->data(), row_) == 0;
}

void IndexWalk::adopt(Where off_the_end) {
  if (reader_->at_end()) {
    where_ = off_the_end;
    return;
  }
  where_ = Where::on;
  const Bytes key = reader_->key(), row = index_ ? reader_->data() : key;
  key_.assign(key.begin(), key.end());
  row_.assign(row.begin(), row.end());
}

Status IndexWalk::first(const Now& now) {
  if (Status s = renew(now); !s.ok()) return s;
  if (Status s = reader_->first(); !s.ok()) return s;
  adopt(Where::after_last);
  return Ok{};
}

Status IndexWalk::last(const Now& now) {
  if (Status s = renew(now); !s.ok()) return s;
  if (Status s = reader_->last(); !s.ok()) return s;
  adopt(Where::before_first);
  return Ok{};
}

Status IndexWalk::next(const Now& now) {
  if (where_ == Where::after_last) return Ok{};
  if (where_ == Where::before_first) return first(now);
  const bool stands = on() && current(now) && same_entry();
  if (!stands) {
    if (Status s = find(now); !s.ok()) return s;
  }
  if (stands || (on() && same_entry())) {
    if (Status s = reader_->next(); !s.ok()) return s;
  }
  adopt(Where::after_last);
  return Ok{};
}

Status IndexWalk::previous(const Now& now) {
  if (where_ == Where::before_first) return Ok{};
  if (where_ == Where::after_last) return last(now);
  const bool stands = on() && current(now) && same_entry();
  if (!stands) {
    if (Status s = find(now); !s.ok()) return s;
  }
  Status moved = reader_->at_end() ? reader_->last() : reader_->previous();
  if (!moved.ok()) return moved;
  adopt(Where::before_first);
  return Ok{};
}

Status IndexWalk::seek(const Now& now, Bytes key) {
  if (Status s = renew(now); !s.ok()) return s;
  if (Status s = reader_->seek({key, {}}); !s.ok()) return s;
  adopt(Where::after_last);
  return Ok{};
}

Status IndexWalk::go_to(const Now& now, const Key& key, const Key& row) {
  key_ = key;
  row_ = row;
  if (Status s = find(now); !s.ok()) return s;
  where_ = same_entry() ? Where::on : Where::beside;
  return Ok{};
}

void IndexWalk::step_beside(Where where) {
  where_ = where;
  reader_.reset();
}

Result<bool> IndexWalk::there(const Now& now) {
  if (!on()) return false;
  if (current(now) && same_entry()) return true;
  if (Status s = find(now); !s.ok()) return s.error();
  return same_entry();
}

Result<std::vector<std::byte>> IndexWalk::record(const Now& now) {
  const auto here = there(now);
  if (!here.ok()) return here.error();
  if (where_ == Where::deleted || (on() && !here.value())) {
    return jet_error(JET_errRecordDeleted, "the row that the cursor is on has been deleted");
  }
  if (!on()) return jet_error(JET_errNoCurrentRecord, "the cursor is on no row");
  if (!index_) return copy_of(reader_->data());
  return TableRows(table_, now.transaction).read(row_);
}

}  // namespace stillframe::ese::jet
