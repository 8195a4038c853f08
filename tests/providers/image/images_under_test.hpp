// File systems on images, for the tests of the image provider.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stillframe/testkit/provider_suite.hpp>

#include "framework/base/memory_event_sink.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/image/image_provider.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

// File systems on images that lie on a file system which shares blocks.
class ImagesUnderTest final : public testkit::ProviderUnderTest {
 public:
  static std::unique_ptr<ImagesUnderTest> make(FsKind host, FsKind inside, std::size_t volumes,
                                               std::string& reason) {
    std::unique_ptr<ImagesUnderTest> made(new ImagesUnderTest());
    LoopFsOptions large;
    large.image_bytes = std::uint64_t{3} << 30;
    made->host_ = LoopFs::make(host, reason, large);
    if (!made->host_) return nullptr;
    LoopFsOptions options;
    options.image_bytes = std::uint64_t{400} << 20;
    options.image_directory = made->host_->mount_point();
    for (std::size_t i = 0; i < volumes; ++i) {
      auto fs = LoopFs::make(inside, reason, options);
      if (!fs) return nullptr;
      made->fs_.push_back(std::move(fs));
    }
    made->environment_.state_directory = made->scratch_.path() + "/state";
    made->environment_.runtime_directory = made->scratch_.path() + "/run";
    made->environment_.events = &made->events_;
    made->environment_.host = "test-host";
    return made;
  }

  std::unique_ptr<Provider> make() override { return make_image_provider(environment_); }
  std::vector<Volume> volumes() override {
    std::vector<Volume> found;
    auto directory = VolumeDirectory::read();
    for (const auto& fs : fs_) {
      auto located = directory.value().locate(fs->mount_point());
      if (located.ok()) found.push_back(located.value().volume);
    }
    return found;
  }
  ProviderEnvironment& environment() { return environment_; }
  MemoryEventSink& events() { return events_; }
  BytePath scratch() override { return scratch_.path(); }
  bool seals_root() const override { return true; }

  LoopFs& fs(std::size_t index = 0) { return *fs_[index]; }
  LoopFs& host() { return *host_; }
  Volume volume(const std::string& path) const {
    return VolumeDirectory::read().value().locate(path).value().volume;
  }

 private:
  ImagesUnderTest() = default;
  // In this order: the images go before the file system they lie on.
  TemporaryDirectory scratch_;
  std::unique_ptr<LoopFs> host_;
  std::vector<std::unique_ptr<LoopFs>> fs_;
  MemoryEventSink events_;
  ProviderEnvironment environment_;
};

}  // namespace stillframe::tests
