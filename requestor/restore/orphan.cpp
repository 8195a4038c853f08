#include "requestor/restore/orphan.hpp"

#include "requestor/restore/file_restorer.hpp"

namespace stillframe::requestor {
namespace {

struct Orphan {
  std::optional<InterlockRecord> record;
  std::optional<RestoreJournal> journal;
};

Result<Orphan> load(const BytePath& folder) {
  Orphan orphan;
  auto record = read_interlock(folder);
  if (record.ok()) orphan.record = std::move(record).value();
  if (!record.ok() && record.error().code() != Errc::not_found) return record.error();
  auto journal = read_journal(folder);
  if (journal.ok()) orphan.journal = std::move(journal).value();
  if (!journal.ok() && journal.error().code() != Errc::not_found) return journal.error();
  if (orphan.record || orphan.journal) return orphan;
  return Error(Errc::not_found, "'" + escape_path(folder) +
                                    "' holds no unfinished restore (no restore.env and no " +
                                    std::string(kRestoreJournalName) + ")");
}

Status complete(const BytePath& folder, InterlockRecord& record, const std::string& failure) {
  record.state = failure.empty() ? InterlockRecord::State::copied : InterlockRecord::State::failed;
  record.failure = failure;
  return update_interlock(folder, record);
}

// Only the requestor's last step was missing: the target may have started since, so its files must
// not be written again.
bool completed_already(const Orphan& orphan) {
  if (orphan.journal->phase == RestorePhase::swapped) return true;
  if (!orphan.journal->staged) return false;
  return !orphan.record || orphan.record->state == InterlockRecord::State::copied ||
         orphan.record->state == InterlockRecord::State::recovered;
}

Result<OrphanOutcome> tidy_up(const BytePath& folder, const RestoreJournal& journal) {
  const std::map<BytePath, StoredFile> none;
  if (Status s = FileRestorer(journal, none).drop_old(); !s.ok()) return s.error();
  if (Status s = remove_journal(folder); !s.ok()) return s.error();
  OrphanOutcome outcome;
  outcome.may_start = true;
  return outcome;
}

}  // namespace

Result<OrphanOutcome> resume_restore(const BytePath& folder, RunObserver& observer) {
  auto orphan = load(folder);
  if (!orphan.ok()) return orphan.error();
  OrphanOutcome outcome;
  if (orphan.value().record) outcome.target = orphan.value().record->target;
  if (!orphan.value().journal) {
    return Error(Errc::wrong_state,
                 "the restore of '" + escape_path(folder) +
                     "' was interrupted before its plan was written; run stillframe restore "
                     "abandon on it and restore again");
  }
  RestoreJournal& journal = *orphan.value().journal;
  if (completed_already(orphan.value())) return tidy_up(folder, journal);
  auto source = ChainSource::open(journal.set);
  if (!source.ok()) return source.error();
  if (journal.component >= source.value().newest().manifest().components.size()) {
    return Error(Errc::corrupt, "the restore journal does not fit its backup set");
  }
  const auto files = source.value().files_of(journal.component);
  FileRestorer restorer(journal, files);
  std::uint64_t done = 0;
  auto counts = restorer.run([&](std::uint64_t bytes) {
    observer.progress("restore", outcome.target, done += bytes, 0);
    return true;
  });
  if (!counts.ok()) return counts.error();
  if (orphan.value().record) {
    if (Status s = complete(folder, *orphan.value().record, ""); !s.ok()) return s.error();
  }
  journal.phase = RestorePhase::swapped;
  if (Status s = write_journal(folder, journal); !s.ok()) return s.error();
  if (!journal.keep_old) {
    if (Status s = restorer.drop_old(); !s.ok()) observer.warning(s.error().what());
  }
  if (Status s = remove_journal(folder); !s.ok()) return s.error();
  outcome.files = counts.value().files;
  outcome.bytes = counts.value().bytes;
  outcome.may_start = true;
  return outcome;
}

Result<OrphanOutcome> abandon_restore(const BytePath& folder, bool allow_start) {
  auto orphan = load(folder);
  if (!orphan.ok()) return orphan.error();
  OrphanOutcome outcome;
  if (orphan.value().record) outcome.target = orphan.value().record->target;
  const bool recovered =
      orphan.value().journal && (orphan.value().journal->phase == RestorePhase::swapped ||
                                 (completed_already(orphan.value()) && !orphan.value().record));
  if (recovered) {
    return Error(Errc::wrong_state, "the restore of '" + escape_path(folder) +
                                        "' is complete and its old files are being removed; run "
                                        "stillframe restore resume to remove what is left of it");
  }
  if (orphan.value().journal) {
    const std::map<BytePath, StoredFile> none;
    FileRestorer restorer(*orphan.value().journal, none);
    if (Status s = restorer.put_back(); !s.ok()) return s.error();
  }
  if (orphan.value().record) {
    // Said before the journal goes: killed in between, the target still does not start.
    Status completed = complete(folder, *orphan.value().record,
                                "the restore was abandoned; the old files are back");
    if (!completed.ok()) return completed.error();
  }
  if (Status s = remove_journal(folder); !s.ok()) return s.error();
  outcome.may_start = allow_start || !orphan.value().record;
  if (allow_start && orphan.value().record) {
    if (Status s = remove_interlock(folder); !s.ok()) return s.error();
  }
  return outcome;
}

}  // namespace stillframe::requestor
