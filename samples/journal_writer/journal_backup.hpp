// The journal as a Stillframe writer. It uses every verb, so that it can serve as a pattern for
// each: most applications need identify(), freeze() and thaw() only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <stillframe/writer.hpp>
#include <stillframe/writer_host.hpp>

#include "samples/journal_writer/journal.hpp"

namespace journal {

using namespace stillframe;

// The application's handle on a journal that a restore may close and open again.
class JournalSlot {
 public:
  explicit JournalSlot(Place place) : place_(std::move(place)) {}
  const Place& place() const noexcept { return place_; }

  // Asks the startup gate first, and finishes a restore that was completed: hard recovery, then the
  // record goes. interlocked when one is half done.
  Status open();
  void close();
  // Empty while closed.
  std::shared_ptr<Journal> get() const;

 private:
  const Place place_;
  mutable std::mutex mutex_;
  std::shared_ptr<Journal> journal_;  // shared with callers whose put() is under way at close()
};

class JournalWriter final : public Writer {
 public:
  // `slot` must outlive the writer. `observe` is told each verb's name as it begins ("freeze") and
  // ends ("freeze done"); tests kill the process there.
  JournalWriter(JournalSlot& slot, std::string instance_name,
                std::function<void(std::string_view)> observe = {});

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

  Result<VerifyReport> verify(const CallContext& call, const VerifyRequest& request) override;

 private:
  // What one backup session may truncate, and the stamp it would leave.
  struct Backup {
    BackupType type = BackupType::copy;
    std::uint64_t closed_generation = 0;  // every log up to this one is in the backup
    std::string stamp;
  };
  struct Stream {
    int fd = -1;
    std::uint64_t left = 0;
  };

  Result<std::shared_ptr<Journal>> running() const;
  Status close_generation(const SessionId& session);

  JournalSlot& slot_;
  const std::string instance_name_;
  const std::function<void(std::string_view)> observe_;
  std::shared_ptr<Journal> held_;  // kept from freeze() to thaw()
  SessionId held_for_;
  std::map<SessionId, Backup> backups_;
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_stream_ = 1;
};

}  // namespace journal
