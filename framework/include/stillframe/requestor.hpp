// The requestor's side: drive backups and restores through a coordinator, be it the daemon, an
// embedded one or a simulated one. All calls block; each may be cancelled from another thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>
#include <stillframe/event.hpp>
#include <stillframe/provider.hpp>

namespace stillframe {

// An answer as JSON text, with the descriptors that came along.
struct ChannelReply {
  std::string json;
  std::vector<Descriptor> descriptors;
};

// One connection to a coordinator. Library users get one from connect() or an EmbeddedCoordinator
// and hand it to a Client; the methods and their JSON are documented in docs/protocol.md.
class RequestorChannel {
 public:
  using EventHandler = std::function<void(std::string_view event_json)>;
  virtual ~RequestorChannel() = default;

  // One request and its answer. Calls from several threads are allowed and may overlap.
  virtual Result<ChannelReply> call(std::string_view method, std::string_view params_json) = 0;
  // Told of progress and state changes, from the channel's own thread; must not call back into it.
  virtual void on_event(EventHandler handler) = 0;
  // Makes every call under way, and every later one, answer `cancelled`.
  virtual void close() = 0;
};

struct ConnectOptions {
  BytePath
      socket;  // empty: $STILLFRAME_SOCKET_DIR/requestor.sock, else /run/stillframe/requestor.sock
  std::chrono::milliseconds timeout{5'000};
  std::string requestor_name;  // how others see who holds a turn: "nightly-backup"
};

// Connects to a daemon. disconnected, naming the socket and the remedy, when none answers.
Result<std::unique_ptr<RequestorChannel>> connect(const ConnectOptions& options = {});

// VSS_WRITER_STATE by meaning; a writer's state is kept per session.
enum class WriterState {
  unknown = 0,
  stable = 1,
  waiting_for_freeze = 2,
  waiting_for_thaw = 3,
  waiting_for_post_snapshot = 4,
  waiting_for_backup_complete = 5,
  failed_at_identify = 6,
  failed_at_prepare_backup = 7,
  failed_at_prepare_snapshot = 8,
  failed_at_freeze = 9,
  failed_at_thaw = 10,
  failed_at_post_snapshot = 11,
  failed_at_backup_complete = 12,
  failed_at_pre_restore = 13,
  failed_at_post_restore = 14,
  failed_at_shutdown = 15,
};
std::string_view to_string(WriterState state) noexcept;

struct WriterStatus {
  WriterIdentity identity;
  WriterInstanceId instance;
  WriterProcess process;
  WriterState state = WriterState::unknown;
  std::optional<ComponentFailure> failure;
  std::optional<WriterMetadata> metadata;  // absent when identify failed
  // Not failures, but what the requestor has to answer for, in words for people: a component that
  // must go together with one that is not selected, not here, or on another host.
  std::vector<std::string> warnings;
};

struct SessionInfo {
  SessionId session;
  std::string requestor;
  std::string kind;  // "backup", "restore", "hold"
  std::string phase;
  BootTime since;
  std::string waiting_for;  // who holds the turn it waits for; empty when it does not wait
};

// A component by writer and name. `writer` is a writer's name, instance name, class id or instance
// id; empty fits every writer. `component` is a full component name, or a prefix ending in '/', or
// "*".
struct ComponentSelector {
  std::string writer;
  std::string component;
  std::optional<ConsistencyPolicy> policy;  // empty: that of the backup or the set
  std::string options;                      // handed to the writer
  std::optional<ChainBase> base;            // for incremental and differential
};

struct BackupOptions {
  BackupType type = BackupType::copy;
  bool component_mode = true;
  bool bootable_system_state = false;
  bool partial_file_support = false;
  std::string chain_owner;                   // empty: "stillframe@<host>"
  std::vector<std::string> exclude_writers;  // matched like ComponentSelector::writer
  // Of components without one of their own, from prepare() on.
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  // Limits; zero: the coordinator's defaults (60 s, 10 s, 5 s).
  std::chrono::milliseconds hold_limit{0}, commit_limit{0}, lease{0};
  std::chrono::milliseconds queue_wait{600'000};  // for another set on the same volume
};

struct SnapshotOptions {
  SnapshotAttributes attributes;
  std::string provider;                 // by name or id; empty: the best per volume
  std::vector<BytePath> extra_volumes;  // beyond those of the selected components
  bool auto_release = true;             // deleted when the session ends, also by a crash
  // Of components without one of their own, in this set; empty: BackupOptions::policy. What
  // prepare() refused stays refused, and a writer that failed there fails a set that requires it.
  std::optional<ConsistencyPolicy> policy;
};

struct SnapshotSetResult {
  SetId set;
  std::vector<SnapshotInfo> snapshots;
  Evidence evidence;  // so far: labels, cuts and holds
};

struct ComponentResult {
  WriterClassId writer_class;
  std::string instance_name;
  ComponentName name;
  bool succeeded = false;
};

using ProgressHandler = std::function<void(const std::string& phase, const std::string& who,
                                           std::uint64_t done, std::uint64_t total)>;

// One backup. Single use; not shared between threads except cancel(). Destruction before complete()
// is an abort: writers are thawed, nothing is truncated, auto-release snapshots are deleted.
class BackupSession {
 public:
  BackupSession(BackupSession&&) noexcept;
  BackupSession& operator=(BackupSession&&) noexcept;
  ~BackupSession();

