#include "framework/coordinator/volumes/volume_source.hpp"

#include <array>

#include "framework/io/volumes.hpp"
#include "framework/providers/image/image_provider.hpp"

namespace stillframe::coordinator {
namespace {

class MountedVolumes final : public VolumeSource {
 public:
  explicit MountedVolumes(VolumeDirectory directory) : directory_(std::move(directory)) {}

  Result<Located> locate(const BytePath& path) const override {
    auto located = directory_.locate(path);
    if (!located.ok()) return located.error();
    Located answer;
    answer.volume = std::move(located.value().volume);
    answer.path = std::move(located.value().path);
    return answer;
  }
  std::vector<Volume> volumes() const override { return directory_.volumes(); }
  Status check_apart(const Volume& one, const Volume& other) const override {
    return check_images_not_nested(std::array{one, other});
  }

 private:
  VolumeDirectory directory_;
};

}  // namespace

VolumeSourceFactory system_volumes(std::vector<BytePath> snapshot_views) {
  return [views = std::move(snapshot_views)]() -> Result<std::unique_ptr<VolumeSource>> {
    DiscoveryOptions options;
    options.snapshot_views = views;
    auto directory = VolumeDirectory::read(std::move(options));
    if (!directory.ok()) return directory.error();
    return std::unique_ptr<VolumeSource>(
        std::make_unique<MountedVolumes>(std::move(directory).value()));
  };
}

}  // namespace stillframe::coordinator
