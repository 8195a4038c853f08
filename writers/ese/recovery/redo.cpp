#include "writers/ese/recovery/redo.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/newest_log.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/recovery/redo_versions.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kFramesMin = 64;
constexpr std::uint32_t kNewChecksumUpdate = 0xB;  // of Windows Vista

// What every record that changes pages begins with, whatever its own shape.
struct ChangeName {
  Procid procid{};
  Dbid dbid{};
  Dbtime dbtime{};
  Objid objid{};
};

ChangeName name_of(const LogRecord& record) {
  if (record.type() == RecordType::new_page) {
    const auto page = decode<NewPageRecord>(record.bytes);
    return {page.procid, page.dbid, page.dbtime, page.objid};
  }
  if (record.type() == RecordType::root_page_move) {
    const auto move = decode<RootPageMoveRecord>(record.bytes);
    return {move.procid, move.dbid, move.dbtime, move.objid};
  }
  const auto header = decode<PageRecordHeader>(record.bytes);
  ChangeName name{header.procid, header.dbid, header.dbtime, {}};
  if (is_node_record(record.type())) name.objid = decode<NodeRecordHeader>(record.bytes).objid;
  return name;
}

// Says in the log that all databases are consistent from here on, and that recovery has ended. The
// first position, which their headers name.
Result<Lgpos> end_recovery_in_log(ContinuedLog& log, Lgpos redo_from, LogTime now) {
  const auto consistent = log.append(encode_record(BareRecord{RecordType::shutdown_mark}));
  if (!consistent.ok()) return consistent;
  QuitRecord2 quit;
  quit.type = RecordType::recovery_quit2;
  quit.position = consistent.value();
  quit.redo_from = redo_from;
  quit.time = now;
  const auto ended = log.append(encode_record(quit));
  if (!ended.ok()) return ended;
  if (Status durable = log.make_durable(); !durable.ok()) return durable.error();
  log.ended(ended.value());
  return consistent;
}

// Nothing is attached behind it, and no transaction is open.
bool ends_sessions(RecordType type) {
  switch (type) {
    case RecordType::term:
    case RecordType::term2:
    case RecordType::recovery_quit:
    case RecordType::recovery_quit2:
    case RecordType::recovery_quit_keep_attachments:
      return true;
    default:  // a run is under way
      return false;
  }
}

}  // namespace

// The pages of one change, latched. Those that have it already are looked at in a copy, so that
// nothing can change them.
struct Redo::Held {
  struct Page {
    PageRef page;
    bool change = false;
  };
  std::vector<Page> pages;
  std::vector<std::vector<std::byte>> copies;

  const Page* find(Pgno pgno) const {
    const auto found = std::find_if(pages.begin(), pages.end(),
                                    [pgno](const Page& each) { return each.page.pgno() == pgno; });
    return found == pages.end() ? nullptr : &*found;
  }
  bool changes_any() const {
    return std::any_of(pages.begin(), pages.end(), [](const Page& each) { return each.change; });
  }
};

Redo::Redo(Files& files, const RecoveryOptions& options, const UndoneTransactions& undone,
           std::uint32_t page_bytes)
    : files_(files),
      options_(options),
      undone_(undone),
      page_bytes_(page_bytes),
      databases_(files, options.databases),
      lifecycle_(databases_),
      cache_({page_bytes, std::max(kFramesMin, options.cache_bytes / page_bytes)}, durable_) {}

// --- Databases that come and go.

// Pages are in the cache under the number that their database has at the time.
Status Redo::put_away() {
  if (Status grown = grow_to_owned(); !grown.ok()) return grown;
  if (Status written = cache_.write_changed(); !written.ok()) return written;
  for (const auto& [dbid, store] : in_cache_) cache_.detach(dbid);
  in_cache_.clear();
  return Ok{};
}