  SessionId id() const;
  void on_progress(ProgressHandler handler);

  // 1. Asks every writer what it has. Writers that fail are in the list with their failure.
  Result<std::vector<WriterStatus>> gather();
  // 2. Adds components; implicit members come with their head. Several calls add up.
  Status select(const std::vector<ComponentSelector>& selectors);
  // 3. Writers prepare and may veto; a veto under ConsistencyPolicy::require is the call's error.
  Result<std::vector<WriterStatus>> prepare();
  // 4. The hold and the cut. Skipped for streaming-only backups.
  Result<SnapshotSetResult> create_snapshots(const SnapshotOptions& options = {});
  // 5. Streaming writers deliver files themselves.
  Result<StreamInfo> open_stream(const WriterInstanceId& writer, const StreamRequest& request);
  Result<std::vector<std::byte>> read_stream(const WriterInstanceId& writer, std::uint64_t handle,
                                             std::size_t bytes_max);
  Status close_stream(const WriterInstanceId& writer, std::uint64_t handle);
  Result<LogList> list_logs(const WriterInstanceId& writer, const ComponentName& component);
  // 6. The data is durable: the receipt is journalled first, then writers truncate.
  Result<std::vector<WriterStatus>> complete(const Receipt& receipt,
                                             const std::vector<ComponentResult>& results);
  // Any time. abort() is idempotent; end() closes a finished session and returns the last evidence.
  Status abort(const std::string& reason);
  Result<Evidence> end();
  void cancel();  // any thread: the call under way answers `cancelled` and the session aborts

  Result<BackupDocument> document();
  Result<Evidence> evidence();
  Result<std::vector<WriterStatus>> status();

 private:
  friend class Client;
  class Impl;
  explicit BackupSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct RestoreOptions {
  std::string authority_token;
  std::optional<WallTime> expires;
  std::chrono::milliseconds wait_start{0};  // how long to wait for a target's next start at the end
};

// One restore. Like BackupSession; destruction before end() leaves registered targets interlocked.
class RestoreSession {
 public:
  RestoreSession(RestoreSession&&) noexcept;
  RestoreSession& operator=(RestoreSession&&) noexcept;
  ~RestoreSession();

  SessionId id() const;
  void on_progress(ProgressHandler handler);

  // Matches the stored documents with live writers; a writer that is not there is in the list as
  // gone.
  Result<std::vector<WriterStatus>> gather();
  // Components as stored, with `restore` filled in as wanted. Before pre_restore() only.
  Status select(const std::vector<BackupComponent>& components);
  // Writers take data offline and choose targets; returns the components as they edited them.
  Result<std::vector<BackupComponent>> pre_restore();
  Status prepare(const WriterInstanceId& writer, const RestoreAuthority& authority);
  Result<std::vector<RestoreLocation>> locations(const WriterInstanceId& writer,
                                                 const ComponentName& component);
  Status register_restore(const WriterInstanceId& writer, const RestoreRegistration& registration);
  // Once per component after its copy, before post_restore().
  Status set_file_status(const WriterInstanceId& writer, const ComponentName& component,
                         FileRestoreStatus status,
                         const std::vector<AlternateMapping>& mappings_used = {});
  Status complete(const WriterInstanceId& writer, const ComponentName& component,
                  const Status& copied);
  Result<std::vector<WriterStatus>> post_restore();
  Result<RestoreReport> end();
  void cancel();

