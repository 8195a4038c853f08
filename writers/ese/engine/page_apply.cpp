#include "writers/ese/engine/page_apply.hpp"

#include <algorithm>
#include <array>

#include "framework/base/check.hpp"
#include "writers/ese/engine/page_change.hpp"

namespace stillframe::ese {

namespace {

using Touched = std::vector<TouchedPage>;

TouchedPage changed(const PageRecordHeader& header) {
  return {header.page, header.before, header.dbtime, false, 0};
}

TouchedPage made(Pgno pgno, Dbtime dbtime) {
  return {pgno, Dbtime::nil, dbtime, true, 0};
}

// --- Which pages a record touches. One function for each shape of record.

void touch_one(Bytes record, Touched& touched) {
  touch(touched, changed(decode<PageRecordHeader>(record)));
}

void touch_new_page(Bytes record, Touched& touched) {
  const auto fields = decode<NewPageRecord>(record);
  touch(touched, made(fields.page, fields.dbtime));
}

void touch_create_single(Bytes record, Touched& touched) {
  const auto header = decode<PageRecordHeader>(record);
  touch(touched, made(header.page, header.dbtime));
}

void touch_create_multiple(Bytes record, Touched& touched) {
  const auto fields = decode<CreateMultipleExtentFdpRecord>(record);
  touch(touched, made(fields.page.page, fields.page.dbtime));
  touch(touched, made(fields.owned_root, fields.page.dbtime));
  touch(touched, made(fields.available_root, fields.page.dbtime));
}

void touch_convert(Bytes record, Touched& touched) {
  const auto fields = decode<ConvertFdpRecord2>(record);
  touch(touched, changed(fields.page));
  touch(touched, made(fields.owned_root, fields.page.dbtime));
  touch(touched, made(fields.available_root, fields.page.dbtime));
}

void touch_split(Bytes record, Touched& touched) {
  const auto fields = decode<SplitRecord2>(record).split;
  touch(touched, changed(fields.page));
  if (fields.new_page == Pgno::null) return;
  touch(touched, made(fields.new_page, fields.page.dbtime));
  if (fields.right != Pgno::null) {
    touch(touched, {fields.right, fields.right_before, fields.page.dbtime, false, 0});
  }
}

// A page above the one that merges names no siblings; a partial merge leaves the far one alone.
void touch_merge(Bytes record, Touched& touched) {
  constexpr std::uint8_t kAbove = 0, kPartialRight = 3, kPartialLeft = 6;
  const auto fields = decode<MergeRecord2>(record).merge;
  const Dbtime dbtime = fields.page.dbtime;
  if (fields.merge_type == kAbove) return touch(touched, changed(fields.page));
  if (fields.left != Pgno::null && fields.merge_type != kPartialRight) {
    touch(touched, {fields.left, fields.left_before, dbtime, false, 0});
  }
  touch(touched, changed(fields.page));
  if (fields.right != Pgno::null && fields.merge_type != kPartialLeft) {
    touch(touched, {fields.right, fields.right_before, dbtime, false, 0});
  }
}

void touch_empty_tree(Bytes record, Touched& touched) {
  touch_one(record, touched);
  const auto dbtime = decode<PageRecordHeader>(record).dbtime;
  const Bytes entries = decode_record<EmptyTreeRecord>(record).parts[0];
  for (std::size_t at = 0; at < entries.size(); at += EmptyTreeEntry::kBytes) {
    const auto entry = decode<EmptyTreeEntry>(entries.subspan(at));
    touch(touched, {entry.page, entry.before, dbtime, false, 0});
  }
}

void touch_page_move(Bytes record, Touched& touched) {
  const auto move = decode<PageMoveRecord>(record);
  const Dbtime dbtime = move.page.dbtime;
  if (move.parent != Pgno::null) {
    touch(touched, {move.parent, move.parent_before, dbtime, false, 0});
  }
  if (move.left != Pgno::null) touch(touched, {move.left, move.left_before, dbtime, false, 0});
  touch(touched, changed(move.page));
  if (move.right != Pgno::null) touch(touched, {move.right, move.right_before, dbtime, false, 0});
  touch(touched, made(move.destination, dbtime));
}

// --- One row for each type of record that changes pages.

struct Row {
  RecordType type;
  void (*touch)(Bytes record, Touched& touched);
  Status (*apply)(const RecordChange& change);  // null: only together with others, see macros
};

constexpr Row kRows[] = {
    {RecordType::insert, touch_one, apply_insert},
    {RecordType::flag_insert, touch_one, apply_flag_insert},
    {RecordType::flag_insert_and_replace, touch_one, apply_flag_insert_and_replace},
    {RecordType::flag_delete, touch_one, apply_flag_delete},
    {RecordType::replace, touch_one, apply_replace},
    {RecordType::replace_diff, touch_one, apply_replace_diff},
    {RecordType::remove, touch_one, apply_remove},
    {RecordType::delta, touch_one, apply_delta},
    {RecordType::delta64, touch_one, apply_delta64},
    {RecordType::set_external_header, touch_one, apply_external_header},
    {RecordType::undo, touch_one, apply_undo},
    {RecordType::scrub, touch_one, apply_scrub},
    {RecordType::new_page, touch_new_page, apply_new_page},
    {RecordType::create_single_extent_fdp, touch_create_single, apply_create_single},
    {RecordType::create_multiple_extent_fdp, touch_create_multiple, apply_create_multiple},
    {RecordType::convert_fdp2, touch_convert, apply_convert},
    {RecordType::empty_tree, touch_empty_tree, apply_empty_tree},
    {RecordType::page_move, touch_page_move, apply_page_move},
    {RecordType::split2, touch_split, nullptr},
    {RecordType::merge2, touch_merge, nullptr},
};

const Row* row_of(RecordType type) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [type](const Row& each) { return each.type == type; });
  return row == std::end(kRows) ? nullptr : row;
}