Status Redo::take_out() {
  for (int number = 0; number < 256; ++number) {
    const Dbid dbid{static_cast<std::uint8_t>(number)};
    KnownDatabase* database = databases_.attached(dbid);
    if (database == nullptr) continue;
    auto& store = stores_[database->file];
    if (store == nullptr) {
      using enum RecoveredDatabase::Contents;
      auto opened = RecoveredDatabase::open(files_, database->file, page_bytes_,
                                            database->created ? made_anew : of_file);
      if (!opened.ok()) return opened.error();
      store = std::move(opened).value();
      const auto copy = options_.databases.streamed.find(database->file);
      if (copy != options_.databases.streamed.end()) store->end_at(copy->second.last);
      store->use_new_checksums(database->header->update_major >= kNewChecksumUpdate);
    }
    cache_.attach(dbid, *store);
    in_cache_[dbid] = store.get();
  }
  return Ok{};
}

Status Redo::begin(Lgpos start, const std::vector<Attachment>& attached, const LogFileHeader& log) {
  start_ = start;
  if (Status begun = lifecycle_.begin(attached, log); !begun.ok()) return begun;
  return take_out();
}

Status Redo::follow(const LogRecord& record, const LogFileHeader& log) {
  const bool changes = LogLifecycle::changes_attachments(record.type());
  if (changes) {
    if (Status away = put_away(); !away.ok()) return away;
  }
  if (Status followed = lifecycle_.follow(record, log); !followed.ok()) return followed;
  return changes ? take_out() : Status(Ok{});
}

// --- Records.

Status Redo::apply(const LogRecord& record, const LogFileHeader& log) {
  ++counts_.records;
  generation_ = log.fields.generation;
  const bool run_ends = ends_sessions(record.type());
  if (run_ends) {
    // Nobody has the databases from here on, so nothing in the log comes behind these changes.
    const LogUndo in_no_log = [&](Bytes) -> Result<Lgpos> { return record.at; };
    if (Status undone = undo_left(in_no_log); !undone.ok()) return undone;
  }
  if (Status followed = follow(record, log); !followed.ok()) return followed;
  if (run_ends || record.type() == RecordType::init || record.type() == RecordType::init2) {
    sessions_.forget_all();
    undo_in_log_.reset();
    return Ok{};
  }
  switch (record.type()) {
    case RecordType::recovery_undo:
    case RecordType::recovery_undo2:
      undo_in_log_.emplace();
      return Ok{};
    case RecordType::extend_db: {
      const auto body = decode<ExtendDbBody>(record.bytes.subspan(ExtensibleRecord::kBytes));
      const auto store = in_cache_.find(body.dbid);
      if (store != in_cache_.end()) store->second->grow_to(body.last);
      return Ok{};
    }
    case RecordType::undo_info:
      return complete_version(record);
    default:
      break;
  }
  switch (record_kind(record.type())->record_class) {
    case RecordClass::transaction:
      return apply_session(record);
    case RecordClass::macro:
      return record.type() == RecordType::root_page_move ? apply_page(record) : apply_macro(record);
    case RecordClass::page:
      return apply_page(record);
    case RecordClass::database:
    case RecordClass::information:
    case RecordClass::framing:
    case RecordClass::refused:
      return Ok{};
  }
  return Ok{};
}

Status Redo::apply_session(const LogRecord& record) {
  switch (record.type()) {
    case RecordType::begin0: {
      const auto begin = decode<LevelRecord0>(record.bytes);
      sessions_.begin_outermost(begin.procid, begin.levels, undone_.has(record.at));
      return Ok{};
    }
    case RecordType::begin: {
      const auto begin = decode<LevelRecord>(record.bytes);
      sessions_.begin(begin.procid, begin.levels);
      return Ok{};
    }
    case RecordType::commit: {
      const auto commit = decode<LevelRecord>(record.bytes);
      sessions_.commit(commit.procid, commit.levels);
      return Ok{};
    }
    case RecordType::commit0:
      sessions_.commit_outermost(decode<LevelRecord0>(record.bytes).procid);
      return Ok{};
    case RecordType::rollback:
      return apply_rollback(record);
    default:  // Refresh and what recovery itself logs: nothing to remember
      return Ok{};
  }
}

