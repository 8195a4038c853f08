#include "writers/ese/format/log_lint.hpp"

#include <algorithm>

#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_diff.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kDifferenceMax = 64 * 1024;

std::string number(Dbtime dbtime) {
  return std::to_string(static_cast<std::int64_t>(dbtime));
}

std::string page_text(Dbid dbid, Pgno page) {
  return "page " + std::to_string(static_cast<std::uint32_t>(page)) + " of database " +
         std::to_string(static_cast<unsigned>(dbid));
}

std::string session_text(Procid procid) {
  return "session " + std::to_string(static_cast<unsigned>(procid));
}

bool is_quit(RecordType type) {
  return type == RecordType::term || type == RecordType::term2 ||
         type == RecordType::recovery_quit || type == RecordType::recovery_quit2 ||
         type == RecordType::recovery_quit_keep_attachments;
}

bool begins_run(RecordType type) {
  return type == RecordType::init || type == RecordType::init2;
}

}  // namespace

void LogLinter::report(Lgpos at, std::string what) {
  ++findings_count_;
  if (findings_.size() < kFindingsMax) findings_.push_back({at, std::move(what)});
}

// Which pages a record changes. The parent of a split or a merge has a record of its own.
std::vector<LogLinter::Change> LogLinter::changes_of(const LogRecord& record) {
  const RecordType type = record.type();
  if (type == RecordType::new_page) {
    const auto made = decode<NewPageRecord>(record.bytes);
    return {{{made.dbid, made.page}, std::nullopt, made.dbtime}};
  }
  if (!has_page_header(type) || type == RecordType::undo_info) return {};
  const auto header = decode<PageRecordHeader>(record.bytes);
  const auto at = [&](Pgno page, std::optional<Dbtime> before) {
    return Change{{header.dbid, page}, before, header.dbtime};
  };
  std::vector<Change> changes;
  // A leaf's record inside a split's macro: the split's own record changes the page.
  if (header.before != Dbtime::nil) changes.push_back(at(header.page, header.before));
  switch (type) {
    case RecordType::create_single_extent_fdp:
      return {at(header.page, std::nullopt)};
    case RecordType::create_multiple_extent_fdp: {
      const auto made = decode<CreateMultipleExtentFdpRecord>(record.bytes);
      return {at(header.page, std::nullopt), at(made.owned_root, std::nullopt),
              at(made.available_root, std::nullopt)};
    }
    case RecordType::convert_fdp2: {
      const auto converted = decode<ConvertFdpRecord2>(record.bytes);
      changes.push_back(at(converted.owned_root, std::nullopt));
      changes.push_back(at(converted.available_root, std::nullopt));
      return changes;
    }
    case RecordType::split:
    case RecordType::split2: {
      const auto split = decode<SplitFields>(record.bytes);
      if (split.new_page != Pgno::null) changes.push_back(at(split.new_page, std::nullopt));
      if (split.right != Pgno::null) changes.push_back(at(split.right, split.right_before));
      return changes;
    }
    case RecordType::merge:
    case RecordType::merge2: {
      const auto merge = decode<MergeFields>(record.bytes);
      if (merge.right != Pgno::null) changes.push_back(at(merge.right, merge.right_before));
      if (merge.left != Pgno::null) changes.push_back(at(merge.left, merge.left_before));
      return changes;
    }
    case RecordType::empty_tree: {
      const auto tree = decode_record<EmptyTreeRecord>(record.bytes);
      for (Bytes rest = tree.parts[0]; rest.size() >= EmptyTreeEntry::kBytes;
           rest = rest.subspan(EmptyTreeEntry::kBytes)) {
        const auto entry = decode<EmptyTreeEntry>(rest);
        changes.push_back(at(entry.page, entry.before));
      }
      return changes;
    }
    default:
      return changes;
  }
}

void LogLinter::check(const LogRecord& record, const Change& change) {
  const auto last = last_.find(change.page);
  if (!change.before || last == last_.end()) return;
  ++counts_.links;
  if (*change.before == last->second) return;
  report(record.at, record_name(record.type()) + " changes " +
                        page_text(change.page.first, change.page.second) + " from dbtime " +
                        number(*change.before) + ", which was last left at " +
                        number(last->second));
}

void LogLinter::apply(const std::vector<Change>& changes) {
  for (const Change& change : changes) last_[change.page] = change.after;
}

// Inside a macro the changes count from its commit on, all together.
void LogLinter::on_page(const LogRecord& record) {
  const std::vector<Change> changes = changes_of(record);
  if (changes.empty()) return;
  const auto procid = Procid{load_le<std::uint16_t>(record.bytes.data() + 1)};
  const auto macro = macros_.find({procid, changes.front().after});
  for (const Change& change : changes) check(record, change);
  if (macro == macros_.end()) return apply(changes);
  macro->second.insert(macro->second.end(), changes.begin(), changes.end());
}

