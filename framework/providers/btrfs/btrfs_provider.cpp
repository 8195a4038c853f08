// Snapshots of btrfs subvolumes. They lie in the volume they are of, so that they can be reached
// without a mount of their own, and share all its blocks.
#include <algorithm>

#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/btrfs/btrfs_cut.hpp"
#include "framework/providers/btrfs/btrfs_revert.hpp"
#include "framework/providers/builtin.hpp"
#include "framework/providers/common/file_restore.hpp"
#include "framework/providers/common/stored_provider.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

constexpr const char* kBtrfsName = "btrfs";
constexpr const char* kBtrfsIdText = "5f1f7a3c-6a0e-4c57-9d0b-2f3b7c1e8a01";
constexpr int kBtrfsPreference = 100;
constexpr std::uint64_t kTopLevel = 5;

class BtrfsProvider final : public StoredProvider {
 public:
  explicit BtrfsProvider(ProviderEnvironment settings)
      : StoredProvider(std::move(settings), kBtrfsName) {}

  ProviderInfo info() const override {
    ProviderInfo info;
    info.id = ProviderId::parse(kBtrfsIdText).value();
    info.name = kBtrfsName;
    info.version = {1, 0};
    info.atomicity = Atomicity::volume;
    info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kWritable |
                             ProviderCapabilities::kExpose | ProviderCapabilities::kRevert |
                             ProviderCapabilities::kDifferential;
    info.preference = kBtrfsPreference;
    info.expected_commit = std::chrono::milliseconds(50);
    return info;
  }

 private:
  Status supports_volume(const Volume& volume) override {
    const auto refuse = [](const char* why) { return Error(Errc::volume_not_supported, why); };
    if (volume.fs_type != "btrfs") return refuse("it is no btrfs");
    if (volume.subvolume_id == 0) return refuse("its subvolume is not known");
    if (volume.read_only) return refuse("it is mounted read-only, and snapshots lie on it");
    if (::geteuid() != 0) return refuse("snapshots of subvolumes take root");
    return Ok{};
  }

  Result<std::unique_ptr<VolumeCut>> make_cut(const CutRequest& request) override {
    auto store = store_for(request.volume);
    if (!store.ok()) return store.error();
    return make_btrfs_cut(environment(), info(), request, store.value());
  }

  Result<std::vector<BytePath>> stores() override { return stores_on_volumes(); }
  void recover() override { recover_reverts(environment()); }

  Status unseal(StoredSnapshot& snapshot) override {
    auto directory = open_directory(snapshot.directory);
    if (!directory.ok()) return directory.error();
    return seal_subvolumes(directory.value().get(), snapshot.record, false);
  }

  bool unmounts_its_store(const StoredSnapshot& snapshot) const override {
    return snapshot.record.info.volume.subvolume_id != kTopLevel;
  }

  Status revert_to(StoredSnapshot& snapshot, const RevertOptions& options) override {
    if (unmounts_its_store(snapshot)) {
      return revert_subvolume(environment(), snapshot, options.force);
    }
    return revert_top_level(snapshot, options);
  }

  // The top level cannot be swapped: it has no name. Its files are put back one by one, and those
  // of the subvolumes that were cut with it; others in it are left alone.
  Status revert_top_level(StoredSnapshot& snapshot, const RevertOptions& options) {
    RestoreJob job;
    job.source = snapshot.record.info.root;
    job.data = DataMode::clone_or_copy;
    job.whole_volume = true;
    // The mount may show a directory of the top level only.
    const BytePath inside = snapshot.record.view.substr(std::string_view(kTreeSubvolume).size());
    for (const CutSubvolume& each : snapshot.record.subvolumes) {
      const BytePath place = "/" + each.place;
      const auto below = each.place.empty() ? BytePath() : path_below(place, inside);
      if (below) job.subvolumes.push_back(*below);
    }
    return restore_files(environment(), snapshot, job, options.force);
  }
};

}  // namespace

std::unique_ptr<Provider> make_btrfs_provider(ProviderEnvironment environment) {
  return std::make_unique<BtrfsProvider>(std::move(environment));
}

}  // namespace stillframe