// A recovery that did not have a database says that all is rolled back, and could undo nothing
// there.
Status Redo::apply_rollback(const LogRecord& record) {
  const auto rollback = decode<LevelRecord>(record.bytes);
  std::vector<RedoVersion> left = sessions_.rollback(rollback.procid, rollback.levels);
  const bool of_absent = undo_in_log_ && std::none_of(left.begin(), left.end(), [&](const auto& v) {
                           return undo_in_log_->contains(v.dbid);
                         });
  if (of_absent) sessions_.leave(rollback.procid, std::move(left));
  if (of_absent || left.empty()) return Ok{};
  return ese_error(EseErr::log_corrupted,
                   "Rollback at " + to_text(record.at) + " leaves " + std::to_string(left.size()) +
                       " changes that no Undo record took back, the first at " +
                       to_text(left.front().at));
}

Status Redo::apply_macro(const LogRecord& record) {
  const auto macro = decode<MacroRecord>(record.bytes);
  RedoSession& session = sessions_.of(macro.procid);
  if (!session.begun) return Ok{};
  if (record.type() == RecordType::macro_begin) {
    session.macros[macro.dbtime] = OpenMacro{{}, record.at};
    return Ok{};
  }
  auto node = session.macros.extract(macro.dbtime);
  if (node.empty() || record.type() == RecordType::macro_abort) return Ok{};
  std::vector<LoggedRecord> records;
  for (const auto& kept : node.mapped().records) records.push_back({kept.bytes, kept.at});
  if (records.empty()) return Ok{};
  const LogRecord first{records[0].at, {}, records[0].bytes, 0};
  const ChangeName name = name_of(first);
  KnownDatabase* database = databases_.attached(name.dbid);
  if (database == nullptr) return Ok{};
  return carry_out(records, *database, name.dbid, name.procid);
}

Status Redo::apply_page(const LogRecord& record) {
  const ChangeName name = name_of(record);
  KnownDatabase* database = databases_.attached(name.dbid);
  if (database == nullptr) {
    ++counts_.skipped;
    return Ok{};
  }
  DatabaseHeader& header = *database->header;
  header.dbtime_dirtied = std::max(header.dbtime_dirtied, name.dbtime);
  header.objid_last = std::max(header.objid_last, name.objid);
  RedoSession& session = sessions_.of(name.procid);
  if (record.at <= database->attached_at || !session.begun) {
    ++counts_.skipped;
    return Ok{};
  }
  const auto macro = session.macros.find(name.dbtime);
  if (macro != session.macros.end()) {
    macro->second.records.push_back({{record.bytes.begin(), record.bytes.end()}, record.at});
    return Ok{};
  }
  const LoggedRecord logged{record.bytes, record.at};
  return carry_out({&logged, 1}, *database, name.dbid, name.procid);
}

Status Redo::complete_version(const LogRecord& record) {
  const auto info = decode_record<UndoInfoRecord>(record.bytes);
  const NodeRecordHeader& node = info.fixed.node;
  RedoVersion* version = sessions_.find(node.page.procid, node.rceid);
  if (version == nullptr || !version->deferred) return Ok{};  // what it says is known
  const auto& [key, bookmark_data, old_data] = info.parts;
  version->key.assign(key.begin(), key.end());
  version->bookmark_data.assign(bookmark_data.begin(), bookmark_data.end());
  version->change.old_data.assign(old_data.begin(), old_data.end());
  version->deferred = false;
  return Ok{};
}

// --- Changes of pages.

