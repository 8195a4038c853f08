#include "writers/dedup/writer/dedup_files_writer.hpp"

#include <algorithm>
#include <utility>

namespace stillframe::dedup {

namespace {

// Made once with uuidgen.
const WriterClassId kDedupFilesClass =
    WriterClassId::parse("3083b0ac-89f1-4587-a116-d61ccda7c814").value();

}  // namespace

WriterIdentity DedupFilesWriter::identity() const {
  WriterIdentity identity = DedupWriter::identity();
  identity.class_id = kDedupFilesClass;
  identity.name = "Dedup Files Writer";
  identity.capabilities = {};
  identity.capabilities.add(Capability::restore_events);
  return identity;
}

Status DedupFilesWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  if (is_idle()) return DedupWriter::prepare_backup(call, backup);
  return Error(Errc::writer_retryable, "another session backs up the files of volume '" +
                                           volume().name + "', and shows them at the same place");
}

Status DedupFilesWriter::post_snapshot(const CallContext& call, const SnapshotSetView& set,
                                       BackupView& backup) {
  if (Status s = DedupWriter::post_snapshot(call, set, backup); !s.ok()) return s;
  const VolumeInSet* cut = set.volume_of(places().mount);
  if (cut == nullptr || cut->snapshot_root.empty()) {
    return Error(Errc::inconsistent_snapshot,
                 "there is no snapshot of volume '" + volume().name + "' to show the files of");
  }
  auto shown = ShownSnapshot::make(cut->snapshot_root, places().files, volume().key_file);
  if (!shown.ok()) return shown.error();
  shown_ = std::move(shown).value();
  shown_by_ = call.session;
  return Ok{};
}

void DedupFilesWriter::hide(const SessionId& session) {
  if (shown_by_ == session) shown_.reset();
}

// Before the snapshot goes, which would be busy.
Status DedupFilesWriter::backup_complete(const CallContext& call, const BackupView& backup,
                                         const Receipt& receipt) {
  hide(call.session);
  return DedupWriter::backup_complete(call, backup, receipt);
}

void DedupFilesWriter::abort(const CallContext& call) {
  hide(call.session);
  DedupWriter::abort(call);
}

void DedupFilesWriter::shutdown(const CallContext& call, const SetId& set) {
  hide(call.session);
  DedupWriter::shutdown(call, set);
}

// Ordinary files. Where they were shown there is nothing to restore to.
Status DedupFilesWriter::pre_restore(const CallContext&, RestoreView& restore) {
  for (const BackupComponent& component : restore.components) {
    if (component.name != plain_files_component() || !component.restore) continue;
    const auto& targets = component.restore->new_targets;
    const bool moved = std::any_of(targets.begin(), targets.end(), [&](const NewTarget& target) {
      return target.path == places().files;
    });
    if (moved) return Ok{};
    return Error(Errc::not_supported,
                 "the files of volume '" + volume().name +
                     "' go to a place that is named, such as a view of it: stillframe restore "
                     "--map " +
                     places().files + "=PLACE");
  }
  return Error(Errc::not_found,
               "nothing of the files of volume '" + volume().name + "' is to be restored");
}

Status DedupFilesWriter::post_restore(const CallContext&, const RestoreView&) {
  return Ok{};
}

void DedupFilesWriter::restore_end(const CallContext&) {}

std::unique_ptr<Writer> make_dedup_writer(BackedUpVolume volume) {
  if (volume.model == BackupModel::optimized) {
    return std::make_unique<DedupWriter>(std::move(volume));
  }
  return std::make_unique<DedupFilesWriter>(std::move(volume));
}

}  // namespace stillframe::dedup