RecordType type_of(const LoggedRecord& record) {
  return static_cast<RecordType>(record.bytes[0]);
}

bool may_accompany(RecordType type) {
  const RecordKind* kind = record_kind(type);
  return type == RecordType::undo_info || type == RecordType::root_page_move ||
         (kind != nullptr && kind->record_class == RecordClass::information);
}

// The operation of a leaf that splits has no page of its own: it goes where the split says.
bool belongs_to_split(ChangeRecords records, const LoggedRecord& record) {
  return type_of(record) != RecordType::split2 &&
         std::any_of(records.begin(), records.end(),
                     [](const LoggedRecord& each) { return type_of(each) == RecordType::split2; });
}

Status check_entries(const LoggedRecord& record) {
  if (type_of(record) != RecordType::empty_tree) return Ok{};
  const auto fields = decode<EmptyTreeRecord>(record.bytes);
  if (fields.entries_bytes % EmptyTreeEntry::kBytes == 0) return Ok{};
  return ese_error(EseErr::log_corrupted, change_name(record, fields.node.page.page, {}) +
                                              ": its list of pages ends within an entry");
}

Status touch_all(ChangeRecords records, Touched& touched) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RecordType type = type_of(records[i]);
    if (may_accompany(type)) continue;
    const Row* row = row_of(type);
    if (row == nullptr) {
      return Error(Errc::not_supported,
                   record_name(type) + " at " + to_text(records[i].at) +
                       ": a record of this type is not applied to pages by this program");
    }
    if (Status whole = check_entries(records[i]); !whole.ok()) return whole;
    if (belongs_to_split(records, records[i])) continue;
    const std::size_t before = touched.size();
    row->touch(records[i].bytes, touched);
    for (std::size_t page = before; page < touched.size(); ++page) touched[page].record = i;
  }
  return Ok{};
}