Result<Redo::Held> Redo::hold(ChangeRecords records, const KnownDatabase& database, Dbid dbid) {
  const std::string& name = in_cache_.at(dbid)->name();
  const ApplyContext context{.database = name};
  auto touched = touched_pages(records);
  if (!touched.ok()) return touched.error();
  // Beyond what is required the file cannot hold a change before it is replayed.
  const bool beyond = generation_ > database.header->gen_max_required;
  Held held;
  held.pages.reserve(touched.value().size());
  for (const TouchedPage& page : touched.value()) {
    const auto where = [&] { return change_name(records[page.record], page.pgno, name); };
    auto fixed = cache_.fix(dbid, page.pgno, LatchMode::exclusive);
    const bool absent = !fixed.ok();
    // Damage on a page that is about to be made does not matter.
    if (absent && page.made) fixed = cache_.fix_new(dbid, page.pgno);
    if (!fixed.ok()) return fixed.error().while_doing(where());
    const auto verdict =
        judge_page(page, absent ? Bytes{} : fixed.value().bytes(), records, context);
    if (!verdict.ok()) return verdict.error();
    const bool change = verdict.value() == PageVerdict::apply;
    if (!change && beyond && !page.made) {
      return ese_error(EseErr::db_time_beyond_max_required,
                       where() +
                           ": the page has the change already, in a log that the database "
                           "is not said to have reached");
    }
    held.pages.push_back({std::move(fixed).value(), change || beyond});
  }
  return held;
}

Status Redo::apply_held(ChangeRecords records, Held& held, const ApplyContext& context) {
  const Lgpos at = records.back().at;
  std::vector<HeldPage> pages;
  pages.reserve(held.pages.size());
  for (auto& [page, change] : held.pages) {
    if (change) {
      pages.push_back({page.pgno(), page.begin_change(at), true});
    } else {
      const Bytes bytes = page.bytes();
      held.copies.emplace_back(bytes.begin(), bytes.end());
      pages.push_back({page.pgno(), held.copies.back(), false});
    }
  }
  Status done = apply_change(records, pages, context);
  for (auto& [page, change] : held.pages) {
    if (change) page.end_change(at);
  }
  return done;
}

Status Redo::carry_out(ChangeRecords records, KnownDatabase& database, Dbid dbid, Procid procid) {
  auto held = hold(records, database, dbid);
  if (!held.ok()) return held.error();
  const bool any = held.value().changes_any();
  const std::string& name = in_cache_.at(dbid)->name();
  ApplyContext context{.database = name};
  std::optional<RedoVersion> undone;
  if (static_cast<RecordType>(records.front().bytes[0]) == RecordType::undo) {
    if (undo_in_log_) undo_in_log_->insert(dbid);
    undone = sessions_.take(procid, decode<NodeRecordHeader>(records.front().bytes).rceid);
    if (any && (!undone || undone->deferred)) {
      return ese_error(EseErr::log_corrupted,
                       change_name(records.front(), held.value().pages[0].page.pgno(), name) +
                           ": the log does not say what it takes back");
    }
    if (undone) context.undone = &undone->change;
  } else if (Status s = remember(records, held.value(), dbid, procid); !s.ok()) {
    return s;
  }
  ++(any ? counts_.changes : counts_.already);
  return any ? apply_held(records, held.value(), context) : Status(Ok{});
}

// A page that was split may be in its file while the one that got its nodes is not; then what they
// were is in the record's image.
Status Redo::remember(ChangeRecords records, const Held& held, Dbid dbid, Procid procid) {
  RedoSession& session = sessions_.of(procid);
  if (!session.undone) return Ok{};
  for (const NodeChange& change : versioned_changes(records)) {
    const Held::Page* here = held.find(change.page);
    const auto image =
        page_of_image(change, page_bytes_, "Split2 before " + to_text(change.record.at));
    if (!image.ok()) return image.error();
    const bool before = here != nullptr && here->change;
    const Bytes page = before ? here->page.bytes() : Bytes(image.value());
    for (RedoVersion& version : versions_of(change, page)) {
      version.dbid = dbid;
      session.versions.push_back(std::move(version));
    }
  }
  return Ok{};
}

