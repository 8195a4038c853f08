// What an application implements to be backed up consistently. Override what you need: identity()
// and identify() are enough to be listed, freeze() and thaw() to be consistent.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <stillframe/documents.hpp>

namespace stillframe {

// Told when a verb should give up; checked by long-running writers. Any thread.
class CancelToken {
 public:
  virtual ~CancelToken() = default;
  virtual bool cancelled() const noexcept = 0;
};

// Where a writer says how far a long verb is. Any thread; cheap enough to call often.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void report(std::uint64_t done, std::uint64_t total, std::string_view what) = 0;
};

// What every verb is told about the session that makes the call.
struct CallContext {
  SessionId session;
  Deadline deadline{BootTime{}};        // the answer is not wanted after this
  const CancelToken* cancel = nullptr;  // never null while a verb runs
  ProgressSink* progress = nullptr;     // never null while a verb runs
};

// A writer's own part of the backup document. The writer may edit the fields marked "writer" of its
// components; edits to others are refused with Errc::invalid_argument.
struct BackupView {
  SetId set;
  BackupType type = BackupType::full;
  bool component_mode = true;
  bool bootable_system_state = false;
  bool partial_file_support = false;
  std::vector<BackupComponent> components;
  friend bool operator==(const BackupView&, const BackupView&) = default;
};

struct VolumeInSet {
  BytePath mount_point;
  SnapshotId snapshot;
  BytePath
      snapshot_root;  // where the volume's snapshot can be written; empty before post_snapshot()
  friend bool operator==(const VolumeInSet&, const VolumeInSet&) = default;
};

struct SnapshotSetView {
  SetId set;
  // Taken to roll back to, rather than to back up: what says so (rollback_recovery) is to be
  // recovered in it.
  bool for_rollback = false;
  std::vector<VolumeInSet> volumes;

  // The volume of the set that `path` lies on, by longest mount point; null when it holds none.
  const VolumeInSet* volume_of(const BytePath& path) const;
  bool covers(const BytePath& path) const { return volume_of(path) != nullptr; }
  // `path` inside its volume's snapshot; not_found when the set does not cover it.
  Result<BytePath> in_snapshot(const BytePath& path) const;
  friend bool operator==(const SnapshotSetView&, const SnapshotSetView&) = default;
};

struct FilesTakenOut {
  std::uint64_t files = 0;
  std::vector<std::string> notes;  // what could not be looked at or deleted, and why
};

// For post_snapshot(): deletes the files that `excluded` names from the snapshots of `set`, and
// never from the volumes themselves; what a writer declared in exclude_from_snapshot, it takes out
// with this. Variables are those of this process. Best effort: a snapshot that is read-only or a
// place that is not in the set stays as it is, and only a path that is none is an error.
Result<FilesTakenOut> take_out_of_snapshots(const SnapshotSetView& set,
                                            const std::vector<ExcludedFiles>& excluded);

struct StreamRequest {
  ComponentName component;
  BytePath file;  // as the component's file set names it
  friend bool operator==(const StreamRequest&, const StreamRequest&) = default;
};

struct StreamInfo {
  std::uint64_t handle = 0;
  std::uint64_t size = 0;       // bytes the stream will deliver
  std::uint32_t read_unit = 1;  // reads must be multiples of this many bytes
  friend bool operator==(const StreamInfo&, const StreamInfo&) = default;
};

struct LogFile {
  BytePath path;
  std::uint64_t generation = 0;
  bool required = false;  // a restore of this backup fails without it
  friend bool operator==(const LogFile&, const LogFile&) = default;
};

struct LogList {
  std::uint64_t low = 0, high = 0;  // generations, inclusive; high < low means none
  std::vector<LogFile> files;
  friend bool operator==(const LogList&, const LogList&) = default;
};

enum class VerifyVerdict { good = 0, damaged = 1, not_checked = 2 };

struct VerifyRequest {
  ComponentName component;
  BytePath root;  // where the component's files stand: a snapshot or a restored copy
  friend bool operator==(const VerifyRequest&, const VerifyRequest&) = default;
};

struct VerifyReport {
  VerifyVerdict verdict = VerifyVerdict::not_checked;
  std::string detail;
  friend bool operator==(const VerifyReport&, const VerifyReport&) = default;
};

// Who may restore, and until when: handed from restore_prepare() to every later restore verb.
struct RestoreAuthority {
  std::string token;      // opaque; from the backup or the administrator
  std::int64_t uid = -1;  // of the requestor, as the transport proved it
  WallTime expires;
  friend bool operator==(const RestoreAuthority&, const RestoreAuthority&) = default;
};

struct RestoreView {
  BackupType type = BackupType::full;
  std::vector<BackupComponent> components;  // each with `restore` set
  friend bool operator==(const RestoreView&, const RestoreView&) = default;
};

struct RestoreLocation {
  ComponentName component;
  std::string what;  // "database", "log", "checkpoint"
  BytePath path;
  friend bool operator==(const RestoreLocation&, const RestoreLocation&) = default;
};

