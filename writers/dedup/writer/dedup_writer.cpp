#include "writers/dedup/writer/dedup_writer.hpp"

#include <chrono>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/engine/volume_on_device.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/writer/atomic_snapshot.hpp"
#include "writers/dedup/writer/backup_key.hpp"

namespace stillframe::dedup {

namespace {

// Made once with uuidgen.
const WriterClassId kDedupClass =
    WriterClassId::parse("3bbf672e-035c-4a69-a317-a7184167e6fe").value();
// How long a job's batch may keep users' writes from being synced: before the hold, and in it,
// where what was written since is little, and is in the snapshot as after a crash anyway.
constexpr std::chrono::milliseconds kSettleBeforeHold{30'000};
constexpr std::chrono::milliseconds kSettleInHold{1'000};

}  // namespace

DedupWriter::DedupWriter(BackedUpVolume volume)
    : volume_(std::move(volume)), places_(VolumePlaces::of(volume_)) {
  carry_on_unfinished();
}

DedupWriter::~DedupWriter() {
  if (replacement_) (void)replacement_->end();
}

WriterIdentity DedupWriter::identity() const {
  WriterIdentity identity;
  identity.class_id = kDedupClass;
  identity.name = "Dedup Writer";
  identity.instance_name = volume_.name;
  identity.version = {1, 0};
  identity.usage = UsageType::system_service;
  // Whoever has files on the volume is held before it.
  identity.level = FreezeLevel::system;
  identity.capabilities.add(Capability::restore_events).add(Capability::staged_restore);
  return identity;
}

Result<WriterMetadata> DedupWriter::identify(const CallContext&) {
  carry_on_unfinished();
  return metadata_of(volume_);
}

// Requestors find the volume at its place as long as that takes. What cannot be looked at now, such
// as a device that is not there, is looked at again, and does not keep the writer from starting.
void DedupWriter::carry_on_unfinished() {
  if (replacement_ || mounted_ || volume_.model != BackupModel::optimized) return;
  if (!looked_for_unfinished_) {
    auto found = VolumeReplacement::find_unfinished(volume_);
    if (!found.ok()) return;
    unfinished_ = std::move(found).value();
    looked_for_unfinished_ = true;
  }
  if (!unfinished_) return;
  const auto done = unfinished_->carry_on();
  why_unfinished_ = done.ok() ? "" : ", and cannot be finished (" + done.error().what() + ")";
  if (done.ok() && done.value()) unfinished_.reset();
}

// ---- Backup

Status DedupWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  if (replacement_) {
    return Error(Errc::writer_retryable, "volume '" + volume_.name + "' is being restored");
  }
  if (unfinished_) {
    return Error(Errc::interlocked, "a restore of volume '" + volume_.name + "' was cut short" +
                                        why_unfinished_ +
                                        ": stillframe restore resume, or abandon, " +
                                        quoted_path(places_.own) + ", or restore it again");
  }
  if (!mounted_) {
    auto mounted = MountedPlace::make(volume_.device, places_.mount);
    if (!mounted.ok()) return mounted.error();
    mounted_ = std::move(mounted).value();
  }
  const Status enabled = expect_enabled();
  const auto about = enabled.ok() ? store_of_volume(places_.own) : enabled.error();
  if (!about.ok()) {
    if (backups_.empty()) mounted_.reset();
    return about.error();
  }
  backups_.insert(call.session);
  for (BackupComponent& component : backup.components) {
    component.stamp = call.session.to_string();
    component.metadata = format_backed_up_store(about.value());
    const bool builds = component.base && volume_.model == BackupModel::optimized;
    if (builds) component.differenced_files = differenced_files_of(volume_);
  }
  return Ok{};
}

Status DedupWriter::expect_enabled() const {
  if (exists(join_path(places_.own, kRestoreRecordName))) {
    return Error(Errc::interlocked,
                 "a restore of volume '" + volume_.name + "' was cut short: restore it again");
  }
  if (exists(join_path(places_.own, kSettingsFileName))) {
    // There for a restore, and named in every backup.
    return make_directories(places_.incoming);
  }
  return Error(Errc::not_found, "volume '" + volume_.name + "' on " + quoted_path(volume_.device) +
                                    " is not deduplicated: dedupctl enable makes it so");
}

Status DedupWriter::settle(std::chrono::milliseconds at_most, bool seal) const {
  if (at_rest_) return Ok{};
  const auto socket = control_socket_path(volume_.run_folder, volume_.device);
  if (!socket.ok()) return socket.error();
  auto engine = ControlClient::connect(socket.value());
  // One that was killed, or a job on a volume that nobody uses: what is on the disk is all there
  // is.
  if (!engine.ok()) return Ok{};
  engine.value().wait_at_most(at_most);
  const auto answer = engine.value().ask(Json{{"do", "settle"}, {"seal", seal}}, {});
  return answer.ok() ? Status(Ok{}) : Status(answer.error());
}

// A write that cannot be synced is an error for who wrote it, and here none: the volume is what it
// is.
Status DedupWriter::prepare_snapshot(const CallContext& call, const SnapshotSetView& set) {
  auto lock = lock_volume(places_.own, volume_.device);
  if (lock.ok()) {
    at_rest_.emplace(call.session, std::move(lock).value());
  } else if (lock.error().code() != Errc::in_progress) {
    return lock.error();
  }
  (void)settle(kSettleBeforeHold, true);
  const std::lock_guard guard(held_mutex_);
  held_[call.session] =
      at_rest_ || set.covers(places_.mount)
          ? ""
          : "the volume is in use, and nobody here knows how whoever cuts it does that";
  return Ok{};
}

Status DedupWriter::freeze(const CallContext&) {
  (void)settle(kSettleInHold, false);
  return Ok{};
}

Result<HoldStatement> DedupWriter::thaw(const CallContext& call) {
  const std::lock_guard lock(held_mutex_);
  HoldStatement statement;
  const auto held = held_.find(call.session);
  statement.broken_because = held == held_.end() ? "nothing was held" : held->second;
  statement.unbroken = statement.broken_because.empty();
  return statement;
}

// Every instant of a volume is one that can be restored, but no two of them together are.
Status DedupWriter::post_snapshot(const CallContext& call, const SnapshotSetView& set,
                                  BackupView& backup) {
  const VolumeInSet* volume = set.volume_of(places_.mount);
  const bool is_cut = volume != nullptr && !volume->snapshot_root.empty();
  if (at_rest_) {
    let_go_of(call.session);
    return is_cut ? describe_store(volume->snapshot_root, backup) : Ok{};
  }
  if (!is_cut) return Ok{};
  const auto instant = shows_one_instant(volume->snapshot_root, places_.mount);
  if (!instant.ok()) return instant.error();
  if (instant.value()) return describe_store(volume->snapshot_root, backup);
  return Error(Errc::inconsistent_snapshot,
               "the files of volume '" + volume_.name +
                   "' were copied one after the other while it is in use, which is no copy of a "
                   "store: unmount it for the backup, or have it cut as a whole (btrfs, image or "
                   "a command)");
}

// As it was cut: another key file may have taken its place since the backup was prepared.
Status DedupWriter::describe_store(const BytePath& root, BackupView& backup) const {
  const BytePath own = join_path(root, kVolumeFolder);
  // A copy of users' files alone: whoever shows or verifies it says that better.
  if (!exists(join_path(own, kSettingsFileName))) return Ok{};
  const auto about = store_of_volume(own);
  if (!about.ok()) {
    return about.error().while_doing("reading in the snapshot of volume '" + volume_.name +
                                     "' which key file opens it");
  }
  for (BackupComponent& component : backup.components) {
    component.metadata = format_backed_up_store(about.value());
  }
  return Ok{};
}

void DedupWriter::abort(const CallContext& call) {
  let_go_of(call.session);
}

void DedupWriter::let_go_of(const SessionId& session) {
  if (at_rest_ && at_rest_->first == session) at_rest_.reset();
}

// The snapshot is gone by now, which may have been on the volume.
void DedupWriter::shutdown(const CallContext& call, const SetId&) {
  leave(call.session);
}

void DedupWriter::leave(const SessionId& session) {
  {
    const std::lock_guard lock(held_mutex_);
    held_.erase(session);
  }
  let_go_of(session);
  if (backups_.erase(session) > 0 && backups_.empty()) mounted_.reset();
}

}  // namespace stillframe::dedup
