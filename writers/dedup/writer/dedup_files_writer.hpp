// The writer of a deduplicated volume's files as their users see them: the unoptimized model.
#pragma once

#include <memory>

#include "writers/dedup/writer/dedup_writer.hpp"
#include "writers/dedup/writer/shown_snapshot.hpp"

namespace stillframe::dedup {

// A session like that of the optimized model up to the cut. From then on until its requestor has
// copied, the snapshot's files are shown, only to read, where a requestor finds them. They are
// ordinary files in the backup, and come back to any file system. One session at a time.
class DedupFilesWriter final : public DedupWriter {
 public:
  explicit DedupFilesWriter(BackedUpVolume volume) : DedupWriter(std::move(volume)) {}

  WriterIdentity identity() const override;

  Status prepare_backup(const CallContext& call, BackupView& backup) override;
  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override;
  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override;
  void abort(const CallContext& call) override;
  void shutdown(const CallContext& call, const SetId& set) override;

  Status pre_restore(const CallContext& call, RestoreView& restore) override;
  Status post_restore(const CallContext& call, const RestoreView& restore) override;
  void restore_end(const CallContext& call) override;

 private:
  void hide(const SessionId& session);

  std::unique_ptr<ShownSnapshot> shown_;
  SessionId shown_by_;
};

// The writer of the volume's model.
std::unique_ptr<Writer> make_dedup_writer(BackedUpVolume volume);

}  // namespace stillframe::dedup