bool is_zero(Bytes page) {
  return std::all_of(page.begin(), page.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::string text(Dbtime dbtime) {
  return std::to_string(static_cast<std::int64_t>(dbtime));
}

// --- Carrying a change out.

Status apply_each(std::span<const RecordChange> changes) {
  for (const RecordChange& change : changes) {
    if (may_accompany(change.type())) continue;
    const Row* row = row_of(change.type());
    if (row->apply == nullptr) {
      return change.contradiction(decode<PageRecordHeader>(change.record().bytes).page,
                                  "it is mixed with records of other kinds");
    }
    if (Status done = row->apply(change); !done.ok()) return done;
  }
  return apply_moved_root(changes);
}

Status apply_all(ChangeRecords records, std::span<HeldPage> pages, const ApplyContext& context) {
  std::vector<RecordChange> changes;
  changes.reserve(records.size());
  for (const LoggedRecord& record : records) {
    if (type_of(record) == RecordType::root_page_move || !may_accompany(type_of(record))) {
      changes.emplace_back(record, pages, context);
    }
  }
  if (changes.empty()) return Ok{};
  const auto all_are = [&](RecordType type) {
    return std::all_of(changes.begin(), changes.end(),
                       [type](const RecordChange& change) { return change.type() == type; });
  };
  if (changes.front().type() == RecordType::split2) return apply_split(changes);
  if (all_are(RecordType::merge2)) return apply_merge(changes);
  return apply_each(changes);
}

// On copies, so that a refusal half way has changed nothing.
Status apply_to_copies(ChangeRecords records, std::span<HeldPage> pages,
                       const ApplyContext& context) {
  std::vector<HeldPage> work(pages.begin(), pages.end());
  std::vector<std::vector<std::byte>> copies;
  for (HeldPage& page : work) {
    if (!page.change) continue;
    copies.emplace_back(page.bytes.begin(), page.bytes.end());
    page.bytes = copies.back();
  }
  if (Status done = apply_all(records, work, context); !done.ok()) return done;
  for (const HeldPage& page : work) {
    if (!page.change) continue;
    // Flags come from the record as they are, and what they make of the page may be none.
    if (Status whole = check_page_structure(page.bytes, context.database, page.pgno); !whole.ok()) {
      return ese_error(EseErr::log_corrupted,
                       change_name(records.front(), page.pgno, context.database) +
                           ": the record makes no page: " + whole.error().what());
    }
  }
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (work[i].change)
      std::copy(work[i].bytes.begin(), work[i].bytes.end(), pages[i].bytes.begin());
  }
  return Ok{};
}

HeldPage& held(std::span<HeldPage> pages, Pgno pgno) {
  const auto found = std::find_if(pages.begin(), pages.end(),
                                  [pgno](const HeldPage& page) { return page.pgno == pgno; });
  STILLFRAME_CHECK(found != pages.end(), "a change is applied without one of its pages");
  return *found;
}

Status judge_held(std::span<const TouchedPage> touched, ChangeRecords records,
                  std::span<HeldPage> pages, const ApplyContext& context) {
  for (const TouchedPage& page : touched) {
    const HeldPage& in_hand = held(pages, page.pgno);
    if (!in_hand.change || page.made) continue;
    const auto verdict = judge_page(page, in_hand.bytes, records, context);
    if (!verdict.ok()) return verdict.error();
    if (verdict.value() == PageVerdict::already_there) {
      return ese_error(EseErr::db_time_too_new,
                       change_name(records[page.record], page.pgno, context.database) +
                           ": the page is to be changed but has the change already, dbtime " +
                           text(PageView(in_hand.bytes).dbtime()));
    }
  }
  return Ok{};
}

// Nearly every change is one record of one page: these take no lists.
const Row* row_of_simple(ChangeRecords records) {
  if (records.size() != 1 || may_accompany(type_of(records[0]))) return nullptr;
  const Row* row = row_of(type_of(records[0]));
  return row != nullptr && row->touch == touch_one && row->apply != nullptr ? row : nullptr;
}

Status apply_simple(const Row& row, ChangeRecords records, std::span<HeldPage> pages,
                    const ApplyContext& context) {
  const TouchedPage touched = changed(decode<PageRecordHeader>(records[0].bytes));
  if (Status fit = judge_held({&touched, 1}, records, pages, context); !fit.ok()) return fit;
  if (Status done = row.apply(RecordChange(records[0], pages, context)); !done.ok()) return done;
  const HeldPage& in_hand = held(pages, touched.pgno);
  if (in_hand.change) PageEditor(in_hand.bytes).set_dbtime(touched.after);
  return Ok{};
}

}  // namespace

