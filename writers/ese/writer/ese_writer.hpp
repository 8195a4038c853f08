// An instance as a Stillframe writer, in the application's process: the log stream is a component,
// and every database is one below it that comes with it. docs/ese/writer.md says what travels when.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <stillframe/writer.hpp>

#include "writers/ese/writer/backup_stream.hpp"
#include "writers/ese/writer/instance_host.hpp"
#include "writers/ese/writer/relocated_restore.hpp"

namespace stillframe::ese {

class EseWriter final : public Writer {
 public:
  // `host` outlives the writer. `instance_name` tells the instances of a machine apart.
  EseWriter(InstanceHost& host, std::string instance_name)
      : host_(host), instance_name_(std::move(instance_name)) {}
  EseWriter(std::unique_ptr<InstanceHost> host, std::string instance_name)
      : owned_(std::move(host)), host_(*owned_), instance_name_(std::move(instance_name)) {}

  WriterIdentity identity() const override;
  Result<WriterMetadata> identify(const CallContext& call) override;

  Status prepare_backup(const CallContext& call, BackupView& backup) override;
  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override;
  Status freeze(const CallContext& call) override;
  Result<HoldStatement> thaw(const CallContext& call) override;
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override;
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override;
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

  Result<StreamInfo> open_stream(const CallContext& call, const StreamRequest& request) override;
  Result<std::size_t> read(const CallContext& call, std::uint64_t handle,
                           std::span<std::byte> buffer) override;
  Status close(const CallContext& call, std::uint64_t handle) override;

  Result<LogList> list_logs(const CallContext& call, const ComponentName& component) override;
  Status truncate_logs(const CallContext& call, const ComponentName& component,
                       const Receipt& receipt) override;

  Status pre_restore(const CallContext& call, RestoreView& restore) override;
  Status restore_prepare(const CallContext& call, const RestoreAuthority& authority) override;
  Result<std::vector<RestoreLocation>> restore_locations(const CallContext& call,
                                                         const ComponentName& component) override;
  Status restore_register(const CallContext& call, const RestoreAuthority& authority,
                          const RestoreRegistration& registration) override;
  Status restore_complete(const CallContext& call, const ComponentName& component,
                          const Status& copied) override;
  Status post_restore(const CallContext& call, const RestoreView& restore) override;
  void restore_end(const CallContext& call) override;

  // The files of a restore are in place, and those of another are to come before it is recovered.
  bool awaits_more() const;
  // Whether the session restores to other places only, while the instance goes on.
  bool leaves_instance(const SessionId& session) const;
  // The session's restore has ended, with no start of the instance.
  void forget_restore(const SessionId& session) { relocated_.erase(session); }

 private:
  struct Backup {
    BackupType type = BackupType::full;
    // One of the two, or neither yet.
    std::shared_ptr<HostSnapshot> snapshot;  // shared with a thaw that is under way
    std::unique_ptr<BackupStream> stream;
    bool published = false;  // every file of every component
    bool ended = false;      // remembered by the databases
  };

  static bool streams(const Backup& backup);
  Status check_running() const;
  // Where the session's restore puts the logs, and its record.
  const BytePath& restored_logs(const SessionId& session) const;
  const BytePath& record_place(const SessionId& session) const;
  // Null if the logs go to their own place.
  const RelocatedRestore* relocation(const SessionId& session) const;
  Status take_offline();
  Error needs_other_logs() const;
  // What the session holds, if it does; it does no more.
  std::shared_ptr<HostSnapshot> take_held(const SessionId& session);
  Status end(Backup& backup);
  // Of a session that streams, or begins to.
  Result<BackupStream*> stream_of(const SessionId& session);
  void give_up_others(const SessionId& session);
  Status make_way(const SessionId& session);
  Status move_aside(const SessionId& session);

  const std::unique_ptr<InstanceHost> owned_;  // null when somebody else's
  InstanceHost& host_;
  const std::string instance_name_;
  // Of the thread that the verbs come on.
  std::map<SessionId, Backup> backups_;
  std::uint64_t streams_opened_ = 0;
  std::map<SessionId, RelocatedRestore> relocated_;
  std::set<BytePath> awaited_;  // folders of logs that more will be restored to

  std::mutex held_mutex_;  // thaw() may come on the SDK's timer thread beside another verb
  std::shared_ptr<HostSnapshot> held_;
  SessionId held_for_;
};

// The components that the log stream is, which is the head of all others, its logs, and a database.
ComponentName log_stream_component();
ComponentName logs_component();
ComponentName component_of(const BytePath& database);
// Of the files of the logs, all of them.
BytePath log_pattern(const InstancePlaces& places);

}  // namespace stillframe::ese