 private:
  friend class Client;
  class Impl;
  explicit RestoreSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct HoldResult {
  Evidence evidence;
  int command_status = 0;
};

// A plug-in or declarative writer that the coordinator keeps running in a process of its own.
enum class PluginState {
  running = 0,
  waiting = 1,      // it ended and will be started again at `next_attempt`
  quarantined = 2,  // it is not started again before release_plugin()
  stopped = 3,      // it is not wanted now: a provider that nobody has asked yet, or one that ends
};
std::string_view to_string(PluginState state) noexcept;

struct PluginInfo {
  std::string name;          // as its configuration says
  std::string kind;          // "writer", "provider", "declarative"
  std::int32_t process = 0;  // its process id; 0: none
  PluginState state = PluginState::stopped;
  std::uint32_t crashes = 0;  // those that count towards the quarantine
  std::string reason;         // why it ended the last time, with what it complained of
  WallTime since;             // how long it has been in this state
  std::optional<WallTime> next_attempt;
};

// Where a daemon writes its events beside its memory.
struct EventLogState {
  std::string name;  // "event file", "journald"
  std::uint64_t written = 0;
  std::uint64_t lost = 0;  // gone from memory before the log took them
  std::string failing;     // why it takes nothing now; empty when it does
};

struct DaemonStatus {
  std::string version;
  WallTime since;
  std::int64_t pid = 0;
  bool in_quiesce = false;  // some session holds writers now
  std::vector<SessionInfo> sessions;
  std::vector<EventLogState> logs;
};

// Everything else a requestor may ask. Cheap to copy; copies and sessions share the channel. Takes
// the channel's events, so make one Client per channel and copy it.
class Client {
 public:
  explicit Client(std::shared_ptr<RequestorChannel> channel);

  Result<std::vector<WriterStatus>> writers();  // identifies afresh
  Result<std::vector<ProviderInfo>> providers();
  Result<std::vector<Volume>> volumes();
  Result<std::vector<SessionInfo>> sessions();
  Status end_session(const SessionId& session);  // somebody's stuck session, by force

  Result<std::vector<SnapshotInfo>> snapshots();
  Result<Evidence> snapshot_evidence(const SetId& set);
  Status remove_snapshot(const SnapshotId& snapshot);
  Result<BytePath> expose_snapshot(const SnapshotId& snapshot, const BytePath& place);
  Status unexpose_snapshot(const SnapshotId& snapshot);
  Status make_writable(const SnapshotId& snapshot);
  Status revert_snapshot(const SnapshotId& snapshot, const RevertOptions& options);

  Result<BackupSession> begin_backup(const BackupOptions& options);
  Result<RestoreSession> begin_restore(const BackupDocument& document,
                                       const std::vector<WriterMetadata>& stored_metadata,
                                       const RestoreOptions& options = {});

  // Holds the selected writers around a cut that `while_held` makes somewhere else. It must finish
  // before the deadline it is given; whatever it returns, the writers are thawed.
  Result<HoldResult> hold(const BackupOptions& options,
                          const std::vector<ComponentSelector>& selectors,
                          const std::function<int(Deadline)>& while_held);

  // not_supported by a coordinator that keeps none, such as an embedded one.
  Result<std::vector<PluginInfo>> plugins();
  // Starts it at once and forgets its crashes, also when it is not quarantined. not_found names the
  // ones there are.
  Status release_plugin(const std::string& name);

  // What a daemon remembers and measures; not_supported by an embedded coordinator.
  Result<EventPage> events(const EventQuery& query = {});
  // From now on, until the channel closes, calls `handler` from the channel's own thread with every
  // event after `after` as it happens, one or more a page. It must not call the client. A reader
  // that is too slow loses events and is told how many in EventPage::lost.
  using EventPageHandler = std::function<void(const EventPage&)>;
  Status follow_events(std::uint64_t after, EventPageHandler handler);
  Result<std::string> metrics();  // Prometheus text
  Result<DaemonStatus> status();

 private:
  class Core;
  std::shared_ptr<Core> core_;  // copies and sessions outlive each other in any order
};

}  // namespace stillframe