std::string change_name(const LoggedRecord& record, Pgno pgno, std::string_view database) {
  std::string name = "page " + std::to_string(static_cast<std::uint32_t>(pgno));
  if (!database.empty()) name += " of '" + std::string(database) + "'";
  return name + ", " + record_name(type_of(record)) + " at " + to_text(record.at);
}

std::string bytes_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

const HeldPage& RecordChange::page(Pgno pgno) const {
  return held(pages_, pgno);
}

std::optional<PageEditor> RecordChange::to_change(Pgno pgno) const {
  const HeldPage& found = page(pgno);
  if (!found.change) return {};
  return PageEditor(found.bytes);
}

Error RecordChange::misfit(Pgno pgno, std::string_view why) const {
  return ese_error(EseErr::database_corrupted,
                   change_name(*record_, pgno, context_->database) +
                       ": the page is not what the record was made for: " + std::string(why));
}

Error RecordChange::contradiction(Pgno pgno, std::string_view why) const {
  return ese_error(EseErr::log_corrupted, change_name(*record_, pgno, context_->database) +
                                              ": the record cannot be true: " + std::string(why));
}

void touch(std::vector<TouchedPage>& touched, const TouchedPage& page) {
  const bool known = std::any_of(touched.begin(), touched.end(),
                                 [&](const TouchedPage& each) { return each.pgno == page.pgno; });
  if (!known) touched.push_back(page);
}

Result<std::vector<TouchedPage>> touched_pages(ChangeRecords records) {
  Touched touched;
  if (Status all = touch_all(records, touched); !all.ok()) return all.error();
  for (const TouchedPage& page : touched) {
    if (page.pgno == Pgno::null || page.after != touched.front().after) {
      return ese_error(EseErr::log_corrupted,
                       change_name(records[page.record], page.pgno, {}) +
                           ": the records of one change name no page, or different dbtimes");
    }
  }
  return touched;
}

Result<PageVerdict> judge_page(const TouchedPage& touched, Bytes page, ChangeRecords records,
                               const ApplyContext& context) {
  const auto name = [&] {
    return change_name(records[touched.record], touched.pgno, context.database);
  };
  const bool nothing = page.empty() || (PageView(page).dbtime() == Dbtime{0} && is_zero(page));
  if (nothing && !touched.made) {
    return ese_error(EseErr::page_not_initialized, name() + ": the page was never written");
  }
  if (nothing) return PageVerdict::apply;
  const Dbtime now = PageView(page).dbtime();
  if (now >= touched.after) return PageVerdict::already_there;
  if (touched.made || now == touched.before) return PageVerdict::apply;
  const bool old = now < touched.before;
  return ese_error(old ? EseErr::db_time_too_old : EseErr::db_time_too_new,
                   name() + ": the page has dbtime " + text(now) + " where the record changes " +
                       text(touched.before) + " to " + text(touched.after) +
                       (old ? "; an earlier change is missing on it"
                            : "; it was changed by something that is not in the log"));
}

Status apply_change(ChangeRecords records, std::span<HeldPage> pages, const ApplyContext& context) {
  if (const Row* simple = row_of_simple(records)) {
    return apply_simple(*simple, records, pages, context);
  }
  Touched touched;
  if (Status all = touch_all(records, touched); !all.ok()) return all;
  if (Status fit = judge_held(touched, records, pages, context); !fit.ok()) return fit;
  // Records of one page look before they change; where several pages have to agree, copies do it.
  const bool simple = records.size() == 1 && touched.size() == 1;
  const Status done =
      simple ? apply_all(records, pages, context) : apply_to_copies(records, pages, context);
  if (!done.ok()) return done;
  for (const TouchedPage& page : touched) {
    HeldPage& in_hand = held(pages, page.pgno);
    if (in_hand.change) PageEditor(in_hand.bytes).set_dbtime(page.after);
  }
  return Ok{};
}

}  // namespace stillframe::ese