struct RestoreRegistration {
  ComponentName component;
  BytePath checkpoint_path;
  BytePath log_path;
  std::vector<std::pair<BytePath, BytePath>> moved;  // old path, new path
  BytePath backup_log_path;
  std::uint64_t low = 0, high = 0;  // log generations to replay
  friend bool operator==(const RestoreRegistration&, const RestoreRegistration&) = default;
};

// The coordinator makes these calls in the order below, one at a time per writer, on one thread
// that belongs to the writer, unless it says that it does not care (any_thread()). Calls of several
// sessions may interleave, except that at most one session is between prepare_snapshot() and
// post_snapshot(). None may throw. A verb without its capability bit is never called; the defaults
// of such verbs answer not_supported.
class Writer {
 public:
  virtual ~Writer() = default;

  // Who this is. Constant; read once at registration.
  virtual WriterIdentity identity() const = 0;

  // Whether the verbs of a backup may come on different threads, still one at a time. Off, so that
  // freeze() may take a lock which thaw() has to give back on the same thread. On, quick verbs run
  // on the thread that many writers of a process share: nobody is woken for each of them, and one
  // that takes long keeps no other waiting. Constant.
  virtual bool any_thread() const { return false; }

  // Lists the components that can be backed up. No side effects; callable in any state, also in the
  // middle of somebody else's session. `identity`, `instance` and `process` are filled in by the
  // SDK.
  virtual Result<WriterMetadata> identify(const CallContext& call) = 0;

  // ---- backup

  // Decide what this backup needs; may edit its components. May refuse.
  virtual Status prepare_backup(const CallContext& call, BackupView& backup);

  // Flush, checkpoint, take locks that are slow to take. May refuse: nothing is frozen yet.
  virtual Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set);

  // On return, the components' files do not change until thaw(). Past the deadline the coordinator
  // gives up the set and calls thaw() anyway, so finishing late must be harmless.
  virtual Status freeze(const CallContext& call);

  // Undoes freeze() and says whether the hold was unbroken. Called after every freeze(), whether
  // that succeeded, failed or timed out, also by the SDK's own timer, so possibly twice: must be
  // idempotent and must not block. While another verb keeps the writer's thread (never freeze()),
  // the timer's thread makes the call. The SDK fills in the times; a writer that knows better may
  // set them.
  virtual Result<HoldStatement> thaw(const CallContext& call);

  // The snapshot exists and can be written: recover, delete what does not belong. May edit its
  // components: stamps, metadata, differenced files. Last chance to do so.
  virtual Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                               BackupView& backup);

  // The backup is durable and `receipt` proves it: logs may go now, and only now. Never called for
  // a backup that was not published. Components with succeeded == false must keep theirs.
  virtual Status backup_complete(const CallContext& call, const BackupView& backup,
                                 const Receipt& receipt);

  // The session will not finish. Undoes whatever was done for it; may come more than once, and
  // stands in for thaw() and post_snapshot() when those were still owed. By then another session
  // may hold the writer: only the hold of `call.session` may end here, and in shutdown().
  virtual void abort(const CallContext& call);

  // The session is over, well or badly: always the last call of one, also when its requestor died.
  virtual void shutdown(const CallContext& call, const SetId& set);

  // ---- streaming and logs

  virtual Result<StreamInfo> open_stream(const CallContext& call, const StreamRequest& request);
  // Fills `buffer` from where the last read ended; fewer bytes only at the end of the stream.
  virtual Result<std::size_t> read(const CallContext& call, std::uint64_t handle,
                                   std::span<std::byte> buffer);
  virtual Status close(const CallContext& call, std::uint64_t handle);

  // Ends the database phase of a streaming backup and says which logs it needs.
  virtual Result<LogList> list_logs(const CallContext& call, const ComponentName& component);
  virtual Status truncate_logs(const CallContext& call, const ComponentName& component,
                               const Receipt& receipt);

  // ---- restore

  // Take the data offline, choose targets. May edit `restore` of its components. May refuse.
  virtual Status pre_restore(const CallContext& call, RestoreView& restore);
  // Checks authority and expiry. Nothing on disk changes.
  virtual Status restore_prepare(const CallContext& call, const RestoreAuthority& authority);
  virtual Result<std::vector<RestoreLocation>> restore_locations(const CallContext& call,
                                                                 const ComponentName& component);
  // On return a durable record beside the target keeps it from starting until restore_complete().
  virtual Status restore_register(const CallContext& call, const RestoreAuthority& authority,
                                  const RestoreRegistration& registration);
  // The files are in place (`copied` ok) or the copy failed; the record says which from here on.
  virtual Status restore_complete(const CallContext& call, const ComponentName& component,
                                  const Status& copied);
  // The files are in place; recover unless more restores follow. Read-only view.
  virtual Status post_restore(const CallContext& call, const RestoreView& restore);
  virtual void restore_end(const CallContext& call);

  // ---- any time

  // Checks a component's files where they stand. Read-only.
  virtual Result<VerifyReport> verify(const CallContext& call, const VerifyRequest& request);
};

}  // namespace stillframe
