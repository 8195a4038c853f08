// A volume on a real file system that is mounted nowhere, and its view.
#pragma once

#include <filesystem>
#include <thread>

#include "framework/base/child_process.hpp"
#include "framework/base/path.hpp"
#include "framework/io/mounts.hpp"
#include "tests/dedup/volume/volume_fixture.hpp"
#include "tests/support/loop_fs.hpp"
#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/view/view.hpp"

namespace stillframe::dedup::tests {

class MountedVolume {
 public:
  // Null when this machine cannot; `reason` then says what is missing.
  static std::unique_ptr<MountedVolume> make(stillframe::tests::FsKind kind, std::string& reason) {
    std::unique_ptr<MountedVolume> made(new MountedVolume);
    if (!std::filesystem::exists("/dev/fuse")) {
      reason = "no /dev/fuse";
      return nullptr;
    }
    made->fs_ = stillframe::tests::LoopFs::make(kind, reason);
    if (!made->fs_ || !made->fs_->unmount()) return nullptr;
    made->place_ = made->fs_->scratch() + "/view";
    std::filesystem::create_directory(made->place_);
    made->mount(true);
    return made;
  }
  ~MountedVolume() { unmount(); }

  void mount(bool first = false) {
    auto root = mount_detached(stillframe::tests::to_string(fs_->kind()), fs_->device(), {});
    ASSERT_TRUE(root.ok()) << root.error().what();
    root_ = std::move(root).value();
    files_ = posix_files();
    const BytePath folder = "/proc/self/fd/" + std::to_string(root_.get()) + "/" + kVolumeFolder;
    if (first) {
      ASSERT_TRUE(files_->make_directory(folder + "/store").ok());
      ASSERT_TRUE(OpenVolume::create(*files_, folder, id_).ok());
    }
    auto volume = OpenVolume::open(*files_, folder, id_);
    ASSERT_TRUE(volume.ok()) << volume.error().what();
    volume_.emplace(std::move(volume).value());
    auto view = View::mount(Descriptor(::dup(root_.get())), place_, volume_->parts(),
                            [this](const Error& error) { reported_.push_back(error.what()); });
    ASSERT_TRUE(view.ok()) << view.error().what();
    view_ = std::move(view).value();
    thread_ = std::thread([this] { (void)view_->run(); });
  }

  void unmount() {
    if (!view_) return;
    view_->stop();
    thread_.join();
    view_.reset();
    volume_.reset();
    root_.reset();
  }

  // Moves the file into the store, from beside the view.
  Status optimize(const std::string& name) {
    Status done = Ok{};
    view_->exclusively([&] {
      const auto file = view_->open_file(name);
      done = file.ok() ? tests::optimize(*volume_, *file.value()) : Status(file.error());
    });
    return done;
  }

  // For jobs; `files` is how they get at the view's files.
  JobVolume for_jobs(JobFiles& files) {
    return {
        root_.get(), volume_->parts(), files, *files_,
        "/proc/self/fd/" + std::to_string(root_.get()) + "/" + kVolumeFolder + "/" + kStoreFolder};
  }
  View& view() { return *view_; }

  // An engine of its own process, in place of this one.
  std::unique_ptr<ChildProcess> start_engine() {
    ChildOptions child;
    child.command = {std::filesystem::read_symlink("/proc/self/exe").parent_path() / "view_engine",
                     stillframe::tests::to_string(fs_->kind()), fs_->device(), place_,
                     uuid_to_string(id_)};
    auto started = ChildProcess::start(child);
    EXPECT_TRUE(started.ok()) << started.error().what();
    return started.ok() ? std::move(started).value() : nullptr;
  }

  // What the operator was told; while the view is unmounted.
  const std::vector<std::string>& reported() const { return reported_; }

  std::string operator/(const std::string& name) const { return place_ + "/" + name; }
  const std::string& place() const { return place_; }
  // The file below, past the view.
  std::string below(const std::string& name) const {
    return "/proc/self/fd/" + std::to_string(root_.get()) + "/" + name;
  }

 private:
  MountedVolume() = default;

  const UuidBytes id_ = generate_uuid();
  std::unique_ptr<stillframe::tests::LoopFs> fs_;
  std::string place_;
  Descriptor root_;
  std::unique_ptr<Files> files_;
  std::optional<OpenVolume> volume_;
  std::unique_ptr<View> view_;
  std::vector<std::string> reported_;
  std::thread thread_;
};

}  // namespace stillframe::dedup::tests
