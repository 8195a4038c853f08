// One change of pages on the engine's side: hold the pages, say what is to happen in log records,
// carry it out. The records are logged and then applied, by the function that redo applies them
// with.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <utility>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/open_database.hpp"
#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/format/record_page.hpp"

namespace stillframe::ese {

class LoggedChange {
 public:
  // With every page held already, so that the numbers of a page's changes go up.
  LoggedChange(OpenDatabase& database, const Author& author, std::initializer_list<PageRef*> pages);
  LoggedChange(OpenDatabase& database, const Author& author, const std::vector<PageRef*>& pages);
  LoggedChange(const LoggedChange&) = delete;
  LoggedChange& operator=(const LoggedChange&) = delete;

  // The common header of a record about `page`.
  PageRecordHeader header(const PageRef& page, std::size_t line, std::uint8_t flags) const;
  Dbtime dbtime() const noexcept { return dbtime_; }

  void add(std::vector<std::byte> record) { records_.push_back(std::move(record)); }

  // Several records are one macro. After an error of the log nothing is changed; one of applying
  // means that page and log contradict each other: the database must not be written any further.
  Status carry_out(LogRoom room = LogRoom::normal, const ApplyContext& context = {});

 private:
  template <class T>
  using Few = std::pmr::vector<T>;  // nearly always one

  Status log_records(LogRoom room, Few<LoggedRecord>& logged);
  Status append_macro_mark(RecordType type, LogRoom room);

  std::array<std::byte, 512> room_;
  std::pmr::monotonic_buffer_resource memory_;  // of the lists
  OpenDatabase& database_;
  const Author author_;
  const Few<PageRef*> pages_;
  const Dbtime dbtime_;
  Few<std::vector<std::byte>> records_;
  Lgpos last_;
};

}  // namespace stillframe::ese
