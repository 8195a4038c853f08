// One change of pages on the engine's side: hold the pages, say what is to happen in log records,
// carry it out. The records are logged and then applied, by the function that redo applies them
// with.
#pragma once

#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/open_database.hpp"
#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/format/record_page.hpp"

namespace stillframe::ese {

class LoggedChange {
 public:
  // With every page held already, so that the numbers of a page's changes go up.
  LoggedChange(OpenDatabase& database, const Author& author, std::vector<PageRef*> pages);

  // The common header of a record about `page`.
  PageRecordHeader header(const PageRef& page, std::size_t line, std::uint8_t flags) const;
  Dbtime dbtime() const noexcept { return dbtime_; }

  void add(std::vector<std::byte> record) { records_.push_back(std::move(record)); }

  // Several records are one macro. After an error of the log nothing is changed; one of applying
  // means that page and log contradict each other: the database must not be written any further.
  Status carry_out(LogRoom room = LogRoom::normal, const ApplyContext& context = {});

 private:
  Result<std::vector<LoggedRecord>> log_records(LogRoom room);
  Status append_macro_mark(RecordType type, LogRoom room);

  OpenDatabase& database_;
  const Author author_;
  const std::vector<PageRef*> pages_;
  const Dbtime dbtime_;
  std::vector<std::vector<std::byte>> records_;
  Lgpos last_;
};

}  // namespace stillframe::ese
