#include "writers/ese/recovery/undone_transactions.hpp"

#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

void UndoneTransactions::look_at(const LogRecord& record) {
  switch (record.type()) {
    case RecordType::begin0:
      return begin(decode<LevelRecord0>(record.bytes).procid, record.at);
    case RecordType::commit0:
      return commit(decode<LevelRecord0>(record.bytes).procid);
    case RecordType::rollback:
      return mark(decode<LevelRecord>(record.bytes).procid);
    case RecordType::undo:
      return mark(decode<PageRecordHeader>(record.bytes).procid);
    case RecordType::init:
    case RecordType::init2:
    case RecordType::term:
    case RecordType::term2:
    case RecordType::recovery_quit:
    case RecordType::recovery_quit2:
    case RecordType::recovery_quit_keep_attachments:
      return end();
    default:  // says nothing of how a transaction ends
      return;
  }
}

// One that is open still was not committed.
void UndoneTransactions::end() {
  for (const auto& [procid, transaction] : open_) undone_.insert(transaction.begun);
  open_.clear();
}

void UndoneTransactions::begin(Procid procid, Lgpos at) {
  const auto [place, fresh] = open_.try_emplace(procid, Open{at, false});
  if (fresh) return;
  undone_.insert(place->second.begun);
  place->second = Open{at, false};
}

void UndoneTransactions::mark(Procid procid) {
  const auto found = open_.find(procid);
  if (found != open_.end()) found->second.undone = true;
}

void UndoneTransactions::commit(Procid procid) {
  const auto found = open_.find(procid);
  if (found == open_.end()) return;
  if (found->second.undone) undone_.insert(found->second.begun);
  open_.erase(found);
}

}  // namespace stillframe::ese
