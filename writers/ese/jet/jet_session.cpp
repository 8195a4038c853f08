#include "writers/ese/jet/jet_session.hpp"

#include <algorithm>
#include <limits>

#include "writers/ese/jet/handles.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr unsigned kSessionShift = 32;  // of a table's handle: the session's in the upper half

Error not_in_transaction() {
  return jet_error(JET_errNotInTransaction, "the session is in no transaction");
}

}  // namespace

Status JetSession::enter_any_thread() {
  if (!busy_.test_and_set(std::memory_order_acquire)) return Ok{};
  return jet_error(JET_errSessionSharingViolation, "another thread is using the session");
}

Status JetSession::enter() {
  if (Status s = enter_any_thread(); !s.ok()) return s;
  const auto here = std::this_thread::get_id();
  const bool foreign_context = context_ && context_thread_ != here;
  const bool own = owner_context_ ? context_ == owner_context_ : owner_ == here;
  if (!foreign_context && (!transaction_ || own)) return Ok{};
  leave();
  return jet_error(JET_errSessionSharingViolation,
                   "the session's transaction belongs to another thread");
}

// Also by a thread that does not own the transaction yet: this is how it comes to do so.
Status JetSession::set_context(JET_API_PTR context) {
  if (context_) {
    return jet_error(JET_errSessionContextAlreadySet, "the session has a context");
  }
  if (transaction_ && owner_context_ != context) {
    return jet_error(JET_errSessionSharingViolation,
                     "the session's transaction was begun in another context");
  }
  context_ = context;
  context_thread_ = std::this_thread::get_id();
  return Ok{};
}

Status JetSession::reset_context() {
  if (!context_ || context_thread_ != std::this_thread::get_id()) {
    return jet_error(JET_errSessionContextNotSetByThisThread,
                     "this thread has set no context for the session");
  }
  context_.reset();
  return Ok{};
}

// ---- Transactions

void JetSession::transaction_ended() {
  transaction_.reset();
  read_only_ = false;
  instance_->row_locks().release(handle_);
}

Status JetSession::lock_row(const Now& now, const JetCursor& cursor, const Key& row) {
  const TableObject& table = cursor.table();
  const NodeName name{table.database().id, table.objid(), row};
  Status free =
      table.database().versions.may_change(name, VersionOper::replace, now.transaction.state());
  if (!free.ok()) return free;
  RowLocks& locks = instance_->row_locks();
  const RowLocks::Row key{table.database().id, table.objid(), row};
  return transaction_ ? locks.take(handle_, key) : locks.check(handle_, key);
}

Status JetSession::begin(bool read_only) {
  if (transaction_) return transaction_->begin_level();
  transaction_ = session_->begin();
  ++serial_;
  read_only_ = read_only;
  owner_ = std::this_thread::get_id();
  owner_context_ = context_;
  return Ok{};
}

Status JetSession::commit(CommitMode mode) {
  if (!transaction_) return not_in_transaction();
  const std::uint8_t below = static_cast<std::uint8_t>(transaction_->level() - 1);
  Status done = transaction_->commit(mode);
  if (!transaction_->open()) transaction_ended();
  if (!done.ok()) return done;
  for (auto& [number, opened] : cursors_) {
    opened.level = std::min(opened.level, below);
    opened.cursor->lower_update(below);
  }
  return Ok{};
}

void JetSession::forget_level(std::uint8_t level) {
  std::erase_if(cursors_, [&](const auto& each) { return each.second.level >= level; });
  for (auto& [number, opened] : cursors_) opened.cursor->cancel_update(level);
}

Status JetSession::rollback() {
  if (!transaction_) return not_in_transaction();
  forget_level(transaction_->level());
  ++changes_;
  Status done = transaction_->rollback();
  if (!done.ok()) {
    return Error(done.error().code(), done.error().what(), JET_errRollbackError);
  }
  if (!transaction_->open()) transaction_ended();
  return Ok{};
}

Status JetSession::rollback_all() {
  if (!transaction_) return not_in_transaction();
  while (transaction_) {
    if (Status s = rollback(); !s.ok()) return s;
  }
  return Ok{};
}

CommitMode JetSession::usual_commit() const {
  const bool lazy =
      (instance_->parameters().number(JET_paramCommitDefault) & JET_bitCommitLazyFlush) != 0;
  return lazy ? CommitMode::lazy : CommitMode::durable;
}

// ---- Cursors

Result<JET_TABLEID> JetSession::add_cursor(std::unique_ptr<JetCursor> cursor) {
  const std::uint64_t most = instance_->parameters().number(JET_paramMaxCursors);
  if (cursors_.size() >= most || last_cursor_ == std::numeric_limits<std::uint32_t>::max()) {
    return jet_error(JET_errOutOfCursors, "the session has as many cursors open as it may");
  }
  const std::uint32_t number = ++last_cursor_;
  cursors_.emplace(number, Opened{std::move(cursor), level()});
  return handle_ << kSessionShift | number;
}

Result<JetCursor*> JetSession::find_cursor(JET_TABLEID tableid) const {
  const auto found = cursors_.find(number_of(tableid));
  const JET_SESID its = tableid >> kSessionShift;
  if (its == handle_ && found != cursors_.end()) return found->second.cursor.get();
  if (its != handle_ && tableid != JET_tableidNil && its != 0 && its < handle_limit()) {
    return jet_error(JET_errSesidTableIdMismatch, "the table was opened by another session");
  }
  return jet_error(JET_errInvalidTableId, "no table is open under this handle");
}

Status JetSession::close_database(JET_DBID dbid) {
  Databases& databases = instance_->databases();
  if (Status s = databases.close(handle_, dbid); !s.ok()) return s;
  if (databases.find_open(handle_, dbid).ok()) return Ok{};
  std::erase_if(cursors_, [&](const auto& each) { return each.second.cursor->dbid() == dbid; });
  return Ok{};
}

Status JetSession::close() {
  cursors_.clear();
  Status done = transaction_ ? rollback_all() : Status(Ok{});
  transaction_.reset();
  session_.reset();
  instance_->row_locks().release(handle_);
  instance_->databases().close_all(handle_);
  return done;
}

}  // namespace stillframe::ese::jet
