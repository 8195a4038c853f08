// One backup from begin to outcome: what `stillframe backup` does, for programs too.
#pragma once

#include <stop_token>
#include <vector>

#include <stillframe/requestor.hpp>
#include <stillframe/verifier.hpp>

#include "framework/lists/machine_lists.hpp"
#include "requestor/backup/source_map.hpp"
#include "requestor/store/backup_set.hpp"
#include "requestor/store/set_builder.hpp"

namespace stillframe::requestor {

// Opens what a session's snapshots hold.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  virtual Result<SourceMap> open(const SessionId& session,
                                 const std::vector<SnapshotInfo>& snapshots) = 0;
};

struct BackupRequest {
  BytePath store;
  BackupOptions options;
  SnapshotOptions snapshot;
  std::vector<ComponentSelector> selectors;  // empty: everything
  bool no_writers = false;                   // select nothing: at best crash-consistent
  std::vector<BytePath> volumes;             // copied whole; all of the set, without component mode
  BytePath exclude_lists = kExcludeFromBackupFolder;  // of the machine, for whole volumes
  bool prefer_streams = false;                        // where a writer can deliver its files itself
  int copy_threads = 2;
  std::vector<Verifier*> verifiers;  // each works in sandboxed children; not owned
  // Where the snapshots of a coordinator on another machine are read; null: by their paths, here.
  // Not owned.
  SnapshotSource* elsewhere = nullptr;
};

// Told how far a run is. Any thread; calls do not overlap.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // A phase of the session or of the copy; `total` 0: not known.
  virtual void progress(const std::string& phase, const std::string& who, std::uint64_t done,
                        std::uint64_t total) = 0;
  virtual void warning(const std::string& message) = 0;
  virtual void remark(const std::string&) {}  // what only the curious want to read
  // Where a publication stands; tests kill the process there.
  virtual void publishing(PublishStep) {}
};

struct ComponentOutcome {
  ManifestComponent component;
  Consistency label = Consistency::failed;
  std::string reason;
};

struct BackupReport {
  BytePath path;  // of the published set
  Receipt receipt;
  Evidence evidence;
  std::vector<ComponentOutcome> components;
  std::vector<WriterStatus> writers;  // after backup-complete
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  // Pipes, devices and sockets: noted in the manifest, without content.
  std::vector<std::pair<BytePath, FileKind>> special_files;
  // What came after publication: the set is good even when this is not. A component that failed is
  // partial_failure.
  Status finish = Ok{};
};

// Passes on what writers say the requestor must answer for.
void warn_of(const std::vector<WriterStatus>& writers, RunObserver& observer);

// An error means that no set was published. A stop request cancels the session and the copy.
Result<BackupReport> run_backup(Client& client, const BackupRequest& request, RunObserver& observer,
                                std::stop_token stop = {});

}  // namespace stillframe::requestor
