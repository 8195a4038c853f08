// Transactions in memory: who sees whose changes. A transaction sees what was committed when it
// began, and what it did itself.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Transaction numbers go up in steps and wrap; they are compared by distance.
constexpr std::uint32_t kTrxStep = 4;
constexpr bool before(Trx a, Trx b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) <
         0;
}

// What versions remember of the transaction that made them. Outlives it, as long as a version does.
class TransactionState {
 public:
  TransactionState(Procid session, Trx begun) : session_(session), begun_(begun) {}
  TransactionState(const TransactionState&) = delete;
  TransactionState& operator=(const TransactionState&) = delete;

  Procid session() const noexcept { return session_; }
  Trx begun() const noexcept { return begun_; }
  bool committed() const noexcept { return committed_.load(std::memory_order_acquire); }
  Trx committed_at() const noexcept { return committed_at_; }  // once committed()

  // How often the transaction itself has changed a tree, or another that shares its counter: what
  // it read of the tree at the same count it would read again. Its own thread alone.
  std::uint32_t own_changes(Objid tree) const noexcept { return own_changes_[place_of(tree)]; }
  void count_change(Objid tree) noexcept { ++own_changes_[place_of(tree)]; }

  // Whether a reader sees what this transaction did.
  bool seen_by(const TransactionState& reader) const noexcept {
    return this == &reader || (committed() && before(committed_at_, reader.begun_));
  }

 private:
  friend class Transactions;
  static constexpr std::size_t kCounters = 8;
  static std::size_t place_of(Objid tree) noexcept {
    return static_cast<std::uint32_t>(tree) % kCounters;
  }

  const Procid session_;
  const Trx begun_;
  Trx committed_at_{};
  std::atomic<bool> committed_{false};
  std::array<std::uint32_t, kCounters> own_changes_{};
};

// Hands out transaction numbers. Any thread.
class Transactions {
 public:
  std::shared_ptr<TransactionState> begin(Procid session);
  // From here on every transaction that begins sees all of it, and none that had begun sees any.
  // `logged` is where its commit is in the log; none if it changed nothing.
  void commit(TransactionState& transaction, Lgpos logged = {});
  // Without a trace: its versions have been undone.
  void rollback(TransactionState& transaction);

  // What was committed before this is seen by every transaction, now and later.
  Trx oldest_needed() const;

  // The last commit in the log: once it is durable, so is every transaction that has committed.
  Lgpos last_commit() const;

  // The transaction is about to log that it began, at `at` or behind it. Known until it ends.
  void begins_in_log(const TransactionState& transaction, Lgpos at);
  // Recovery has to begin here or before to know all that are open; none if none has changed
  // anything.
  std::optional<Lgpos> oldest_in_log() const;
  std::size_t open() const;

 private:
  struct Earlier {
    bool operator()(Trx a, Trx b) const noexcept { return before(a, b); }
  };
  void end(TransactionState& transaction);

  mutable std::mutex mutex_;
  Trx next_{kTrxStep};
  std::multiset<Trx, Earlier> active_;  // by when they began
  std::map<const TransactionState*, Lgpos> in_log_;
  Lgpos last_commit_;
};

}  // namespace stillframe::ese
