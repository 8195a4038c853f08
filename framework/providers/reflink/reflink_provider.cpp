// Snapshots that share the blocks of the files they hold. They lie on the volume itself, since
// blocks can be shared within one file system only.
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/copy_data.hpp"
#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/builtin.hpp"
#include "framework/providers/common/file_cut.hpp"
#include "framework/providers/common/file_restore.hpp"
#include "framework/providers/common/stored_provider.hpp"

namespace stillframe {
namespace {

constexpr const char* kReflinkName = "reflink";
constexpr const char* kReflinkIdText = "5f1f7a3c-6a0e-4c57-9d0b-2f3b7c1e8a02";
constexpr int kReflinkPreference = 50;  // behind whatever cuts a whole volume at one instant

// Asks the file system itself: what it is called says nothing about how it was made.
Status try_clone_on(const BytePath& mount_point) {
  Descriptor from(::open(mount_point.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!from.valid()) return posix_error(errno, "make a temporary file on", mount_point);
  Descriptor to(::open(mount_point.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!to.valid()) return posix_error(errno, "make a temporary file on", mount_point);
  if (Status s = write_all(from.get(), "x", mount_point); !s.ok()) return s;
  return clone_data(from.get(), to.get(), mount_point);
}

class ReflinkProvider final : public StoredProvider {
 public:
  explicit ReflinkProvider(ProviderEnvironment settings)
      : StoredProvider(std::move(settings), kReflinkName) {}

  ProviderInfo info() const override {
    ProviderInfo info;
    info.id = ProviderId::parse(kReflinkIdText).value();
    info.name = kReflinkName;
    info.version = {1, 0};
    info.atomicity = Atomicity::file;
    info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kWritable |
                             ProviderCapabilities::kExpose | ProviderCapabilities::kRevert |
                             ProviderCapabilities::kDifferential;
    info.preference = kReflinkPreference;
    info.expected_commit = std::chrono::milliseconds(500);
    return info;
  }

 private:
  Status supports_volume(const Volume& volume) override {
    if (volume.read_only) {
      return Error(Errc::volume_not_supported, "it is mounted read-only, and clones lie on it");
    }
    Status cloned = try_clone_on(volume.mount_point);
    if (cloned.ok()) return cloned;
    if (cloned.error().code() != Errc::not_supported) return cloned;
    return Error(Errc::volume_not_supported,
                 "files on " + volume.fs_type + " there cannot share blocks (FICLONE)");
  }

  Result<std::unique_ptr<VolumeCut>> make_cut(const CutRequest& request) override {
    FileCutKind kind;
    kind.provider = info().id;
    kind.provider_name = kReflinkName;
    kind.data = DataMode::clone;
    auto store = store_for(request.volume);
    if (!store.ok()) return store.error();
    kind.store = std::move(store).value();
    return make_file_cut(environment(), std::move(kind), request);
  }

  Result<std::vector<BytePath>> stores() override { return stores_on_volumes(); }

  // Nothing but the exposed view is read-only in the first place.
  Status unseal(StoredSnapshot&) override { return Ok{}; }

  Status revert_to(StoredSnapshot& snapshot, const RevertOptions& options) override {
    RestoreJob job;
    job.source = snapshot.record.info.root;
    job.data = DataMode::clone_or_copy;
    return restore_files(environment(), snapshot, job, options.force);
  }
};

}  // namespace

std::unique_ptr<Provider> make_reflink_provider(ProviderEnvironment environment) {
  return std::make_unique<ReflinkProvider>(std::move(environment));
}

}  // namespace stillframe
