// A writer that owns one directory, notes every verb, and at the verb a test names does what the
// test wants: refuse, wait, edit.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/writer.hpp>

namespace stillframe::tests {

// Everything but log backups, which need log files.
inline constexpr std::uint32_t kEverySchemaBit = 0xF777;

struct ScriptedWriterOptions {
  std::string name = "orders";
  std::string directory = {};  // what its component owns
  FreezeLevel level = FreezeLevel::front_end;
  std::uint32_t capability_bits = static_cast<std::uint32_t>(Capability::snapshot);
  std::vector<std::string> component_names = {"data"};  // several: in folders of these names
  std::uint32_t schema_bits = kEverySchemaBit;
  // Shared by several writers to see the order between them; may be null.
  std::function<void(const std::string& writer, const std::string& verb)> log = {};
};

class ScriptedWriter final : public Writer {
 public:
  using Hook = std::function<Status(const std::string& verb, const CallContext& call)>;
  explicit ScriptedWriter(ScriptedWriterOptions options, Hook hook = {});

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

  std::vector<std::string> verbs() const;
  std::size_t count(const std::string& verb) const;
  bool frozen() const;
  std::vector<BackupComponent> completed() const;  // what backup_complete() was shown
  std::vector<RestoreView> post_restores() const;
  // Waits until `verb` was entered `times` times; false after ten seconds.
  bool wait_for(const std::string& verb, std::size_t times = 1) const;

  // Waits until the application runs again; false after ten seconds.
  bool wait_thawed() const;

  std::function<void(BackupView&)> edit_in_prepare;
  Status post_snapshot_answer = Ok{};  // after its edits
  std::function<void(BackupView&)> edit_in_post_snapshot;
  std::function<void(WriterMetadata&)> edit_metadata;

 private:
  Status enter(const std::string& verb, const CallContext& call);

  const ScriptedWriterOptions options_;
  const Hook hook_;
  mutable std::mutex mutex_;
  std::vector<std::string> verbs_;
  bool frozen_ = false;
  std::vector<BackupComponent> completed_;
  std::vector<RestoreView> post_restores_;
  std::size_t stream_left_ = 0;
};

}  // namespace stillframe::tests
