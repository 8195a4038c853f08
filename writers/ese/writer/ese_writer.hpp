// An instance as a Stillframe writer, in the application's process: the log stream is a component,
// and every database is one below it that comes with it. docs/ese/writer.md says what travels when.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <stillframe/writer.hpp>

#include "writers/ese/writer/instance_host.hpp"

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
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override;
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

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

 private:
  struct Backup {
    BackupType type = BackupType::full;
    std::shared_ptr<HostSnapshot> snapshot;  // shared with a thaw that is under way
    bool published = false;                  // every file of every component
    bool ended = false;                      // remembered by the databases
  };

  Status check_running() const;
  // What the session holds, if it does; it does no more.
  std::shared_ptr<HostSnapshot> take_held(const SessionId& session);
  Status end(Backup& backup);
  Status move_aside(const SessionId& session);

  const std::unique_ptr<InstanceHost> owned_;  // null when somebody else's
  InstanceHost& host_;
  const std::string instance_name_;
  std::map<SessionId, Backup> backups_;  // of the thread that the verbs come on

  std::mutex held_mutex_;  // thaw() may come on the SDK's timer thread beside another verb
  std::shared_ptr<HostSnapshot> held_;
  SessionId held_for_;
};

// The component that a database is.
ComponentName component_of(const BytePath& database);

}  // namespace stillframe::ese
