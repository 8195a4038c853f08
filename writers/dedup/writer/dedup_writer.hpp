// The writer of a deduplicated volume. It is the same for one that an engine shows to its users and
// for one that is mounted nowhere. docs/dedup/writer.md.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/writer.hpp>

#include "framework/io/file_lock.hpp"
#include "writers/dedup/writer/backed_up_volume.hpp"
#include "writers/dedup/writer/mounted_place.hpp"
#include "writers/dedup/writer/volume_replacement.hpp"

namespace stillframe::dedup {

// From prepare_backup() to the session's end the volume is mounted where only root gets to. Nothing
// waits for a backup: a store is whole at every instant. Only where no engine has the volume, none
// gets it before the cut.
class DedupWriter : public Writer {
 public:
  explicit DedupWriter(BackedUpVolume volume);
  ~DedupWriter() override;

  WriterIdentity identity() const override;
  Result<WriterMetadata> identify(const CallContext& call) override;

  Status prepare_backup(const CallContext& call, BackupView& backup) override;
  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override;
  Status freeze(const CallContext& call) override;
  Result<HoldStatement> thaw(const CallContext& call) override;
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override;
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

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

 protected:
  const BackedUpVolume& volume() const { return volume_; }
  const VolumePlaces& places() const { return places_; }
  bool is_idle() const { return backups_.empty(); }

 private:
  // A restore to other places; the volume goes on.
  struct Elsewhere {
    BytePath files;  // where the users' files went; empty: they did not
    // The copy of the volume that they get their content from, in parts as a chain has it, the
    // newest first. None: they get none.
    std::vector<BytePath> backup;
    std::string store;
    BytePath key_file;  // that opens it; empty: it is not encrypted
  };

  void carry_on_unfinished();
  Status expect_enabled() const;
  Status settle(std::chrono::milliseconds at_most, bool seal) const;
  Status describe_store(const BytePath& root, BackupView& backup) const;
  void let_go_of(const SessionId& session);
  void leave(const SessionId& session);
  Result<Elsewhere> elsewhere(const BackupComponent& component) const;
  BytePath volume_in_backup(const BytePath& named) const;
  Result<BytePath> key_file_for(const BackupComponent& component) const;

  const BackedUpVolume volume_;
  const VolumePlaces places_;
  // Of the thread that the verbs come on.
  std::set<SessionId> backups_;  // that have the volume mounted
  std::unique_ptr<MountedPlace> mounted_;
  // No engine has the volume, and none gets it: from prepare_snapshot() of a session to its cut.
  std::optional<std::pair<SessionId, FileLock>> at_rest_;
  std::unique_ptr<VolumeReplacement> replacement_;
  // A restore that was cut short, while it waits for a requestor to resume or abandon it.
  std::unique_ptr<VolumeReplacement> unfinished_;
  std::string why_unfinished_;  // what kept it from being finished when that was tried last
  bool looked_for_unfinished_ = false;
  std::optional<SessionId> replaced_by_;
  std::map<SessionId, Elsewhere> elsewhere_;
  // Of thaw() too, which may come on another thread.
  std::mutex held_mutex_;
  std::map<SessionId, std::string> held_;  // by session: why its hold proves nothing, or empty
};

}  // namespace stillframe::dedup
