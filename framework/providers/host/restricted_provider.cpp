#include "framework/providers/host/restricted_provider.hpp"

#include <algorithm>

#include <fcntl.h>

#include "framework/base/path.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/file.hpp"
#include "framework/io/volumes.hpp"

namespace stillframe {
namespace {

// `place` or, while it does not exist, the nearest directory above it can be reached from `root`
// without a symbolic link.
bool reached_without_links(const BytePath& root, const BytePath& below) {
  auto directory = open_directory(root);
  if (!directory.ok()) return false;
  for (BytePath at = below;; at = at.substr(0, at.rfind('/'))) {
    auto there = open_beneath(directory.value().get(), at, O_PATH | O_DIRECTORY);
    if (there.ok()) return true;
    if (there.error().code() != Errc::not_found) return false;
    if (at.find('/') == BytePath::npos) return true;
  }
}

class RestrictedProvider final : public Provider {
 public:
  RestrictedProvider(std::unique_ptr<Provider> provider, ProviderRestrictions restrictions)
      : provider_(std::move(provider)), restrictions_(std::move(restrictions)) {}

  ProviderInfo info() const override { return provider_->info(); }

  Status supports(const Volume& volume, const SnapshotAttributes& attributes) override {
    auto really = look_up(volume);
    if (!really.ok()) return really.error();
    return provider_->supports(really.value(), attributes);
  }

  Status begin_prepare(const CutRequest& request) override {
    auto really = look_up(request.volume);
    if (!really.ok()) return really.error();
    CutRequest checked = request;
    checked.volume = std::move(really).value();
    if (restrictions_.bytes_max != 0 && checked.bytes_limit != 0) {
      checked.bytes_limit = std::min(checked.bytes_limit, restrictions_.bytes_max);
    }
    return provider_->begin_prepare(checked);
  }

  Status expose(const SnapshotId& snapshot, const BytePath& place) override {
    if (Status s = check_place(place); !s.ok()) return s;
    return provider_->expose(snapshot, place);
  }

  Result<CutEstimate> end_prepare(const SetId& set) override { return provider_->end_prepare(set); }
  Status pre_commit(const SetId& set) override { return provider_->pre_commit(set); }
  Result<std::vector<CutRecord>> commit(const SetId& set) override {
    return provider_->commit(set);
  }
  Status post_commit(const SetId& set) override { return provider_->post_commit(set); }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) override {
    return provider_->pre_final(set);
  }
  Status post_final(const SetId& set) override { return provider_->post_final(set); }
  void abort(const SetId& set) override { provider_->abort(set); }
  Result<std::vector<SnapshotInfo>> query() override { return provider_->query(); }
  Status remove(const SnapshotId& snapshot) override { return provider_->remove(snapshot); }
  Status unexpose(const SnapshotId& snapshot) override { return provider_->unexpose(snapshot); }
  Status make_writable(const SnapshotId& snapshot) override {
    return provider_->make_writable(snapshot);
  }
  Status revert(const SnapshotId& snapshot, const RevertOptions& options) override {
    return provider_->revert(snapshot, options);
  }

 private:
  Result<Volume> look_up(const Volume& claimed) const {
    DiscoveryOptions options;
    options.snapshot_views = restrictions_.expose_below;
    auto directory = VolumeDirectory::read(std::move(options));
    if (!directory.ok()) return directory.error();
    auto located = directory.value().locate(claimed.mount_point);
    if (!located.ok()) return located.error();
    const Volume& really = located.value().volume;
    if (really.mount_point != claimed.mount_point || really.st_dev != claimed.st_dev) {
      return Error(Errc::wrong_state,
                   "'" + escape_path(claimed.mount_point) + "' is not where the volume " +
                       escape_path(claimed.id) + " is mounted, but on volume " + really.id +
                       " at '" + escape_path(really.mount_point) + "'; look for the volumes again");
    }
    return really;
  }

  Status check_place(const BytePath& place) const {
    std::string allowed;
    for (const BytePath& root : restrictions_.expose_below) {
      allowed += (allowed.empty() ? "'" : ", '") + escape_path(root) + "'";
      const auto below = path_below(place, root);
      if (!below || below->empty() || !is_safe_relative(*below)) continue;
      if (reached_without_links(root, *below)) return Ok{};
    }
    return Error(Errc::access_denied,
                 "expose at '" + escape_path(place) + "': snapshots may be exposed below " +
                     (allowed.empty() ? "no directory" : allowed) +
                     " only, and not through a symbolic link; choose a place there");
  }

  const std::unique_ptr<Provider> provider_;
  const ProviderRestrictions restrictions_;
};

}  // namespace

std::unique_ptr<Provider> restrict_provider(std::unique_ptr<Provider> provider,
                                            ProviderRestrictions restrictions) {
  return std::make_unique<RestrictedProvider>(std::move(provider), std::move(restrictions));
}

}  // namespace stillframe
