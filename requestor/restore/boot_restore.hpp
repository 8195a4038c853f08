// Restores that wait for the next boot: their files lie beside their targets, and before any
// application starts `stillframe restore finish-staged` puts them in place.
//
//   PENDING/<session>-<component>.json    the restore's journal, one a component
//
// The journals are kept together in a folder that only their user can write, not beside the
// targets: what finishes them runs early, as root and unasked, and must not be led by a file that
// an application could have changed.
#pragma once

#include <functional>
#include <stop_token>

#include "requestor/backup/backup_run.hpp"
#include "requestor/restore/file_restorer.hpp"

namespace stillframe::requestor {

// /var/lib/stillframe/pending-restores, or below $XDG_STATE_HOME without root.
BytePath default_pending_folder();

// Which boot of the machine this is.
Result<std::string> current_boot();

class PendingRestores {
 public:
  // Makes the folder when it is missing. access_denied when somebody else could write to it.
  static Result<PendingRestores> open(const BytePath& folder);

  // Every journal in it; one that cannot be read has `problem` instead.
  struct Item {
    BytePath name;
    RestoreJournal journal;
    std::string problem;
  };
  Result<std::vector<Item>> list() const;

  Status write(const RestoreJournal& journal) const;  // durable when it returns
  Status remove(const RestoreJournal& journal) const;

  // in_progress when a restore that waits has one of the places where `journal` would write.
  Status refuse_overlap(const RestoreJournal& journal) const;

 private:
  explicit PendingRestores(Tree tree) : tree_(std::move(tree)) {}
  Tree tree_;
};

// Writes the files of `journal` beside their targets and leaves it pending. On an error nothing is
// left behind. `journal` gets the folders' real paths: they must be the same at the boot.
Result<RestoreCounts> stage_for_boot(const PendingRestores& pending, RestoreJournal& journal,
                                     const std::map<BytePath, StoredFile>& files,
                                     const FileRestorer::Progress& progress);

enum class StagedState {
  finished,    // its files are in place
  waiting,     // staged during this boot
  incomplete,  // its requestor died before everything was staged; only taking it back is left
  failed,      // `problem` says why; another run goes on where this one stopped
};
std::string_view to_string(StagedState state) noexcept;

struct StagedRestore {
  BytePath name;
  std::string target;
  StagedState state = StagedState::waiting;
  std::string problem;
  std::uint64_t files = 0;
};

struct FinishRequest {
  BytePath pending;
  bool now = false;                     // also what was staged during this boot
  bool look = false;                    // only say what there is
  std::string boot;                     // empty: current_boot()
  FileRestorer::StepObserver observer;  // tests kill the process there
};

// Puts the files of every restore that waited into place. One that fails does not keep the others.
Result<std::vector<StagedRestore>> finish_staged(const FinishRequest& request);

// Takes back the restores that wait for files in `target` or below it; not_found when there is
// none. One whose swap has begun gets its old files back; one that is through is refused
// (wrong_state).
Result<std::vector<StagedRestore>> abandon_staged(const BytePath& pending, const BytePath& target);

}  // namespace stillframe::requestor
