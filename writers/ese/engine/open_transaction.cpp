#include "writers/ese/engine/open_transaction.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/engine/btree.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

namespace {

constexpr unsigned kLevelsShift = 4;  // how many levels are begun, above the level before

}  // namespace

OpenTransaction::OpenTransaction(Transactions& transactions, LogStream& log, Procid session)
    : transactions_(transactions), log_(log), state_(transactions.begin(session)) {}

OpenTransaction::~OpenTransaction() {
  while (open()) {
    if (rollback().ok()) continue;
    // What the log or a page refuses now, recovery undoes: the transaction has no Commit0.
    level_ = 0;
  }
}

Status OpenTransaction::append(const std::vector<std::byte>& record, LogRoom room) {
  auto appended = log_.append(record, room);
  if (!appended.ok()) return appended.error();
  last_ = appended.value().at;
  return Ok{};
}

Author OpenTransaction::current_author() const {
  return {state_->session(), state_->begun(), level_, begun_at_};
}

Result<Author> OpenTransaction::author() {
  if (logged_level_ == level_) return current_author();
  const auto levels =
      static_cast<std::uint8_t>((level_ - logged_level_) << kLevelsShift | logged_level_);
  // Before the record is there, so that no checkpoint computed meanwhile passes it by.
  if (logged_level_ == 0) transactions_.begins_in_log(*state_, log_.end());
  Status begun =
      logged_level_ == 0
          ? append(encode_record(LevelRecord0{RecordType::begin0, state_->session(), levels,
                                              state_->begun()}),
                   LogRoom::normal)
          : append(encode_record(LevelRecord{RecordType::begin, state_->session(), levels}),
                   LogRoom::normal);
  if (!begun.ok()) return begun.error();
  if (logged_level_ == 0) begun_at_ = last_;
  logged_level_ = level_;
  return current_author();
}

void OpenTransaction::note(BTree& tree, Bookmark bookmark, Rceid version) {
  undo_.push_back({&tree, std::move(bookmark), version, level_});
}

void OpenTransaction::watch(TransactionWatcher& watcher) {
  if (std::find(watchers_.begin(), watchers_.end(), &watcher) != watchers_.end()) return;
  watchers_.push_back(&watcher);
}

Status OpenTransaction::begin_level(LevelOf whose) {
  const int most =
      kTransactionLevelsMax + (whose == LevelOf::engine ? kTransactionLevelsOfEngine : 0);
  if (level_ >= most) {
    return ese_error(EseErr::trans_too_deep, "a transaction has at most " +
                                                 std::to_string(kTransactionLevelsMax) + " levels");
  }
  ++level_;
  return Ok{};
}

Status OpenTransaction::commit(CommitMode mode) {
  if (level_ > 1) {
    const auto below = static_cast<std::uint8_t>(level_ - 1);
    if (logged_level_ == level_) {
      const LevelRecord record{RecordType::commit, state_->session(), below};
      if (Status s = append(encode_record(record), LogRoom::normal); !s.ok()) return s;
      logged_level_ = below;
    }
    for (Undoable& each : undo_) each.level = std::min(each.level, below);
    level_ = below;
    return Ok{};
  }
  if (logged_level_ > 0) {
    const LevelRecord0 record{RecordType::commit0, state_->session(), 0, state_->begun()};
    if (Status s = append(encode_record(record), LogRoom::normal); !s.ok()) return s;
  }
  undo_.clear();
  level_ = 0;
  transactions_.commit(*state_, logged_level_ > 0 ? last_ : Lgpos{});
  for (TransactionWatcher* watcher : watchers_) watcher->committed(*this);
  // Others may see it from here on: whatever they commit comes behind it in the log.
  if (logged_level_ == 0 || mode == CommitMode::lazy) return Ok{};
  return log_.make_durable(last_);
}

Status OpenTransaction::undo_level() {
  while (!undo_.empty() && undo_.back().level >= level_) {
    const Undoable& last = undo_.back();
    count_change(last.tree->id().objid);
    Status undone = last.tree->undo(current_author(), last.bookmark.view(), last.version);
    if (!undone.ok()) return undone.error().while_doing("rolling back");
    undo_.pop_back();
  }
  return Ok{};
}

Status OpenTransaction::rollback() {
  if (Status s = undo_level(); !s.ok()) return s;
  if (logged_level_ == level_) {
    const LevelRecord record{RecordType::rollback, state_->session(), 1};
    if (Status s = append(encode_record(record), LogRoom::reserve); !s.ok()) return s;
    --logged_level_;
  }
  if (--level_ == 0) transactions_.rollback(*state_);
  for (TransactionWatcher* watcher : watchers_) watcher->undone(*this, level_ == 0);
  return Ok{};
}

}  // namespace stillframe::ese
