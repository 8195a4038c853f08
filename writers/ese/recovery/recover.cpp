#include "writers/ese/recovery/recover.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/recovery/generations_ahead.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese {

namespace {

constexpr std::string_view kJournalEnding = ".recovery";

// The databases have all changes of their logs up to here when this is none.
Result<std::optional<QuietPosition>> where_to_pause(Files& files, const RecoveryOptions& options,
                                                    const RecoveryPlan& plan) {
  Generation required = Generation::none;
  for (const PlannedDatabase& database : plan.databases) {
    if (database.action != PlannedAction::redo) continue;
    const auto header = options.databases.header(files, database.file);
    if (!header.ok()) return header.error();
    if (header.value()) required = std::max(required, header.value()->header.gen_max_required);
  }
  auto quiet = find_quiet_position(files, options, plan);
  if (!quiet.ok()) return quiet;
  // Before that the pages may be newer than the position, so it would not say what they have.
  if (quiet.value() && quiet.value()->generation < required) return std::optional<QuietPosition>();
  return quiet;
}

Status replay(Files& files, const RecoveryOptions& options, RecoveryPlan& plan, Redo& redo,
              ContinuedLog* log, const std::optional<QuietPosition>& pause) {
  const ChainLog* first = plan.logs.chain.find(plan.start.generation);
  if (Status begun = redo.begin(plan.start, plan.attached, first->header); !begun.ok())
    return begun;
  GenerationsAhead ahead(
      [&](Generation generation, bool last) -> Result<LogGeneration> {
        auto kept = plan.kept.extract(generation);
        if (!kept.empty()) return std::move(kept.mapped());
        return read_planned(files, options, plan.logs, generation, last);
      },
      plan.last);
  LogReader reader(
      [&](Generation generation, bool) {
        if (options.progress) {
          const auto from = static_cast<std::int32_t>(plan.start.generation);
          options.progress("replaying", static_cast<std::uint64_t>(generation) - from,
                           static_cast<std::uint64_t>(plan.last) - from + 1);
        }
        return ahead.take(generation);
      },
      plan.start.generation, plan.last, plan.start);
  for (std::uint64_t done = 0;; ++done) {
    if (pause && done == pause->records) return redo.pause(*pause);
    auto record = reader.next();
    if (!record.ok()) return record.error();
    if (!record.value()) return redo.finish(reader.end(), log, plan.ended_in_order);
    const Status applied = redo.apply(*record.value(), reader.generation()->header());
    if (!applied.ok()) return applied;
  }
}

// What a run leaves that refuses. The next run would do it as well, so failing to is no failure.
void remove_leftovers(Files& files, const RecoveryPlan& plan) {
  for (const PlannedDatabase& database : plan.databases) {
    if (!database.file.empty()) (void)discard_incomplete(files, database.file);
  }
}

// Databases that an interrupted run may have left a journal beside. Of copies these alone: what
// they are copies of is not touched.
Result<std::set<BytePath>> recovered_files(Files& files, const DatabasePlaces& places) {
  std::set<BytePath> databases;
  for (const auto& [file, copy] : places.copies) databases.insert(copy);
  if (!databases.empty()) return databases;
  for (const auto& [path, file] : places.by_path) databases.insert(file);
  databases.insert(places.by_signature.begin(), places.by_signature.end());
  if (places.as_logged || places.named_only) return databases;
  const auto names = files.list(places.directory);
  if (!names.ok()) return names.error();
  for (const std::string& name : names.value()) {
    if (!name.ends_with(kJournalEnding)) continue;
    databases.insert(places.directory + "/" + name.substr(0, name.size() - kJournalEnding.size()));
  }
  return databases;
}

Result<bool> settle_planned(Files& files, const RecoveryPlan& plan) {
  bool any = false;
  for (const PlannedDatabase& database : plan.databases) {
    const auto carried = carry_over(files, database.file);
    if (!carried.ok()) return carried.error();
    any = any || carried.value();
  }
  return any;
}

}  // namespace

Result<bool> settle_interrupted(Files& files, const RecoveryOptions& options) {
  const auto databases = recovered_files(files, options.databases);
  if (!databases.ok()) return databases.error();
  bool any = false;
  for (const BytePath& database : databases.value()) {
    const auto carried = carry_over(files, database);
    if (!carried.ok()) return carried.error();
    any = any || carried.value();
  }
  return any;
}

Result<RecoveryReport> recover(Files& files, const RecoveryOptions& options, ContinuedLog* log) {
  if (auto settled = settle_interrupted(files, options); !settled.ok()) return settled.error();
  auto plan = plan_recovery(files, options);
  if (!plan.ok()) return plan.error();
  if (options.databases.as_logged) {
    // Where the databases are, and so what an interrupted run left, only the log says.
    auto settled = settle_planned(files, plan.value());
    if (!settled.ok()) return settled.error();
    if (settled.value()) plan = plan_recovery(files, options);
    if (!plan.ok()) return plan.error();
  }
  RecoveryReport report{std::move(plan).value(), {}};
  const bool anything = report.plan.anything_to_do();
  if (!anything && log == nullptr) return report;
  if (!anything && report.plan.ended_in_order) {
    if (Status s = log->resume(report.plan.end, {}); !s.ok()) return s.error();
    return report;
  }
  // A log that goes on must say what became of open transactions, also where no database is left
  // that they were of. Nobody has written to a copy from a backup: what lies beside it sheltered
  // another file.
  for (const PlannedDatabase& database : report.plan.databases) {
    if (options.restored || !anything) break;
    if (database.file.empty()) continue;
    auto restored = restore_sheltered(files, database.file, shelter_path(database.file));
    if (!restored.ok()) return restored.error();
  }
  const ChainLog* first = report.plan.logs.chain.find(report.plan.start.generation);
  if (options.pause) {
    auto pause = where_to_pause(files, options, report.plan);
    if (!pause.ok()) return pause.error();
    report.paused = pause.value();
    if (!report.paused) return report;
  }
  Redo redo(files, options, report.plan.undone, first->header.fields.page_size());
  if (Status done = replay(files, options, report.plan, redo, log, report.paused); !done.ok()) {
    remove_leftovers(files, report.plan);
    return done.error();
  }
  report.plan.kept.clear();
  report.counts = redo.counts();
  return report;
}

}  // namespace stillframe::ese
