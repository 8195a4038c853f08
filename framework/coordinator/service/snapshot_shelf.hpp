// Finished snapshots: what providers have, joined with what the journal knows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/coordinator/session/services.hpp"

namespace stillframe::coordinator {

// Thread-safe. Handlers are called once, on a strand of the shelf's.
class SnapshotShelf {
 public:
  using Listed = std::function<void(Result<std::vector<SnapshotInfo>>)>;
  using Done = std::function<void(const Status&)>;

  explicit SnapshotShelf(const Services& services);

  // Every snapshot of every provider, and those of the journal that no provider has any more, with
  // the reason why they cannot be used.
  void list(Listed listed);

  // Each finds the snapshot's provider through the list; not_found names the snapshot.
  void remove(const SnapshotId& snapshot, Done done);
  void expose(const SnapshotId& snapshot, const BytePath& place, Done done);
  void unexpose(const SnapshotId& snapshot, Done done);
  void make_writable(const SnapshotId& snapshot, Done done);
  void revert(const SnapshotId& snapshot, const RevertOptions& options, Done done);

  // Deletes what sessions that are no longer `alive` were to take with them. Answers what is left:
  // persistent ones, and orphans that could not be deleted.
  void delete_orphans(std::function<bool(const SessionId&)> alive, Listed left);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with work that is under way
};

}  // namespace stillframe::coordinator
