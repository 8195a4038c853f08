// One component of a restore, from the interlock to its completion.
#pragma once

#include <stop_token>

#include "requestor/restore/file_restorer.hpp"
#include "requestor/restore/restore_run.hpp"

namespace stillframe::requestor {

struct ComponentToRestore {
  std::uint32_t manifest_index = 0;
  const WriterMetadata* stored = nullptr;  // metadata from the set
  std::vector<const Component*> members;   // of `stored`
  BackupComponent component;               // as the writer left it
  std::map<BytePath, StoredFile> files;    // of `members`
  const WriterStatus* live = nullptr;      // null: the writer is not there
};

class ComponentRestorer {
 public:
  ComponentRestorer(RestoreSession& session, const RestoreRequest& request,
                    const ChainSource& source, RunObserver& observer)
      : session_(session), request_(request), source_(source), observer_(observer) {}

  // Registers with the writer if it stages restores, copies, completes. The component's own result
  // in the answer; files are back as they were when it is an error.
  RestoredComponent restore(const ComponentToRestore& component, Status& result,
                            std::stop_token stop);

  // Whether any component so far waits for the next boot, or its writer wants one.
  bool waits_for_boot() const noexcept { return waits_for_boot_; }
  bool wants_reboot() const noexcept { return wants_reboot_; }

 private:
  Status register_with_writer(const ComponentToRestore& component);
  Result<RestoreCounts> copy(const ComponentToRestore& component, const Placement& placement,
                             std::stop_token stop);
  // For the next boot: beside the targets, none of which is touched.
  Result<RestoreCounts> stage(const ComponentToRestore& component, const Placement& placement,
                              std::stop_token stop);
  Result<RestoreJournal> journal_for(const ComponentToRestore& component,
                                     const Placement& placement) const;
  FileRestorer::Progress progress_of(const ComponentToRestore& component,
                                     const Placement& placement, std::stop_token stop) const;
  void report_left_out(const Placement& placement, const RestoreCounts& counts);
  Status clear_finished_journal() const;
  void clean_up();
  BytePath journal_folder(const Placement& placement) const;

  RestoreSession& session_;
  const RestoreRequest& request_;
  const ChainSource& source_;
  RunObserver& observer_;
  std::vector<RestoreLocation> locations_;
  bool registered_ = false;
  bool restored_ = false;  // every file of the component is in place
  bool waits_for_boot_ = false, wants_reboot_ = false;
  std::optional<RestoreJournal> journal_;  // stands beside the target in `folder_`
  BytePath folder_;
};

}  // namespace stillframe::requestor
