#include "framework/providers/image/image_provider.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/copy_data.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/common/stored_provider.hpp"
#include "framework/providers/guard/file_system_id.hpp"
#include "framework/providers/image/image_cut.hpp"
#include "framework/providers/image/image_mount.hpp"
#include "framework/providers/image/image_revert.hpp"

namespace stillframe {

namespace {

constexpr const char* kImageName = "image";
constexpr const char* kImageIdText = "5f1f7a3c-6a0e-4c57-9d0b-2f3b7c1e8a04";
// Ahead of reflink: one instant for the whole volume. Behind btrfs, which freezes nothing.
constexpr int kImagePreference = 60;

BytePath folder_of(const BytePath& image) {
  return parent_path(image);
}

// Asks the file system itself whether it shares blocks.
Status try_clone_beside(const BytePath& folder) {
  const Descriptor from(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const Descriptor to(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!from.valid() || !to.valid())
    return posix_error(errno, "make a file beside the image in", folder);
  if (Status s = write_all(from.get(), "x", folder); !s.ok()) return s;
  return clone_data(from.get(), to.get(), folder);
}

class ImageProvider final : public StoredProvider {
 public:
  explicit ImageProvider(ProviderEnvironment settings)
      : StoredProvider(std::move(settings), kImageName) {}

  ProviderInfo info() const override {
    ProviderInfo info;
    info.id = ProviderId::parse(kImageIdText).value();
    info.name = kImageName;
    info.version = {1, 0};
    info.atomicity = Atomicity::volume;
    info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kWritable |
                             ProviderCapabilities::kExpose | ProviderCapabilities::kRevert |
                             ProviderCapabilities::kDifferential;
    info.freezes_file_system = true;
    info.preference = kImagePreference;
    info.expected_commit = std::chrono::milliseconds(200);
    return info;
  }

 private:
  Status supports_volume(const Volume& volume) override {
    const auto refuse = [](const std::string& why) {
      return Error(Errc::volume_not_supported, why);
    };
    if (volume.backing_image.empty()) return refuse("it does not live on an image file");
    if (volume.read_only) return refuse("it is mounted read-only, so there is nothing to freeze");
    if (Status s = can_mount_copy(volume); !s.ok()) return s;
    Status cloned = try_clone_beside(folder_of(volume.backing_image));
    if (cloned.ok() || cloned.error().code() != Errc::not_supported) return cloned;
    return refuse("the file system below '" + escape_path(volume.backing_image) +
                  "' cannot share blocks between files (FICLONE)");
  }

  Result<std::unique_ptr<VolumeCut>> make_cut(const CutRequest& request) override {
    ImageCutPlan plan;
    plan.provider = info().id;
    plan.provider_name = kImageName;
    auto directory = VolumeDirectory::read();
    if (!directory.ok()) return directory.error();
    auto below = directory.value().locate(request.volume.backing_image);
    if (!below.ok()) return below.error();
    auto store = store_for(below.value().volume);
    if (!store.ok()) return store.error();
    plan.store = std::move(store).value();
    return make_image_cut(environment(), std::move(plan), request, note_volume(request));
  }

  // Remembers the volumes of the latest sets, to tell nested ones.
  Status note_volume(const CutRequest& request) {
    const std::lock_guard lock(mutex_);
    if (request.set != noted_set_) volumes_.clear();
    noted_set_ = request.set;
    volumes_.push_back(request.volume);
    return check_images_not_nested(volumes_);
  }

  Result<std::vector<BytePath>> stores() override { return stores_on_volumes(); }

  // After a restart of the machine, or of a mount namespace, snapshots are there but not mounted.
  void recover() override {
    auto places = stores();
    if (!places.ok()) return;
    for (const BytePath& store : places.value()) {
      for (StoredSnapshot& found : look_through(store, kImageName).snapshots) {
        if (found.record.info.state != SnapshotState::created) continue;
        const std::string name = "snapshot " + found.record.info.snapshot.to_string();
        if (Status s = mount_lost(found); !s.ok()) {
          environment().warn(ProviderEvent::image_not_mounted,
                             name + " cannot be read: " + s.error().what());
        }
        if (Status s = settle_revert(found); !s.ok()) {
          environment().warn(
              ProviderEvent::leftover_kept,
              "cannot finish the interrupted revert to " + name + ": " + s.error().what());
        }
      }
    }
  }

  // A revert that is under way has the snapshot's lock.
  Status settle_revert(StoredSnapshot& found) const {
    if (found.record.revert == RevertStep::none) return Ok{};
    auto lock = lock_snapshot(found.directory, LockWait::none);
    if (!lock.ok()) return Ok{};
    auto record = read_snapshot_record(found.directory);
    if (!record.ok() || record.value().revert == RevertStep::none) return Ok{};
    found.record = std::move(record).value();
    if (Status s = recover_image_revert(environment(), found); !s.ok()) return s;
    environment().inform(ProviderEvent::revert_resumed,
                         "settled an interrupted revert of '" +
                             escape_path(found.record.info.volume.mount_point) + "'");
    return Ok{};
  }

  // Another process may have unmounted it on purpose, to remove it or to make it writable: it has
  // the snapshot's lock then, and what it leaves behind is not what was found here.
  static Status mount_lost(const StoredSnapshot& found) {
    auto mounted = is_mount_point(join_path(found.directory, kImageRoot));
    if (mounted.ok() && mounted.value()) return Ok{};
    auto lock = lock_snapshot(found.directory, LockWait::none);
    if (!lock.ok()) return Ok{};
    auto record = read_snapshot_record(found.directory);
    if (!record.ok() || record.value().info.state != SnapshotState::created) return Ok{};
    return remount(found, record.value().sealed);
  }

  // Under the snapshot's lock.
  static Status remount(const StoredSnapshot& found, bool sealed) {
    const BytePath place = join_path(found.directory, kImageRoot);
    auto mounted = is_mount_point(place);
    if (mounted.ok() && mounted.value()) return Ok{};
    return mount_image(join_path(found.directory, kImageName), place, found.record.info.volume,
                       sealed ? ImageAccess::sealed : ImageAccess::writable);
  }

  Status release(const StoredSnapshot& found) override {
    return unmount_image(join_path(found.directory, kImageRoot));
  }

  Status unseal(StoredSnapshot& found) override {
    if (!found.record.sealed) return Ok{};
    if (Status s = unmount_image(join_path(found.directory, kImageRoot)); !s.ok()) return s;
    Status mounted = remount(found, false);
    if (!mounted.ok()) (void)remount(found, true);
    return mounted;
  }

  Status revert_to(StoredSnapshot& found, const RevertOptions&) override {
    return revert_image(environment(), found);
  }

  std::mutex mutex_;
  SetId noted_set_;
  std::vector<Volume> volumes_;
};

}  // namespace

Status check_images_not_nested(std::span<const Volume> volumes) {
  for (const Volume& upper : volumes) {
    if (upper.backing_image.empty()) continue;
    auto below = guard::file_system_of(upper.backing_image);
    if (!below.ok()) continue;  // prepare() meets it again and says so
    const auto chain = guard::with_backing(below.value());
    for (const Volume& lower : volumes) {
      auto id = guard::file_system_of(lower.mount_point);
      if (!id.ok() || std::find(chain.begin(), chain.end(), id.value()) == chain.end()) continue;
      return Error(Errc::volume_not_supported,
                   "'" + escape_path(upper.mount_point) + "' lives on an image below '" +
                       escape_path(lower.mount_point) +
                       "', which is in the same set; take them in two sets");
    }
  }
  return Ok{};
}

std::unique_ptr<Provider> make_image_provider(ProviderEnvironment environment) {
  return std::make_unique<ImageProvider>(std::move(environment));
}

}  // namespace stillframe
