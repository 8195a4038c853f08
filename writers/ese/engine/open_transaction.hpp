// A transaction that changes trees: its levels, what undoes it, and its records in the log.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/engine/node_name.hpp"
#include "writers/ese/engine/open_database.hpp"
#include "writers/ese/engine/transaction.hpp"

namespace stillframe::ese {

class BTree;
class OpenTransaction;

inline constexpr std::uint8_t kTransactionLevelsMax = 7;
// Beyond those of applications: what makes one operation of several changes all or nothing.
inline constexpr std::uint8_t kTransactionLevelsOfEngine = 4;

enum class LevelOf { application, engine };

// Who keeps in memory what a transaction does, and has to know how that ends. Called from the
// transaction's thread.
class TransactionWatcher {
 public:
  virtual ~TransactionWatcher() = default;
  // Changes were taken back, of the innermost level; `ended` with the last one.
  virtual void undone(const OpenTransaction& transaction, bool ended) noexcept = 0;
  virtual void committed(const OpenTransaction& transaction) noexcept = 0;
};

enum class CommitMode {
  durable,  // on return the transaction survives a crash
  lazy,     // it will soon, with whatever becomes durable next
};

// One thread at a time. Ends by commit() or rollback(); if it goes without either, it is rolled
// back, and what cannot be undone then is left to recovery.
class OpenTransaction {
 public:
  // At level 1. The log hears of it with the first change.
  OpenTransaction(Transactions& transactions, LogStream& log, Procid session);
  ~OpenTransaction();
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;

  bool open() const noexcept { return level_ > 0; }
  std::uint8_t level() const noexcept { return level_; }
  const TransactionState& state() const noexcept { return *state_; }
  const std::shared_ptr<TransactionState>& shared_state() const noexcept { return state_; }

  // A save point to roll back to. TransTooDeep beyond kTransactionLevelsMax.
  Status begin_level(LevelOf whose = LevelOf::application);
  // Ends the innermost level; with the last one the transaction. If the log refuses the record, it
  // is still open and can be rolled back. If making it durable fails, it has ended, and only a
  // restart can tell whether it survived.
  Status commit(CommitMode mode = CommitMode::durable);
  // Takes back what the innermost level did; with the last one the transaction ends.
  Status rollback();

  // Where its Begin0 is; none before its first change. No checkpoint may pass that while it is
  // open.
  Lgpos begun_at() const noexcept { return begun_at_; }

  // Told once, however often it asks; it outlives the transaction.
  void watch(TransactionWatcher& watcher);

  // For trees. Who makes the next change; its Begin0 is in the log by then.
  Result<Author> author();
  void note(BTree& tree, Bookmark bookmark, Rceid version);
  void count_change(Objid tree) noexcept { state_->count_change(tree); }
  void forget_last() { undo_.pop_back(); }

 private:
  struct Undoable {
    BTree* tree;  // outlives the transaction
    Bookmark bookmark;
    Rceid version;
    std::uint8_t level;
  };

  Status append(const std::vector<std::byte>& record, LogRoom room);
  Status undo_level();
  Author current_author() const;

  Transactions& transactions_;
  LogStream& log_;
  std::shared_ptr<TransactionState> state_;  // shared with the versions it makes
  std::uint8_t level_ = 1;
  std::uint8_t logged_level_ = 0;
  std::vector<Undoable> undo_;
  std::vector<TransactionWatcher*> watchers_;
  Lgpos begun_at_, last_;
};

}  // namespace stillframe::ese
