#include "writers/ese/engine/transaction.hpp"

#include <algorithm>

#include "framework/base/check.hpp"

namespace stillframe::ese {

namespace {

Trx after(Trx trx) {
  return Trx{static_cast<std::uint32_t>(trx) + kTrxStep};
}

}  // namespace

std::shared_ptr<TransactionState> Transactions::begin(Procid session) {
  const std::lock_guard lock(mutex_);
  auto state = std::make_shared<TransactionState>(session, next_);
  active_.insert(next_);
  next_ = after(next_);
  return state;
}

// Under the same lock that hands out the numbers: nobody can begin after the commit's number and
// find the transaction not yet committed.
void Transactions::commit(TransactionState& transaction, Lgpos logged) {
  const std::lock_guard lock(mutex_);
  last_commit_ = std::max(last_commit_, logged);
  transaction.committed_at_ = next_;
  next_ = after(next_);
  transaction.committed_.store(true, std::memory_order_release);
  end(transaction);
}

void Transactions::rollback(TransactionState& transaction) {
  const std::lock_guard lock(mutex_);
  end(transaction);
}

void Transactions::end(TransactionState& transaction) {
  const auto found = active_.find(transaction.begun_);
  STILLFRAME_CHECK(found != active_.end(), "a transaction ends twice");
  active_.erase(found);
  in_log_.erase(&transaction);
}

Trx Transactions::oldest_needed() const {
  const std::lock_guard lock(mutex_);
  return active_.empty() ? next_ : *active_.begin();
}

Lgpos Transactions::last_commit() const {
  const std::lock_guard lock(mutex_);
  return last_commit_;
}

void Transactions::begins_in_log(const TransactionState& transaction, Lgpos at) {
  const std::lock_guard lock(mutex_);
  in_log_.emplace(&transaction, at);
}

std::optional<Lgpos> Transactions::oldest_in_log() const {
  const std::lock_guard lock(mutex_);
  std::optional<Lgpos> oldest;
  for (const auto& [transaction, at] : in_log_) {
    if (!oldest || at < *oldest) oldest = at;
  }
  return oldest;
}

std::size_t Transactions::open() const {
  const std::lock_guard lock(mutex_);
  return active_.size();
}

}  // namespace stillframe::ese