// --- The end.

std::vector<Attachment> Redo::attachments() {
  std::vector<Attachment> attached;
  for (const auto& [dbid, store] : in_cache_) {
    const KnownDatabase& database = *databases_.attached(dbid);
    Attachment attachment;
    attachment.entry.dbid = dbid;
    attachment.entry.flags = AttachmentEntry::kUtf16;
    attachment.entry.dbtime = database.header->dbtime_dirtied;
    attachment.entry.objid_last = database.header->objid_last;
    attachment.entry.attach = database.attached_at;
    attachment.entry.consistent = database.consistent;
    attachment.entry.database = database.header->sign_db;
    // What is restored elsewhere is another file than the one that the log knew.
    attachment.name = to_logged_utf16(options_.restored ? database.file : database.logged_path);
    attached.push_back(std::move(attachment));
  }
  return attached;
}

Status Redo::undo_session(Procid procid, RedoSession& session, const LogUndo& log) {
  while (!session.versions.empty()) {
    const RedoVersion version = std::move(session.versions.back());
    session.versions.pop_back();
    if (Status undone = undo_one(version, procid, log); !undone.ok()) return undone;
  }
  return Ok{};
}

Status Redo::undo_one(const RedoVersion& version, Procid procid, const LogUndo& log) {
  KnownDatabase* database = databases_.attached(version.dbid);
  if (database == nullptr) return Ok{};
  Dbtime& newest = database->header->dbtime_dirtied;
  newest = Dbtime{static_cast<std::int64_t>(newest) + 1};
  const Status undone =
      undo_version(cache_, version, procid, newest, log, in_cache_.at(version.dbid)->name());
  if (undone.ok()) ++counts_.undone;
  return undone;
}

Status Redo::undo_left(const LogUndo& log) {
  auto& left = sessions_.left();
  while (!left.empty()) {
    const RedoSessions::Left each = std::move(left.back());
    left.pop_back();
    if (Status undone = undo_one(each.version, each.procid, log); !undone.ok()) return undone;
  }
  return Ok{};
}

Status Redo::undo_open(const LogUndo& log, bool logged) {
  for (auto& [procid, session] : sessions_.all()) {
    if (logged) {
      for (const auto& [dbtime, macro] : session.macros) {
        const MacroRecord abort{RecordType::macro_abort, procid, dbtime};
        if (auto at = log(encode_record(abort)); !at.ok()) return at.error();
      }
    }
    session.macros.clear();
    if (Status undone = undo_session(procid, session, log); !undone.ok()) return undone;
    if (!logged || session.level == 0 || !session.begun) continue;
    const LevelRecord rollback{RecordType::rollback, procid, session.level};
    if (auto at = log(encode_record(rollback)); !at.ok()) return at.error();
  }
  return Ok{};
}

// The extents of a database's root say how many pages its file has to have.
Status Redo::grow_to_owned() {
  for (const auto& [dbid, store] : in_cache_) {
    const auto owned = last_owned(dbid);
    if (owned.ok()) {
      store->grow_to(owned.value());
    } else if (!is(owned.error(), EseErr::page_not_initialized)) {  // it is only being made
      return owned.error().while_doing("'" + store->name() + "': its extents");
    }
  }
  return Ok{};
}

Result<Pgno> Redo::last_owned(Dbid dbid) {
  constexpr Pgno kOwnedExtents{2};
  Pgno pgno = kOwnedExtents;
  for (;;) {
    auto page = cache_.fix(dbid, pgno, LatchMode::shared);
    if (!page.ok()) return page.error();
    const PageView view(page.value().bytes());
    if (view.lines() == 0) return Pgno::null;
    const std::size_t last = view.lines() - 1;
    if (!view.leaf()) {
      pgno = view.child(last);
      continue;
    }
    std::byte key[sizeof(std::uint32_t)]{};
    if (view.node(last).key.size() != sizeof key) return Pgno::null;
    view.node(last).key.copy_to(key);
    return Pgno{load_be<std::uint32_t>(key)};
  }
}

