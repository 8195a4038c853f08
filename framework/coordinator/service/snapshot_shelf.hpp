// Finished snapshots: what providers have, joined with what the journal knows.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/coordinator/session/services.hpp"

namespace stillframe::coordinator {

// A session that snapshots belong to and that is not over.
struct SessionAtWork {
  std::string requestor;
  bool ended = false;  // but calls of it are still under way
};
// Nothing for sessions that are over, and for those of earlier runs. Any thread.
using FindSession = std::function<std::optional<SessionAtWork>(const SessionId&)>;

// Thread-safe. Handlers are called once, on a strand of the shelf's.
class SnapshotShelf {
 public:
  using Listed = std::function<void(Result<std::vector<SnapshotInfo>>)>;
  using Done = std::function<void(const Status&)>;

  SnapshotShelf(const Services& services, FindSession find_session);

  // Every snapshot of every provider, and those of the journal that no provider has any more, with
  // the reason why they cannot be used.
  void list(Listed listed);

  // Each finds the snapshot's provider through the list; not_found names the snapshot. Removing,
  // changing and reverting are in_use, with the requestor, while a session still works with it.
  void remove(const SnapshotId& snapshot, Done done);
  void expose(const SnapshotId& snapshot, const BytePath& place, Done done);
  void unexpose(const SnapshotId& snapshot, Done done);
  void make_writable(const SnapshotId& snapshot, Done done);
  void revert(const SnapshotId& snapshot, const RevertOptions& options, Done done);

  // Deletes what sessions that are over were to take with them. Answers what is left: persistent
  // ones, and orphans that could not be deleted.
  void delete_orphans(Listed left);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with work that is under way
};

}  // namespace stillframe::coordinator
