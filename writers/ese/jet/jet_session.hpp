// A session as callers have it: its transaction, its cursors, and the databases it has open.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <stillframe/result.hpp>

#include "writers/ese/engine/open_transaction.hpp"
#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/jet_cursor.hpp"
#include "writers/ese/jet/jet_instance.hpp"

namespace stillframe::ese::jet {

class JetSession {
 public:
  JetSession(JET_SESID handle, std::shared_ptr<JetInstance> instance, Session session)
      : handle_(handle), instance_(std::move(instance)), session_(std::move(session)) {}

  JET_SESID handle() const noexcept { return handle_; }
  JetInstance& instance() const noexcept { return *instance_; }
  const std::shared_ptr<JetInstance>& shared_instance() const noexcept { return instance_; }

  // ---- Any thread: one call at a time is inside. SessionSharingViolation for another one, and
  // inside a transaction for one of another thread.
  Status enter();
  Status enter_any_thread();
  void leave() noexcept { busy_.clear(std::memory_order_release); }

  // ---- Inside.

  // The thread may change between calls, also in a transaction, as long as it sets the context that
  // the transaction began with.
  Status set_context(JET_API_PTR context);
  Status reset_context();

  std::uint8_t level() const noexcept { return transaction_ ? transaction_->level() : 0; }
  Status begin(bool read_only);
  Status commit(CommitMode mode);
  // The innermost level, with the cursors and the updates that it began.
  Status rollback();
  Status rollback_all();
  CommitMode usual_commit() const;

  // Runs `work` with what it reads in: the transaction there is, or one of its own, which is
  // committed if the work succeeds.
  template <class Work>
  auto read(const Work& work) {
    return run(work);
  }
  // The same for changes: TransReadOnly.
  template <class Work>
  auto change(const Work& work) -> decltype(work(std::declval<const Now&>())) {
    if (read_only_) {
      return jet_error(JET_errTransReadOnly, "the transaction was begun to read only");
    }
    ++changes_;  // before, since work that fails may have changed something too
    auto done = run(work);
    ++changes_;
    return done;
  }

  // Nobody else changes the row until the transaction ends; outside of one, nobody is about to.
  // WriteConflict, also for what has changed since the transaction began.
  Status lock_row(const Now& now, const JetCursor& cursor, const Key& row);

  // OutOfCursors.
  Result<JET_TABLEID> add_cursor(std::unique_ptr<JetCursor> cursor);
  // InvalidTableId, SesidTableIdMismatch.
  Result<JetCursor*> find_cursor(JET_TABLEID tableid) const;
  void remove_cursor(JET_TABLEID tableid) { cursors_.erase(number_of(tableid)); }
  // With its cursors there, once it is closed as often as it was opened.
  Status close_database(JET_DBID dbid);
  // All of it goes.
  Status close();

 private:
  struct Opened {
    std::unique_ptr<JetCursor> cursor;
    std::uint8_t level;
  };

  static std::uint32_t number_of(JET_TABLEID tableid) {
    return static_cast<std::uint32_t>(tableid & 0xFFFFFFFF);
  }

  template <class Work>
  auto run(const Work& work) -> decltype(work(std::declval<const Now&>())) {
    if (transaction_) return work(Now{*transaction_, serial_, changes_});
    const auto own = session_->begin();
    auto done = work(Now{*own, ++serial_, changes_});
    Status ended = done.ok() ? own->commit(usual_commit()) : own->rollback();
    if (done.ok() && !ended.ok()) return ended.error();
    return done;
  }
  void forget_level(std::uint8_t level);
  void transaction_ended();

  const JET_SESID handle_;
  const std::shared_ptr<JetInstance> instance_;  // with every session and call of it
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::optional<Session> session_;  // none once it is closed

  std::unique_ptr<OpenTransaction> transaction_;
  bool read_only_ = false;
  std::uint64_t serial_ = 0, changes_ = 0;

  // Who may go on with the transaction: the thread that began it, or whoever has this context.
  std::thread::id owner_;
  std::optional<JET_API_PTR> owner_context_;
  std::optional<JET_API_PTR> context_;
  std::thread::id context_thread_;

  std::map<std::uint32_t, Opened> cursors_;
  std::uint32_t last_cursor_ = 0;
};

}  // namespace stillframe::ese::jet
