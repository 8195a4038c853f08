// Snapshots that are plain copies, made while the writers hold still: slow, and possible on any
// file system. They lie in the state directory.
#include "framework/base/path.hpp"
#include "framework/providers/builtin.hpp"
#include "framework/providers/common/file_cut.hpp"
#include "framework/providers/common/file_restore.hpp"
#include "framework/providers/common/stored_provider.hpp"

namespace stillframe {
namespace {

constexpr const char* kCopyName = "copy";
constexpr const char* kCopyIdText = "5f1f7a3c-6a0e-4c57-9d0b-2f3b7c1e8a03";
constexpr int kCopyPreference = 10;  // when nothing else fits

class CopyProvider final : public StoredProvider {
 public:
  explicit CopyProvider(ProviderEnvironment settings)
      : StoredProvider(std::move(settings), kCopyName),
        store_(join_path(environment().settings().state_directory, "copies")) {}

  ProviderInfo info() const override {
    ProviderInfo info;
    info.id = ProviderId::parse(kCopyIdText).value();
    info.name = kCopyName;
    info.version = {1, 0};
    info.atomicity = Atomicity::file;
    info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kWritable |
                             ProviderCapabilities::kExpose | ProviderCapabilities::kRevert |
                             ProviderCapabilities::kClone;
    info.preference = kCopyPreference;
    info.expected_commit = std::chrono::milliseconds(5'000);
    return info;
  }

 private:
  Status supports_volume(const Volume&) override { return Ok{}; }

  Result<std::unique_ptr<VolumeCut>> make_cut(const CutRequest& request) override {
    FileCutKind kind;
    kind.provider = info().id;
    kind.provider_name = kCopyName;
    kind.data = DataMode::copy;
    kind.store = store_;
    kind.bytes_max = environment().settings().copy_bytes_max;
    return make_file_cut(environment(), std::move(kind), request);
  }

  Result<std::vector<BytePath>> stores() override { return std::vector<BytePath>{store_}; }

  // Nothing but the exposed view is read-only in the first place.
  Status unseal(StoredSnapshot&) override { return Ok{}; }

  Status revert_to(StoredSnapshot& snapshot, const RevertOptions& options) override {
    RestoreJob job;
    job.source = snapshot.record.info.root;
    job.data = DataMode::clone_or_copy;
    job.storage = store_;
    return restore_files(environment(), snapshot, job, options.force);
  }

  const BytePath store_;
};

}  // namespace

std::unique_ptr<Provider> make_copy_provider(ProviderEnvironment environment) {
  return std::make_unique<CopyProvider>(std::move(environment));
}

}  // namespace stillframe