void LogLinter::on_macro(const LogRecord& record) {
  if (record.type() == RecordType::root_page_move) return;
  const auto macro = decode<MacroRecord>(record.bytes);
  const MacroKey key{macro.procid, macro.dbtime};
  const std::string name = "a macro of " + session_text(macro.procid);
  if (record.type() == RecordType::macro_begin) {
    ++counts_.macros;
    if (!macros_.emplace(key, std::vector<Change>()).second) {
      report(record.at, name + " is begun twice");
    }
    return;
  }
  const auto open = macros_.find(key);
  if (open == macros_.end()) {
    if (sessions_.contains(macro.procid)) report(record.at, name + " ends that was not begun");
    return;
  }
  if (record.type() == RecordType::macro_commit) apply(open->second);
  macros_.erase(open);
}

void LogLinter::on_level(const LogRecord& record) {
  const auto level = decode<LevelRecord>(record.bytes);
  const auto low = static_cast<std::uint8_t>(level.levels & 15);
  const auto count = static_cast<std::uint8_t>(level.levels >> 4);
  if (record.type() == RecordType::begin0) {
    ++counts_.transactions;
    const auto known = sessions_.find(level.procid);
    if (known != sessions_.end() && known->second.level != 0) {
      report(record.at, session_text(level.procid) + " begins a transaction inside another");
    }
    sessions_[level.procid].level = static_cast<std::uint8_t>(low + count);
    return;
  }
  const auto session = sessions_.find(level.procid);
  if (session == sessions_.end()) return;  // it began before the first record
  std::uint8_t& now = session->second.level;
  const auto expect = [&](bool fits, const char* what) {
    if (!fits) {
      report(record.at, session_text(level.procid) + " at level " + std::to_string(now) + " " +
                            what + " (" + std::to_string(level.levels) + ")");
    }
  };
  switch (record.type()) {
    case RecordType::begin:
      expect(now == low, "begins one from another level");
      now = static_cast<std::uint8_t>(low + count);
      break;
    case RecordType::commit:
    case RecordType::commit0:
      expect(now == level.levels + 1, "commits to a level that is not the one before");
      now = level.levels;
      break;
    case RecordType::rollback:
      ++counts_.rollbacks;
      expect(level.levels <= now, "rolls back more levels than there are");
      now = static_cast<std::uint8_t>(now - std::min(now, level.levels));
      break;
    default:
      break;
  }
}

// At a beginning or an end every session is forgotten. Only an orderly end owes that nothing is
// open; a beginning may follow a crash.
void LogLinter::on_run(const LogRecord& record) {
  if (is_quit(record.type())) {
    for (const auto& [procid, session] : sessions_) {
      if (session.level != 0) {
        report(record.at, session_text(procid) + " has a transaction open at the end of the run");
      }
    }
    if (!macros_.empty() && !sessions_.empty()) {
      report(record.at, "a macro is open at the end of the run");
    }
  }
  if (is_quit(record.type()) || begins_run(record.type())) {
    sessions_.clear();
    macros_.clear();
  }
}

// Another database under the same number has pages of its own.
void LogLinter::on_database(const LogRecord& record) {
  const bool creates = record.type() == RecordType::create_db;
  if (!creates && record.type() != RecordType::attach_db) return;
  const Dbid dbid = creates ? decode<CreateDbRecord>(record.bytes).dbid
                            : decode<AttachDbRecord>(record.bytes).dbid;
  const Signature signature = creates ? decode<CreateDbRecord>(record.bytes).database
                                      : decode<AttachDbRecord>(record.bytes).database;
  const auto known = databases_.find(dbid);
  const bool same = !creates && known != databases_.end() && known->second == signature;
  databases_[dbid] = signature;
  if (same) return;
  std::erase_if(last_, [&](const auto& entry) { return entry.first.first == dbid; });
}

// Without the old data the stream can still be measured against what the record says.
void LogLinter::check_difference(const LogRecord& record) {
  const auto diff = decode_record<ReplaceDiffRecord>(record.bytes);
  const bool wide = (diff.fixed.diff_bytes & ReplaceDiffRecord::kWide) != 0;
  const std::vector<std::byte> old_data(diff.fixed.old_bytes);
  const auto now =
      apply_diff(diff.parts[0], wide ? DiffForm::wide : DiffForm::narrow, old_data, kDifferenceMax);
  ++counts_.differences;
  if (!now) {
    report(record.at, "ReplaceD has a difference that does not fit the old size");
  } else if (now->size() != diff.fixed.new_bytes) {
    report(record.at, "ReplaceD makes " + std::to_string(now->size()) + " bytes instead of " +
                          std::to_string(diff.fixed.new_bytes));
  }
}

void LogLinter::add(const LogRecord& record) {
  ++counts_.records;
  const RecordKind* kind = record_kind(record.type());
  if (record.type() == RecordType::replace_diff) check_difference(record);
  switch (kind->record_class) {
    case RecordClass::page:
    case RecordClass::refused:
      on_page(record);
      break;
    case RecordClass::macro:
      on_macro(record);
      break;
    case RecordClass::database:
      on_database(record);
      break;
    case RecordClass::transaction:
      on_run(record);
      if (record.type() >= RecordType::begin && record.type() <= RecordType::commit0) {
        on_level(record);
      }
      break;
    case RecordClass::information:
    case RecordClass::framing:
      break;
  }
}

}  // namespace stillframe::ese