// A file whose log was not shut down in good order is finished apart from its logs: what was undone
// is not in them. It gets an identity of its own, so that no log is ever applied to it again.
Status Redo::finish_database(KnownDatabase& database) {
  DatabaseHeader& header = *database.header;
  // As it was: what the log has of it is of no use.
  if (database.created && database.unfinished) return discard_incomplete(files_, database.file);
  if (!header.clean()) {
    set_state(header, DbState::clean_shutdown, {}, {});
    forget_backups(header);
    header.sign_db = options_.identity;
    header.sign_log = Signature{};
    header.lgpos_consistent = header.lgpos_attach = header.lgpos_detach = Lgpos{};
    header.lgpos_last_resize = Lgpos{};
  }
  // What follows a restore is a new line of backups.
  if (options_.restored) forget_backups(header);
  header.gen_recovering = Generation::none;
  header.full_current = BackupInfo{};
  header.snapshot_current = BackupInfo{};
  header.sign_header_flush = header.sign_flush_map_flush = Signature{};
  header.time_consistent = header.time_detach = options_.now;
  if (Status done = stores_.at(database.file)->finish(header); !done.ok()) return done;
  return remove_shelter(files_, database.file);
}

Status Redo::finish(const LogStreamEnd& end, ContinuedLog* log, bool ended_in_order) {
  const bool undo_in_log = log != nullptr && !ended_in_order;
  if (log != nullptr) {
    if (Status resumed = log->resume(end, attachments()); !resumed.ok()) return resumed;
  }
  if (undo_in_log) {
    const RecoveryUndoRecord2 begun{RecordType::recovery_undo2, options_.now};
    if (auto at = log->append(encode_record(begun)); !at.ok()) return at.error();
  }
  const LogUndo write = [&](Bytes record) -> Result<Lgpos> {
    return undo_in_log ? log->append(record) : Result<Lgpos>(end.position);
  };
  if (Status undone = undo_left(write); !undone.ok()) return undone;
  if (Status undone = undo_open(write, undo_in_log); !undone.ok()) return undone;
  if (Status away = put_away(); !away.ok()) return away;
  if (undo_in_log) {
    const auto consistent = end_recovery_in_log(*log, start_, options_.now);
    if (!consistent.ok()) return consistent.error();
    databases_.detach_all(consistent.value());
  }
  for (KnownDatabase& database : databases_.all()) {
    if (!database.took_part) continue;
    if (Status finished = finish_database(database); !finished.ok()) {
      return finished.error().while_doing("finishing '" + escape_path(database.file) + "'");
    }
  }
  return Ok{};
}

Status Redo::pause(const QuietPosition& at) {
  if (Status away = put_away(); !away.ok()) return away;
  for (KnownDatabase& database : databases_.all()) {
    if (!database.took_part) continue;
    if (Status paused = pause_database(database, at); !paused.ok()) {
      return paused.error().while_doing("writing '" + escape_path(database.file) + "'");
    }
  }
  return Ok{};
}

Status Redo::pause_database(KnownDatabase& database, const QuietPosition& at) {
  DatabaseHeader& header = *database.header;
  if (!header.clean()) {
    set_state(header, DbState::dirty_shutdown, at.generation, at.generation);
    set_newest_log(header, at.generation, at.created);
  }
  header.gen_recovering = Generation::none;
  header.full_current = header.snapshot_current = BackupInfo{};
  header.sign_header_flush = header.sign_flush_map_flush = Signature{};
  if (Status done = stores_.at(database.file)->finish(header); !done.ok()) return done;
  return remove_shelter(files_, database.file);
}

}  // namespace stillframe::ese
