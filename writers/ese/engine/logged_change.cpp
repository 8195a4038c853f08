#include "writers/ese/engine/logged_change.hpp"

#include <utility>

#include "writers/ese/format/page.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese {

LoggedChange::LoggedChange(OpenDatabase& database, const Author& author,
                           std::initializer_list<PageRef*> pages)
    : memory_(room_.data(), room_.size()),
      database_(database),
      author_(author),
      pages_(pages, &memory_),
      dbtime_(database.next_dbtime()),
      records_(&memory_) {}

LoggedChange::LoggedChange(OpenDatabase& database, const Author& author,
                           const std::vector<PageRef*>& pages)
    : memory_(room_.data(), room_.size()),
      database_(database),
      author_(author),
      pages_(pages.begin(), pages.end(), &memory_),
      dbtime_(database.next_dbtime()),
      records_(&memory_) {}

PageRecordHeader LoggedChange::header(const PageRef& page, std::size_t line,
                                      std::uint8_t flags) const {
  PageRecordHeader header;
  header.procid = author_.procid;
  header.dbid = database_.id;
  header.page = page.pgno();
  header.dbtime = dbtime_;
  header.before = PageView(page.bytes()).dbtime();
  header.trx = author_.trx;
  header.level = author_.level;
  header.line = static_cast<std::uint16_t>(line);
  header.flags = flags;
  return header;
}

Status LoggedChange::append_macro_mark(RecordType type, LogRoom room) {
  MacroRecord mark;
  mark.type = type;
  mark.procid = author_.procid;
  mark.dbtime = dbtime_;
  auto appended = database_.log.append(encode_record(mark), room);
  if (!appended.ok()) return appended.error();
  last_ = appended.value().at;
  return Ok{};
}

Status LoggedChange::log_records(LogRoom room, Few<LoggedRecord>& logged) {
  const bool macro = records_.size() > 1;
  if (macro) {
    if (Status s = append_macro_mark(RecordType::macro_begin, room); !s.ok()) return s;
  }
  for (const std::vector<std::byte>& record : records_) {
    auto appended = database_.log.append(record, room);
    if (!appended.ok()) {
      if (macro) (void)append_macro_mark(RecordType::macro_abort, LogRoom::reserve);
      return appended.error();  // without its commit, the macro is dropped at the end of the log
    }
    logged.push_back({record, appended.value().at});
    last_ = appended.value().at;
  }
  return macro ? append_macro_mark(RecordType::macro_commit, LogRoom::reserve) : Ok{};
}

Status LoggedChange::carry_out(LogRoom room, const ApplyContext& context) {
  const Lgpos redo_from = author_.begun.none() ? database_.log.end() : author_.begun;
  Few<HeldPage> held(&memory_);
  for (PageRef* page : pages_) held.push_back({page->pgno(), page->begin_change(redo_from), true});
  Few<LoggedRecord> logged(&memory_);
  if (Status s = log_records(room, logged); !s.ok()) return s;
  ApplyContext named = context;
  named.database = database_.store.name();
  Status applied = apply_change(logged, held, named);
  for (PageRef* page : pages_) page->end_change(last_);
  return applied;
}

}  // namespace stillframe::ese
