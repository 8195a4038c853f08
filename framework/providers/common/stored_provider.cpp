#include "framework/providers/common/stored_provider.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mountinfo.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/exposure.hpp"

namespace stillframe {
namespace {

Error no_such(std::string_view call, const SnapshotId& snapshot, const std::string& provider) {
  return Error(Errc::not_found, std::string(call) + ": provider " + provider + " has no snapshot " +
                                    snapshot.to_string() + "; is its file system mounted?");
}

Error not_created(std::string_view call, const StoredSnapshot& found) {
  return Error(Errc::wrong_state, std::string(call) + ": snapshot " +
                                      found.record.info.snapshot.to_string() +
                                      " is still being made; only abort of its set is permitted");
}

}  // namespace

Result<BytePath> store_for(const Volume& volume) {
  auto here = open_directory(volume.mount_point);
  if (!here.ok()) return here.error();
  auto mounts = read_mountinfo();
  if (!mounts.ok()) return mounts.error();
  const std::uint64_t id = mount_id_of(here.value().get());
  for (const auto& mount : mounts.value()) {
    if (mount.id == id) return join_path(mount.mount_point, kStoreName);
  }
  return Error(Errc::io, "the mount of '" + escape_path(volume.mount_point) +
                             "' is not in the table of mounts; try again");
}

Result<std::vector<BytePath>> stores_on_volumes() {
  auto directory = VolumeDirectory::read();
  if (!directory.ok()) return directory.error();
  std::vector<BytePath> stores;
  for (const auto& mount : directory.value().mounts()) {
    if (is_kernel_file_system(mount.fs_type) || is_remote_file_system(mount.fs_type)) continue;
    if (mount.root.find(std::string("/") + std::string(kStoreName)) != BytePath::npos) continue;
    const BytePath store = join_path(mount.mount_point, kStoreName);
    if (!exists(store) || !directory.value().visible(mount)) continue;
    stores.push_back(store);
  }
  return stores;
}

StoredProvider::StoredProvider(ProviderEnvironment environment, const std::string& name)
    : name_(name), environment_(std::move(environment), "provider." + name), sets_(environment_) {}

Status StoredProvider::supports(const Volume& volume, const SnapshotAttributes& attributes) {
  const auto refuse = [&](const std::string& why) {
    return Error(Errc::volume_not_supported, "provider " + name_ + " cannot take '" +
                                                 escape_path(volume.mount_point) + "': " + why);
  };
  const bool copies = info().capabilities.has(ProviderCapabilities::kClone);
  if (attributes.differential && attributes.clone) {
    return refuse("differential and clone exclude each other");
  }
  if (attributes.clone && !copies) return refuse("it shares blocks and makes no full copies");
  if (attributes.differential && copies) return refuse("it makes full copies only");
  Status fits = supports_volume(volume);
  return fits.ok() ? fits : Status(refuse(fits.error().what()));
}

Status StoredProvider::begin_prepare(const CutRequest& request) {
  if (Status s = supports(request.volume, request.attributes); !s.ok()) return s;
  auto cut = make_cut(request);
  if (!cut.ok()) return cut.error();
  return sets_.begin(request, std::move(cut).value());
}

void StoredProvider::abort(const SetId& set) {
  sets_.abort(set);
  auto found = find_all();
  if (!found.ok()) return;
  for (auto& snapshot : found.value()) {
    if (snapshot.record.info.set != set) continue;
    Status removed = remove(snapshot.record.info.snapshot);
    if (!removed.ok()) {
      environment_.warn(ProviderEvent::leftover_kept,
                        "abort of set " + set.to_string() + ": " + removed.error().what());
    }
  }
}

// What was found may have changed by the time its lock is had: another cleaner was faster, or its
// maker had only just made the directory.
Status StoredProvider::remove_abandoned(const StoredSnapshot& left) {
  auto lock = lock_snapshot(left.directory);
  if (!lock.ok()) {
    return lock.error().code() == Errc::not_found ? Status(Ok{}) : lock.error();
  }
  auto record = read_snapshot_record(left.directory);
  if (record.ok() && record.value().info.state == SnapshotState::created) return Ok{};
  if (Status s = release(left); !s.ok()) return s;
  return remove_snapshot_directory(left.store, left.directory);
}

void StoredProvider::clean(const StoreFindings& findings) {
  for (const auto& left : findings.abandoned) {
    const std::string what = "leftover of set " + left.record.info.set.to_string() + " at '" +
                             escape_path(left.directory) + "'";
    Status removed = remove_abandoned(left);
    if (removed.ok()) {
      environment_.inform(ProviderEvent::leftover_removed, "removed the " + what);
    } else {
      environment_.warn(ProviderEvent::leftover_kept,
                        "cannot remove the " + what + ": " + removed.error().what());
    }
  }
}

StoreFindings StoredProvider::look_and_clean(const BytePath& store) {
  StoreFindings findings = look_through(store, name_);
  if (!findings.abandoned.empty() || findings.at_work > 0) {
    auto turn = lock_for_cleaning(store);
    findings = look_through(store, name_);
    if (turn.ok()) clean(findings);
  }
  for (const auto& error : findings.unreadable) {
    environment_.warn(ProviderEvent::record_unreadable, error.what() + "; it is left alone");
  }
  return findings;
}

Result<std::vector<StoredSnapshot>> StoredProvider::find_all() {
  recover();
  auto places = stores();
  if (!places.ok()) return places.error();
  std::vector<StoredSnapshot> all;
  for (const auto& store : places.value()) {
    StoreFindings findings = look_and_clean(store);
    for (auto& snapshot : findings.snapshots) {
      // One store can be seen through several mounts.
      const bool known = std::any_of(all.begin(), all.end(), [&](const StoredSnapshot& other) {
        return other.record.info.snapshot == snapshot.record.info.snapshot;
      });
      if (!known) all.push_back(std::move(snapshot));
    }
  }
  return all;
}

Result<StoredSnapshot> StoredProvider::find(const SnapshotId& snapshot) {
  auto all = find_all();
  if (!all.ok()) return all.error();
  for (auto& found : all.value()) {
    if (found.record.info.snapshot == snapshot) return std::move(found);
  }
  return Error(Errc::not_found, "");
}

Result<std::vector<SnapshotInfo>> StoredProvider::query() {
  auto all = find_all();
  if (!all.ok()) return all.error().while_doing("query of provider " + name_);
  std::vector<SnapshotInfo> infos;
  for (const auto& found : all.value()) {
    SnapshotInfo info = found.record.info;
    info.exposed_at = exposed_now(found.record);
    if (found.record.revert != RevertStep::none) {
      info.reason_unusable = "a revert to it was interrupted; revert again to finish it";
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

// A snapshot for one call that changes it, as its record says once nobody else can change it.
Result<StoredProvider::Locked> StoredProvider::lock(std::string_view call,
                                                    const SnapshotId& snapshot) {
  auto found = find(snapshot);
  if (!found.ok()) return no_such(call, snapshot, name_);
  if (found.value().record.info.state != SnapshotState::created) {
    return not_created(call, found.value());
  }
  auto lock = lock_snapshot(found.value().directory);
  if (!lock.ok()) return lock.error().while_doing(call);
  auto record = read_snapshot_record(found.value().directory);
  if (!record.ok()) {
    return record.error().code() == Errc::not_found ? no_such(call, snapshot, name_)
                                                    : record.error();
  }
  const BytePath root = found.value().record.info.root;
  found.value().record = std::move(record).value();
  found.value().record.info.root = root;
  return Locked{std::move(found).value(), std::move(lock).value()};
}

// The caller holds the snapshot's lock.
Status StoredProvider::remove_found(StoredSnapshot& found) {
  if (!exposed_now(found.record).empty()) {
    if (Status s = unexpose_snapshot(found); !s.ok()) return s;
  }
  if (Status s = environment_.at("remove"); !s.ok()) return s;
  if (Status s = release(found); !s.ok()) return s;
  return remove_snapshot_directory(found.store, found.directory);
}

Status StoredProvider::remove(const SnapshotId& snapshot) {
  auto locked = lock("remove", snapshot);
  if (!locked.ok()) return locked.error();
  if (locked.value().found.record.revert == RevertStep::swapping) {
    return Error(Errc::in_progress, "remove: a revert to snapshot " + snapshot.to_string() +
                                        " was interrupted; revert again to finish it first");
  }
  return remove_found(locked.value().found);
}

Status StoredProvider::expose(const SnapshotId& snapshot, const BytePath& place) {
  auto locked = lock("expose", snapshot);
  if (!locked.ok()) return locked.error();
  if (Status s = environment_.at("expose"); !s.ok()) return s;
  return expose_snapshot(locked.value().found, place);
}

Status StoredProvider::unexpose(const SnapshotId& snapshot) {
  auto locked = lock("unexpose", snapshot);
  if (!locked.ok()) return locked.error();
  if (Status s = environment_.at("unexpose"); !s.ok()) return s;
  return unexpose_snapshot(locked.value().found);
}

Status StoredProvider::make_writable(const SnapshotId& snapshot) {
  auto locked = lock("make_writable", snapshot);
  if (!locked.ok()) return locked.error();
  StoredSnapshot& found = locked.value().found;
  if (Status s = unseal(found); !s.ok()) return s;
  found.record.sealed = false;
  return write_snapshot_record(found.directory, found.record);
}

Status StoredProvider::revert(const SnapshotId& snapshot, const RevertOptions& options) {
  auto locked = lock("revert", snapshot);
  if (!locked.ok()) return locked.error();
  StoredSnapshot& found = locked.value().found;
  // A lock on the volume itself would keep it from being unmounted.
  if (unmounts_its_store(found)) locked.value().lock.reset();
  Status done = revert_to(found, options);
  if (!done.ok()) return done.error().while_doing("revert to " + snapshot.to_string());
  environment_.inform(ProviderEvent::revert_finished,
                      "'" + escape_path(found.record.info.volume.mount_point) +
                          "' is back at snapshot " + snapshot.to_string());
  return done;
}

}  // namespace stillframe
