#include "tests/providers/under_test.hpp"

#include <algorithm>

#include "framework/io/volumes.hpp"

namespace stillframe::tests {

std::string name_of(const Pairing& setup) {
  const char* provider = setup.provider == Kind::btrfs     ? "btrfs"
                         : setup.provider == Kind::reflink ? "reflink"
                                                           : "copy";
  return std::string(provider) + "_on_" + to_string(setup.fs) +
         (setup.subvolumes ? "_subvolumes" : "");
}

std::unique_ptr<Provider> make_provider(Kind kind, ProviderEnvironment environment) {
  switch (kind) {
    case Kind::btrfs:
      return make_btrfs_provider(std::move(environment));
    case Kind::reflink:
      return make_reflink_provider(std::move(environment));
    case Kind::copy:
      return make_copy_provider(std::move(environment));
  }
  return nullptr;
}

std::unique_ptr<BuiltinUnderTest> BuiltinUnderTest::make(const Pairing& setup, std::size_t volumes,
                                                         std::string& reason) {
  std::unique_ptr<BuiltinUnderTest> made(new BuiltinUnderTest(setup));
  for (std::size_t i = 0; i < volumes; ++i) {
    auto fs = LoopFs::make(setup.fs, reason);
    if (!fs) return nullptr;
    if (setup.subvolumes) {
      const std::string subvolume = fs->mount_point() + "/@data";
      if (run_program({"btrfs", "-q", "subvolume", "create", subvolume}, &reason) != 0 ||
          !fs->unmount() || !fs->mount("subvol=@data")) {
        return nullptr;
      }
    }
    made->fs_.push_back(std::move(fs));
  }
  made->storage_ = LoopFs::make(FsKind::ext4, reason);
  if (!made->storage_) return nullptr;
  made->environment_.state_directory = made->storage_->mount_point() + "/state";
  made->environment_.runtime_directory = made->storage_->mount_point() + "/run";
  made->environment_.events = &made->events_;
  made->environment_.host = "test-host";
  return made;
}

std::unique_ptr<Provider> BuiltinUnderTest::make() {
  return make_provider(setup_.provider, environment_);
}

std::vector<Volume> BuiltinUnderTest::volumes() {
  std::vector<Volume> found;
  auto directory = VolumeDirectory::read();
  for (const auto& fs : fs_) {
    auto located = directory.value().locate(fs->mount_point());
    if (located.ok()) found.push_back(located.value().volume);
  }
  return found;
}

std::vector<std::string> BuiltinUnderTest::extra_mounts() const {
  std::vector<std::string> extra;
  for (const auto& mount : mounted_now()) {
    for (const auto& fs : fs_) {
      const bool of_it = mount.source == fs->device();
      if (of_it && mount.mount_point != fs->mount_point()) extra.push_back(mount.mount_point);
    }
  }
  return extra;
}

std::string BuiltinUnderTest::leftovers() const {
  std::string listed;
  run_program({"find", storage_->mount_point() + "/state", "-mindepth", "2"}, &listed);
  if (listed.find("No such file") != std::string::npos) listed.clear();
  for (const auto& fs : fs_) {
    run_program({"find", fs->mount_point(), "-name", ".stillframe*", "-prune", "-print"}, &listed);
    if (fs->kind() == FsKind::btrfs) {
      std::string subvolumes;
      run_program({"btrfs", "subvolume", "list", fs->mount_point()}, &subvolumes);
      if (subvolumes.find("stillframe") != std::string::npos) listed += subvolumes;
    }
  }
  return listed;
}

}  // namespace stillframe::tests
