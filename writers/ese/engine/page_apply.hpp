// One log record, one change of pages: the only code that knows what a record does to a page. The
// engine makes a record, logs it, and then applies the very bytes it logged; redo applies what it
// reads. Whatever the record describes is in the record, so both come to the same page.
//
// Lines are resolved by whoever makes the record: it latches the page exclusively, looks for the
// line, writes its number into the record, and keeps the latch until the record is applied. Nothing
// is searched here. The one exception is a page that is only the parent of one that splits: its
// record has no line of its own, the pointer is found by the separator of the record below it.
//
// A macro (a split or merge over several levels, a page that moves) is one change: all its records
// are logged, then applied together, with every page of it held. A split and the node that caused
// it are one change too: the new node is in the last record, and goes straight to the page where it
// belongs.
//
// The engine, for the records of one change:
//   latch every page; begin_change(log_end) on each; append the records; apply_change();
//   end_change() on each with the position of the last record; give the pages back.
// Redo:
//   touched_pages(); latch each; judge_page(); begin_change() on those to be changed; then as
//   above.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/page_split.hpp"
#include "writers/ese/engine/version_store.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// A record as it is in the log, whole, type byte included; with its position, for messages.
struct LoggedRecord {
  Bytes bytes;
  Lgpos at;
};

// The records of one change, in log order: one page record alone, or those of a macro without
// MacroBegin and MacroCommit. A macro's records share one dbtime. Records that change no page
// (UndoInfo, MacroInfo) may be among them.
using ChangeRecords = std::span<const LoggedRecord>;

// "page 12 of 'x.edb', Insert at 9,9F,6F6": what errors about a change begin with.
std::string change_name(const LoggedRecord& record, Pgno pgno, std::string_view database);

// A page that a change touches, and the dbtimes it has before and after.
struct TouchedPage {
  Pgno pgno{};
  Dbtime before{};
  Dbtime after{};
  bool made = false;       // from nothing, whatever it held; `before` means nothing then
  std::size_t record = 0;  // of the change's records, the first that touches it
};

// Every page that the change touches, each once: sources before the pages beside them, left before
// right, in the order to latch them. LogCorrupted if the records do not make a change together.
Result<std::vector<TouchedPage>> touched_pages(ChangeRecords records);

// A touched page in the caller's hands, latched exclusively. Unless the change makes it, it has
// passed check_page_for_editing() since it was read.
struct HeldPage {
  Pgno pgno{};
  MutableBytes bytes;
  // False for a page that already has the change, as redo meets it: it is looked at, not changed.
  bool change = true;
};

// What applying needs to know besides records and pages.
struct ApplyContext {
  std::string_view database;  // its name, for messages
  // For a change that is an Undo record, which names only the number of what it takes back.
  const Change* undone = nullptr;
  // The node has other versions beside the one that is undone: its mark of versions stays. It means
  // nothing after a restart, so redo need not know.
  bool more_versions = false;
};

// Carries the change out on the held pages; each changed page gets the dbtime of the record.
// `pages` holds every touched page, in any order.
//
// All pages are judged, and everything in the records is checked against the pages, before the
// first byte changes: after an error every page is as it was. Errors name record, position and
// page:
//   db_time_too_old, db_time_too_new  a page to be changed is not as old as the record says
//   database_corrupted                lines, keys or sizes do not fit what is on the page
//   log_corrupted                     the records contradict themselves
//   Errc::not_supported               a record of this type is not applied to pages
// Needs no other locks than the latches, and does no I/O.
Status apply_change(ChangeRecords records, std::span<HeldPage> pages, const ApplyContext& context);

enum class PageVerdict {
  apply,
  already_there,  // the page is as new as the change or newer
};

// What redo has to do with a page of a change: db_time_too_old if an earlier change is missing on
// it, db_time_too_new if it has a later one without this. `page` is empty for a page that is not
// there: of zeros, or one that cannot be read; if the change does not make it, that is
// page_not_initialized.
Result<PageVerdict> judge_page(const TouchedPage& touched, Bytes page, ChangeRecords records,
                               const ApplyContext& context);

// A split plan in the terms of its record, for who makes one. Fills the fields that the plan
// decides: type, operation, lines, prefix lines. Pages, dbtimes, flags and parts are the caller's.
void set_plan(const SplitPlan& plan, SplitFields& fields);
// Whether the record of this split must hold the image of the source page as it was before: redo
// needs it when the source page reached the file after the split, and the new page did not.
bool split_needs_image(const SplitPlan& plan);

}  // namespace stillframe::ese
