#include "writers/ese/recovery/recovery_plan.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/recovery/generations_ahead.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/log_lifecycle.hpp"

namespace stillframe::ese {

namespace {

Generation before(Generation generation) {
  return Generation{static_cast<std::int32_t>(generation) - 1};
}

// The newest generation that follows the ones before it, and why the chain ends there.
struct Usable {
  Generation first = Generation::none, last = Generation::none;
  const ChainFinding* broken_behind = nullptr;
};

Usable part_from(const LogChain& chain, Generation first) {
  Usable usable{first, chain.newest(), nullptr};
  for (const ChainFinding& finding : chain.findings) {
    if (finding.generation <= first) continue;
    usable.last = before(finding.generation);
    usable.broken_behind = &finding;
    break;
  }
  return usable;
}

// The oldest generation from which the logs follow each other up to `generation`.
Generation oldest_before(const LogChain& chain, Generation generation) {
  Generation first = chain.logs.front().generation();
  for (const ChainFinding& finding : chain.findings) {
    if (finding.generation <= generation) first = std::max(first, finding.generation);
  }
  return first;
}

bool ends_run(RecordType type) {
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

class Planner {
 public:
  Planner(Files& files, const RecoveryOptions& options) : files_(files), options_(options) {}

  Result<RecoveryPlan> plan() {
    auto set = options_.restored ? read_restored_logs(files_, *options_.restored, options_.base)
                                 : read_log_set(files_, options_.logs, options_.base);
    if (!set.ok()) return set.error();
    plan_.logs = std::move(set).value();
    if (options_.restored) return plan_restored();
    if (!options_.system.empty()) {
      plan_.logs.checkpoint = read_checkpoint_of(files_, options_.system, options_.base);
    }
    if (Status there = check_logs(); !there.ok()) return there.error();
    bool done = false;
    const bool given = options_.from != Generation::none;
    if (const Checkpoint* found = given ? nullptr : checkpoint()) {
      auto followed = follow_checkpoint(*found);
      if (!followed.ok()) return followed.error();
      done = followed.value();
      plan_.from_checkpoint = done;
    }
    if (!done) {
      const Generation oldest = given ? options_.from : oldest_needed();
      const ChainLog& log = *chain().find(oldest_before(chain(), oldest));
      auto followed = follow(beginning_of(log), log.header.attachments, false);
      if (!followed.ok()) return followed.error();
    }
    if (Status judged = judge_databases(); !judged.ok()) return judged.error();
    return std::move(plan_);
  }

 private:
  const LogChain& chain() const { return plan_.logs.chain; }

  Result<RecoveryPlan> plan_restored() {
    const ChainLog* first = chain().find(options_.restored->low);
    if (first == nullptr) {
      return ese_error(EseErr::file_not_found, "log " + hexadecimal(options_.restored->low) +
                                                   " of the backup is not in '" +
                                                   escape_path(options_.restored->set) + "'");
    }
    auto followed = follow(beginning_of(*first), first->header.attachments, false);
    if (!followed.ok()) return followed.error();
    if (Status judged = judge_databases(); !judged.ok()) return judged.error();
    if (Status named = check_all_named(); !named.ok()) return named.error();
    return std::move(plan_);
  }

  Status check_all_named() const {
    for (const auto& [path, file] : options_.databases.by_path) {
      const auto& all = databases_.all();
      const bool found =
          std::any_of(all.begin(), all.end(), [&wanted = file](const KnownDatabase& known) {
            return known.file == wanted && known.took_part;
          });
      if (found) continue;
      return ese_error(EseErr::attached_database_mismatch,
                       "the logs of the backup have no database '" + path + "', as which '" +
                           escape_path(file) + "' is to be restored");
    }
    return Ok{};
  }

  Status check_logs() {
    for (const BadLogFile& bad : plan_.logs.bad) {
      plan_.notes.push_back("'" + escape_path(bad.file) + "' is left out: " + bad.error.what());
    }
    if (chain().logs.empty()) {
      if (!plan_.logs.bad.empty()) return plan_.logs.bad.front().error;
      return ese_error(EseErr::missing_log_file, "'" + escape_path(options_.logs) +
                                                     "' has no log of '" + options_.base + "'");
    }
    if (chain().rolling) {
      plan_.notes.push_back("the writer stopped while it began a new log; the others are whole");
    }
    return Ok{};
  }

  // A checkpoint that can be believed; it is treated as absent otherwise.
  const Checkpoint* checkpoint() {
    const auto& found = plan_.logs.checkpoint;
    const auto ignore = [&](const std::string& why) {
      plan_.notes.push_back("the checkpoint is not used: " + why);
      return nullptr;
    };
    if (!found) return ignore("there is none");
    if (!found->ok()) return ignore(found->error().what());
    const Checkpoint& checkpoint = found->value().checkpoint;
    const ChainLog* log = chain().find(checkpoint.fields.checkpoint.generation);
    if (log == nullptr) {
      return ignore("the log of its generation " +
                    hexadecimal(checkpoint.fields.checkpoint.generation) + " is not there");
    }
    if (checkpoint.fields.log != log->header.fields.log) {
      return ignore("it belongs to another sequence of logs");
    }
    return &checkpoint;
  }

  static Lgpos beginning_of(const ChainLog& log) {
    return {0, log.header.fields.header_segments, log.generation()};
  }

  // A checkpoint without a list of its own stands for the whole generation: what was attached where
  // that begins is in its header. False when the logs have to be read from further back.
  Result<bool> follow_checkpoint(const Checkpoint& checkpoint) {
    const ChainLog& log = *chain().find(checkpoint.fields.checkpoint.generation);
    auto followed = checkpoint.attachments_valid()
                        ? follow(checkpoint.fields.checkpoint, checkpoint.attachments, true)
                        : follow(beginning_of(log), log.header.attachments, true);
    if (!followed.ok() || !followed.value()) return followed;
    // After an orderly end nothing is attached there; what the older logs tell is worth knowing.
    if (databases_.all().empty()) return false;
    const auto& all = databases_.all();
    return std::none_of(all.begin(), all.end(), [](const KnownDatabase& database) {
      return !database.took_part && !(database.header && !needs_logs(*database.header));
    });
  }

  // What the databases need that any log speaks of; the newest log if none is dirty.
  Generation oldest_needed() {
    Generation oldest = chain().newest();
    for (const ChainLog& log : chain().logs) {
      for (const Attachment& attachment : log.header.attachments) {
        const auto header = header_of(
            options_.databases.place(files_, attachment.path(), attachment.entry.database));
        if (!header.ok() || !header.value() || header.value()->header.clean()) continue;
        const Generation needed = header.value()->header.gen_min_required;
        if (needed != Generation::none) oldest = std::min(oldest, needed);
      }
    }
    return oldest;
  }

  // Reads the logs from `start` and follows the databases through them. False if it has to begin
  // earlier: a listed database is older than its attachment.
  Result<bool> follow(Lgpos start, std::vector<Attachment> attached, bool may_go_back) {
    databases_ = AttachedDatabases(files_, options_.databases);
    lifecycle_ = LogLifecycle(databases_);
    plan_.start = start;
    plan_.attached = std::move(attached);
    usable_ = part_from(chain(), start.generation);
    plan_.last = usable_.last;
    const ChainLog* first = chain().find(start.generation);
    if (Status begun = lifecycle_.begin(plan_.attached, first->header); !begun.ok()) {
      if (may_go_back) return false;
      return begun.error();
    }
    for (const KnownDatabase& database : databases_.all()) {
      if (!database.took_part || !lacks_changes(database)) continue;
      if (may_go_back) return false;
      return ese_error(
          EseErr::required_log_files_missing,
          "'" + escape_path(database.file) + "' needs the log from where it was attached, " +
              to_text(database.attached_at) + ", but the logs begin at " + to_text(start));
    }
    if (Status read = read_logs(); !read.ok()) return read.error();
    return true;
  }

  Result<std::optional<HeaderFound>> header_of(const BytePath& file) const {
    if (file.empty()) return std::optional<HeaderFound>();
    return options_.databases.header(files_, file);
  }

  // The file is from before it was attached, so it has none of the changes since.
  bool lacks_changes(const KnownDatabase& database) {
    const auto header = header_of(database.file);
    return header.ok() && header.value() &&
           header.value()->header.lgpos_attach < database.attached_at;
  }

  void keep(LogGeneration log) {
    const std::uint64_t bytes = log.header().fields.file_bytes();
    kept_bytes_ += bytes;
    if (kept_bytes_ > kKeptLogBytesMax) return;
    const Generation generation = log.generation();
    plan_.kept.emplace(generation, std::move(log));
  }

  Status read_logs() {
    plan_.kept.clear();
    kept_bytes_ = 0;
    GenerationsAhead ahead(
        [this](Generation generation, bool last) {
          return read_planned(files_, options_, plan_.logs, generation, last);
        },
        plan_.last);
    LogReader reader(
        [this, &ahead](Generation generation, bool) {
          if (options_.progress) {
            const auto first = static_cast<std::int32_t>(plan_.start.generation);
            options_.progress("planning", static_cast<std::uint64_t>(generation) - first,
                              static_cast<std::uint64_t>(plan_.last) - first + 1);
          }
          return ahead.take(generation);
        },
        plan_.start.generation, plan_.last, plan_.start,
        [this](LogGeneration log) { keep(std::move(log)); });
    plan_.records = 0;
    plan_.undone = {};
    for (;;) {
      auto record = reader.next();
      if (!record.ok()) return record.error();
      if (!record.value()) break;
      ++plan_.records;
      plan_.ended_in_order = ends_run(record.value()->type());
      plan_.undone.look_at(*record.value());
      const Status followed = lifecycle_.follow(*record.value(), reader.generation()->header());
      if (!followed.ok()) return followed;
    }
    plan_.end = reader.end();
    plan_.undone.end();
    return Ok{};
  }

  Status judge_databases() {
    bool any = false;
    for (const KnownDatabase& known : databases_.all()) {
      PlannedDatabase planned{known.logged_path, known.file, PlannedAction::set_aside, known.aside,
                              !known.attached};
      auto header = header_of(known.file);
      if (!header.ok()) return header.error();
      if (known.created && known.unfinished) {
        planned.why = "its creation was not finished; create it again";
        plan_.notes.push_back("'" + escape_path(known.file) + "' is left: " + planned.why);
        plan_.databases.push_back(std::move(planned));
        any = true;
        continue;
      }
      if (known.took_part) {
        planned.action = known.created ? PlannedAction::create : PlannedAction::redo;
        if (Status enough = check_ranges(known, header.value()); !enough.ok()) return enough;
      } else if (header.value() && header.value()->header.clean()) {
        if (Status same = check_history(known, header.value()->header); !same.ok()) return same;
        planned.action = PlannedAction::nothing;
      }
      any = any || planned.action != PlannedAction::set_aside;
      if (planned.action == PlannedAction::set_aside) {
        if (header.value() && needs_logs(header.value()->header)) return left_dirty(known);
        if (Status allowed = check_missing(known); !allowed.ok()) return allowed;
        plan_.notes.push_back("'" + name_in_notes(known) + "' is set aside: " + known.aside);
      }
      plan_.databases.push_back(std::move(planned));
    }
    if (usable_.broken_behind != nullptr) {
      plan_.notes.push_back(
          "logs from generation " + hexadecimal(usable_.broken_behind->generation) +
          " on are not replayed, nothing needs them: " + usable_.broken_behind->what);
    }
    if (any || plan_.databases.empty() || plan_.ended_in_order) return Ok{};
    if (options_.missing == MissingDatabases::ignored) return Ok{};
    return ese_error(EseErr::attached_database_mismatch,
                     "none of the databases of these logs is there" +
                         (plan_.notes.empty() ? "" : ": " + plan_.notes.back()));
  }

  const LogHeader& first_log() const { return chain().find(plan_.start.generation)->header.fields; }

  static bool needs_logs(const DatabaseHeader& header) {
    return !header.clean() && header.state != DbState::just_created;
  }

  static std::string name_in_notes(const KnownDatabase& known) {
    return escape_path(known.file.empty() ? known.logged_path : known.file);
  }

  Status check_missing(const KnownDatabase& known) const {
    if (options_.missing != MissingDatabases::refused || !known.absent_as) return Ok{};
    return ese_error(EseErr::attached_database_mismatch,
                     "'" + name_in_notes(known) + "' was in use when the logs ended, and " +
                         known.aside + "; say where it is, or that it may be left out");
  }

  Error left_dirty(const KnownDatabase& known) const {
    return ese_error(EseErr::attached_database_mismatch,
                     "'" + escape_path(known.file) +
                         "' was not shut down, and these logs cannot help: " + known.aside);
  }

  // Whether the logs reach as far as the file does.
  Status check_ranges(const KnownDatabase& known, const std::optional<HeaderFound>& found) {
    if (!found || found->header.clean()) return Ok{};
    const DatabaseHeader& header = found->header;
    const std::string name = "'" + escape_path(known.file) + "'";
    const auto until = [&](Generation needed) {
      return " up to " + hexadecimal(needed) + ", but they end with " + hexadecimal(plan_.last) +
             (usable_.broken_behind == nullptr ? "" : ": " + usable_.broken_behind->what);
    };
    if (header.gen_max_required > plan_.last) {
      return ese_error(EseErr::required_log_files_missing,
                       name + " needs logs" + until(header.gen_max_required));
    }
    if (header.gen_max_committed > plan_.last) {
      const std::string what =
          name + " has committed transactions in logs" + until(header.gen_max_committed);
      if (!options_.accept_lost_commits) {
        return ese_error(EseErr::committed_log_files_missing, what);
      }
      plan_.notes.push_back(what + "; they are lost");
      plan_.commits_lost = true;
    }
    return check_creation_times(name, header);
  }

  // Logs of the same numbers may have another past, wherever they begin to differ.
  Status check_creation_times(const std::string& name, const DatabaseHeader& header) const {
    if (Status s = check_created(name, header.gen_max_required, header.time_gen_max_required);
        !s.ok())
      return s;
    return check_created(name, header.gen_max_committed, header.time_gen_max_create);
  }

  Status check_created(const std::string& name, Generation generation, const LogTime& at) const {
    const ChainLog* log = chain().find(generation);
    if (log == nullptr || !at.set() || log->header.fields.created == at) return Ok{};
    return ese_error(EseErr::invalid_log_sequence,
                     "log '" + log->file + "' is not the one that " + name +
                         " was last used with: it was created at another time");
  }

  // A clean file that the logs know must have been shut down where the file says it was.
  Status check_history(const KnownDatabase& known, const DatabaseHeader& header) const {
    const Lgpos consistent = header.lgpos_consistent;
    const bool own_logs = header.sign_log == first_log().log;
    if (!own_logs || consistent.none() || consistent < plan_.start) return Ok{};
    if (lifecycle_.shutdowns().contains(consistent)) return Ok{};
    const bool ahead = consistent > plan_.end.position;
    return ese_error(EseErr::consistent_time_mismatch,
                     "'" + escape_path(known.file) + "' was shut down at " + to_text(consistent) +
                         ", which is " +
                         (ahead ? "behind the end of the logs, "
                                : "not so in these "
                                  "logs, which end at ") +
                         to_text(plan_.end.position) + "; they are of another history");
  }

  Files& files_;
  const RecoveryOptions& options_;
  RecoveryPlan plan_;
  std::uint64_t kept_bytes_ = 0;
  AttachedDatabases databases_{files_, {}};
  LogLifecycle lifecycle_{databases_};
  Usable usable_;
};

}  // namespace

std::string_view name_of(PlannedAction action) noexcept {
  switch (action) {
    case PlannedAction::redo:
      return "redo";
    case PlannedAction::create:
      return "create";
    case PlannedAction::nothing:
      return "nothing";
    case PlannedAction::set_aside:
      return "set aside";
  }
  return "unknown";
}

bool RecoveryPlan::anything_to_do() const {
  return std::any_of(databases.begin(), databases.end(), [](const PlannedDatabase& database) {
    return database.action == PlannedAction::redo || database.action == PlannedAction::create;
  });
}

Result<LogGeneration> read_planned(Files& files, const RecoveryOptions& options, const LogSet& logs,
                                   Generation generation, bool last) {
  const bool of_set = options.restored && generation <= options.restored->high;
  auto log = read_generation(files, logs, generation, last && !of_set);
  if (log.ok() || !options.restored) return log;
  const auto torn = read_generation(files, logs, generation, true);
  const bool is_torn = torn.ok() && torn.value().end() == LogEnd::torn;
  using enum EseErr;
  const EseErr err =
      of_set ? (is_torn ? log_torn_write_during_hard_restore : log_corrupt_during_hard_restore)
             : (is_torn ? log_torn_write_during_hard_recovery : log_corrupt_during_hard_recovery);
  return ese_error(err, "log " + hexadecimal(generation) +
                            (of_set ? " of the backup is damaged: " : " is damaged: ") +
                            log.error().what());
}

Result<RecoveryPlan> plan_recovery(Files& files, const RecoveryOptions& options) {
  return Planner(files, options).plan();
}

}  // namespace stillframe::ese
