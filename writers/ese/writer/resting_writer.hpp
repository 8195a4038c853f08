// The writer of databases at rest, whose application does not run or knows nothing of backups: it
// hosts their instance for as long as a session lasts, and no longer. docs/ese/writer.md.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <stillframe/writer.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/writer/ese_writer.hpp"
#include "writers/ese/writer/hosted_instance.hpp"

namespace stillframe::ese {

// What an administrator says of one log stream and its databases.
struct RestingDatabases {
  std::string name;                 // tells it apart from others of this machine
  BytePath logs;                    // the folder of the logs
  BytePath system;                  // that of the checkpoint; empty: the same
  std::string base;                 // three letters; empty: those of the only sequence there
  std::vector<BytePath> databases;  // every one of the stream, by its file
  friend bool operator==(const RestingDatabases&, const RestingDatabases&) = default;
};

// {"name": "shop", "logs": "/srv/shop/logs", "system": "...", "base": "edb",
//  "databases": ["/srv/shop/one.edb"]}: `system` and `base` may be left out. invalid_argument, with
// the member that is wrong.
Result<RestingDatabases> parse_resting_databases(std::string_view config_json);

// From prepare_backup() to the session's end, and from pre_restore() to restore_end(), the folders
// and databases are closed to every other instance; at all other times they are nobody's. A
// session that comes while a process uses them is refused with in_use.
class RestingWriter final : public Writer {
 public:
  RestingWriter(std::unique_ptr<Files> files, RestingDatabases databases);
  ~RestingWriter() override;

  WriterIdentity identity() const override { return writer_.identity(); }
  Result<WriterMetadata> identify(const CallContext& call) override;

  Status prepare_backup(const CallContext& call, BackupView& backup) override;
  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override {
    return writer_.prepare_snapshot(call, set);
  }
  Status freeze(const CallContext& call) override { return writer_.freeze(call); }
  Result<HoldStatement> thaw(const CallContext& call) override { return writer_.thaw(call); }
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override {
    return writer_.post_snapshot(call, set, backup);
  }
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override {
    return writer_.backup_complete(call, backup, receipt);
  }
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

  Result<StreamInfo> open_stream(const CallContext& call, const StreamRequest& request) override {
    return writer_.open_stream(call, request);
  }
  Result<std::size_t> read(const CallContext& call, std::uint64_t handle,
                           std::span<std::byte> buffer) override {
    return writer_.read(call, handle, buffer);
  }
  Status close(const CallContext& call, std::uint64_t handle) override {
    return writer_.close(call, handle);
  }
  Result<LogList> list_logs(const CallContext& call, const ComponentName& component) override {
    return writer_.list_logs(call, component);
  }
  Status truncate_logs(const CallContext& call, const ComponentName& component,
                       const Receipt& receipt) override {
    return writer_.truncate_logs(call, component, receipt);
  }

  Status pre_restore(const CallContext& call, RestoreView& restore) override;
  Status restore_prepare(const CallContext& call, const RestoreAuthority& authority) override {
    return writer_.restore_prepare(call, authority);
  }
  Result<std::vector<RestoreLocation>> restore_locations(const CallContext& call,
                                                         const ComponentName& component) override {
    return writer_.restore_locations(call, component);
  }
  Status restore_register(const CallContext& call, const RestoreAuthority& authority,
                          const RestoreRegistration& registration) override {
    return writer_.restore_register(call, authority, registration);
  }
  Status restore_complete(const CallContext& call, const ComponentName& component,
                          const Status& copied) override {
    return writer_.restore_complete(call, component, copied);
  }
  Status post_restore(const CallContext& call, const RestoreView& restore) override;
  void restore_end(const CallContext& call) override;

 private:
  // What the logs that are there say of their sequence; not_found when there are none.
  Result<InstanceOptions> found() const;
  Status look_again();
  Status make_folders();
  void leave(const SessionId& session);
  void rest();

  const std::unique_ptr<Files> files_;
  const RestingDatabases databases_;
  HostedInstance hosted_;
  EseWriter writer_;
  // Of the thread that the verbs come on.
  std::set<SessionId> backups_;  // that use the instance
  std::optional<SessionId> restore_;
};

}  // namespace stillframe::ese
