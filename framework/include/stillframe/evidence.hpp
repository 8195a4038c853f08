// What was proven about a snapshot set, said per component, and the receipt that ends a backup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

namespace stillframe {

// From best to worst; a set is as good as its weakest component.
enum class Consistency {
  application_consistent =
      0,  // by the writer's word and clock its hold covered every cut of its files
  application_asserted = 1,  // command pairs said so; nothing proves it
  crash_consistent = 2,      // one atomic cut holds all its files
  fuzzy = 3,                 // its files were cut at different moments with nothing held
  failed = 4,
};

// How much one cut of a provider freezes at a single instant.
enum class Atomicity { set = 0, volume = 1, file = 2 };

// "Held from t1 to t2, unbroken": a writer's answer to thaw.
struct HoldStatement {
  BootTime held_from;
  BootTime held_until;
  bool unbroken = false;
  bool asserted_only = false;  // nothing but exit codes of commands stands behind it
  Duration longest_stall{0};  // the longest time one application write waited, as the writer saw it
  std::string broken_because;  // empty when unbroken
  friend bool operator==(const HoldStatement&, const HoldStatement&) = default;
};

// What of a volume was cut at an instant of its own: everything from `path` on down, but for what
// lies in a part that begins further down.
struct CutPart {
  BytePath path;  // on the live volume: its mount point, or a subvolume nested in it
  BootTime begun;
  BootTime ended;
  friend bool operator==(const CutPart&, const CutPart&) = default;
};

// When a provider cut one volume: nothing of the snapshot is older than `begun` or newer than
// `ended`.
struct CutRecord {
  SnapshotId snapshot;
  BootTime begun;
  BootTime ended;
  // Empty when the provider's atomicity holds for all of it. Otherwise each part is atomic, and
  // several together are not.
  std::vector<CutPart> parts = {};
  friend bool operator==(const CutRecord&, const CutRecord&) = default;
};

struct PhaseTime {
  std::string phase;  // "prepare_backup", "freeze", "commit", ...
  std::string who;    // writer or provider name; empty for the whole session
  BootTime begun;
  BootTime ended;
  std::string result;  // "ok" or the error's code name
  std::string detail;
  friend bool operator==(const PhaseTime&, const PhaseTime&) = default;
};

struct ComponentEvidence {
  WriterClassId writer_class;
  std::string instance_name;
  ComponentName name;
  Consistency label = Consistency::failed;
  std::string reason;  // one sentence: why this label and no better one
  std::optional<HoldStatement> hold;
  std::vector<SnapshotId> cuts;            // the snapshots its files are in
  std::vector<ComponentFailure> failures;  // what its writer said of this component alone
  UnknownFields unknown;
  friend bool operator==(const ComponentEvidence&, const ComponentEvidence&) = default;
};

struct SnapshotEvidence {
  SnapshotId snapshot;
  ProviderId provider;
  std::string provider_name;
  Atomicity atomicity = Atomicity::file;
  BytePath volume;  // where the volume is mounted
  std::optional<CutRecord> cut;
  UnknownFields unknown;
  friend bool operator==(const SnapshotEvidence&, const SnapshotEvidence&) = default;
};

struct FailedWriter {
  WriterIdentity identity;
  WriterProcess process;
  std::string phase;
  int code = 0;              // an Errc number
  int application_code = 0;  // the writer's own
  std::string message;
  friend bool operator==(const FailedWriter&, const FailedWriter&) = default;
};

struct Evidence {
  SessionId session;
  SetId set;
  std::string host;
  WallTime created;
  Consistency label = Consistency::failed;
  std::string reason;
  std::vector<ComponentEvidence> components;
  std::vector<SnapshotEvidence> snapshots;
  std::vector<FailedWriter> failed_writers;
  std::vector<PhaseTime> timeline;
  std::string outcome;  // "completed", "aborted", ...; appended last
  UnknownFields unknown;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// Proof that a backup was published: nothing is truncated without one.
struct Receipt {
  BackupId backup;
  SessionId session;
  SetId set;
  std::string manifest_sha256;  // 64 lower-case hex digits
  WallTime published;
  UnknownFields unknown;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

struct RestoredComponent {
  WriterClassId writer_class;
  std::string instance_name;
  ComponentName name;
  FileRestoreStatus status = FileRestoreStatus::undefined;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::string message;
  friend bool operator==(const RestoredComponent&, const RestoredComponent&) = default;
};

struct RestoreReport {
  SessionId session;
  BackupId backup;
  WallTime finished;
  std::string outcome;  // "restored", "waiting_for_start", "failed", "abandoned"
  std::vector<RestoredComponent> components;
  std::vector<PhaseTime> timeline;
  UnknownFields unknown;
  friend bool operator==(const RestoreReport&, const RestoreReport&) = default;
};

}  // namespace stillframe
