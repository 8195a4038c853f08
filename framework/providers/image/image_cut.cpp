#include "framework/providers/image/image_cut.hpp"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/copy_data.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/providers/guard/heartbeat.hpp"
#include "framework/providers/image/image_mount.hpp"
#include "framework/providers/image/loop_device.hpp"

namespace stillframe {

namespace {

// Metadata of the clone; blocks are shared until one side changes.
constexpr std::uint64_t kCloneBytes = std::uint64_t{4} << 20;
constexpr std::chrono::milliseconds kExpectedCommit{200};

class ImageCut final : public VolumeCut {
 public:
  ImageCut(const WorkEnvironment& environment, ImageCutPlan plan, const CutRequest& request,
           Status trouble)
      : environment_(environment),
        plan_(std::move(plan)),
        request_(request),
        trouble_(std::move(trouble)) {}

  Status prepare(const std::atomic<bool>& cancelled) override;
  CutEstimate estimate() const override { return estimate_; }
  Status pre_commit() override;
  Result<CutRecord> commit() override;
  Status post_commit() override { return environment_.at("post_commit.image"); }
  Result<SnapshotInfo> pre_final() override;
  Status post_final() override;
  Status abandon() override;

 private:
  Status open_image();
  Status make_clone_file();
  Status start_guard();
  Status weigh();
  void fill_record();
  Status seal();
  BytePath mount_place() const { return directory_->entry(kImageRoot); }

  const WorkEnvironment& environment_;
  const ImageCutPlan plan_;
  const CutRequest request_;
  const Status trouble_;
  CutEstimate estimate_;
  Descriptor volume_, image_, clone_;
  std::unique_ptr<FreezeGuard> guard_;
  std::optional<SnapshotDirectory> directory_;
  SnapshotRecord record_;
};

Status ImageCut::prepare(const std::atomic<bool>& cancelled) {
  if (!trouble_.ok()) return trouble_;
  if (Status s = open_image(); !s.ok()) return s;
  auto made = SnapshotDirectory::create(plan_.store, request_.set, request_.snapshot);
  if (!made.ok()) return made.error();
  directory_.emplace(std::move(made).value());
  if (Status s = environment_.at("prepare.before_record"); !s.ok()) return s;
  fill_record();
  if (Status s = directory_->write(record_); !s.ok()) return s;
  if (Status s = environment_.at("prepare.after_record"); !s.ok()) return s;
  if (Status s = make_clone_file(); !s.ok()) return s;
  if (Status s = weigh(); !s.ok()) return s;
  if (cancelled) return Error(Errc::cancelled, "the set was aborted");
  return start_guard();
}

Status ImageCut::open_image() {
  auto volume = open_directory(request_.volume.mount_point);
  if (!volume.ok()) return volume.error();
  volume_ = std::move(volume).value();
  auto image = open_file(request_.volume.backing_image, O_RDONLY);
  if (!image.ok()) return image.error();
  image_ = std::move(image).value();
  auto same = loop_shows(request_.volume.device, image_.get());
  if (!same.ok()) return same.error();
  if (!same.value()) {
    return Error(Errc::volume_not_supported,
                 "'" + escape_path(request_.volume.backing_image) +
                     "' is no longer the image of '" + escape_path(request_.volume.mount_point) +
                     "': it was replaced while mounted; mount the volume again");
  }
  return Ok{};
}

Status ImageCut::make_clone_file() {
  auto clone = open_file(directory_->entry(kImageName), O_CREAT | O_EXCL | O_RDWR, 0600);
  if (!clone.ok()) return clone.error();
  clone_ = std::move(clone).value();
  copy_no_cow(image_.get(), clone_.get());
  return make_directories(mount_place(), 0700);
}

Status ImageCut::weigh() {
  struct statvfs space {};
  if (::fstatvfs(clone_.get(), &space) != 0) {
    return posix_error(errno, "measure the free space at", plan_.store);
  }
  estimate_.bytes_needed = kCloneBytes;
  estimate_.bytes_available = std::uint64_t{space.f_bavail} * space.f_frsize;
  estimate_.files = 1;
  estimate_.commit = kExpectedCommit;
  if (request_.bytes_limit != 0 && estimate_.bytes_needed > request_.bytes_limit) {
    return Error(Errc::limit_reached,
                 "the snapshot would take " + std::to_string(estimate_.bytes_needed) +
                     " bytes, the limit is " + std::to_string(request_.bytes_limit) + "; raise it");
  }
  if (estimate_.bytes_needed > estimate_.bytes_available) {
    return Error(Errc::no_space, "'" + escape_path(plan_.store) + "' has " +
                                     std::to_string(estimate_.bytes_available) +
                                     " bytes free and the clone needs " +
                                     std::to_string(estimate_.bytes_needed) + "; free some");
  }
  return Ok{};
}

// Before the hold: it takes longer than the cut.
Status ImageCut::start_guard() {
  const ProviderEnvironment& settings = environment_.settings();
  FreezeGuardOptions options;
  options.record_directory = join_path(settings.runtime_directory, "held");
  options.lease = settings.lease;
  options.limit = settings.commit_max;
  options.never_freeze = {plan_.store};
  for (const BytePath& own : {settings.state_directory, settings.runtime_directory}) {
    if (exists(own)) options.never_freeze.push_back(own);
  }
  std::vector<Descriptor> targets;
  targets.emplace_back(::fcntl(volume_.get(), F_DUPFD_CLOEXEC, 3));
  auto guard = FreezeGuard::start(options, std::move(targets));
  if (!guard.ok()) return guard.error();
  guard_ = std::move(guard).value();
  for (const std::string& warning : guard_->warnings()) {
    environment_.inform(ProviderEvent::guard_warning, warning);
  }
  return Ok{};
}

void ImageCut::fill_record() {
  record_.info.snapshot = request_.snapshot;
  record_.info.set = request_.set;
  record_.info.provider = plan_.provider;
  record_.info.provider_name = plan_.provider_name;
  record_.info.volume = request_.volume;
  record_.info.attributes = request_.attributes;
  record_.info.state = SnapshotState::preparing;
  record_.info.created = environment_.clock().wall_now();
  record_.info.host = environment_.settings().host;
  record_.view = std::string(kImageRoot);
  // btrfs is mounted by its subvolume; of others, what was mounted may be a folder inside.
  if (request_.volume.fs_type != "btrfs" && request_.volume.mount_root.size() > 1) {
    record_.view += request_.volume.mount_root;
  }
  record_.request = request_;
}

// What is written here is not written inside the freeze.
Status ImageCut::pre_commit() {
  if (::syncfs(volume_.get()) != 0) {
    return posix_error(errno, "sync", request_.volume.mount_point);
  }
  if (::fsync(image_.get()) != 0) return posix_error(errno, "sync", request_.volume.backing_image);
  return environment_.at("pre_commit.synced");
}

Result<CutRecord> ImageCut::commit() {
  const Deadline deadline(system_clock().now() + environment_.settings().commit_max);
  const Heartbeat beats(*guard_, environment_.settings().lease);
  record_.info.created = environment_.clock().wall_now();
  if (Status s = guard_->freeze(deadline); !s.ok()) return s.error();
  CutRecord cut;
  cut.snapshot = request_.snapshot;
  cut.begun = system_clock().now();
  Status cloned = environment_.at("commit.frozen");
  if (cloned.ok()) {
    cloned = clone_data(image_.get(), clone_.get(), request_.volume.backing_image);
  }
  cut.ended = system_clock().now();
  auto said = guard_->thaw();
  if (!said.ok()) return said.error();
  if (!cloned.ok()) return cloned.error();
  if (!said.value().covers(cut.begun, cut.ended)) {
    return Error(Errc::hold_broken, "'" + escape_path(request_.volume.mount_point) +
                                        "' did not stay frozen while its image was cloned: " +
                                        said.value().ended_because);
  }
  if (Status s = environment_.at("commit.after_cut"); !s.ok()) return s.error();
  return cut;
}

Result<SnapshotInfo> ImageCut::pre_final() {
  guard_.reset();
  volume_.reset();  // it would keep the volume busy
  image_.reset();
  if (Status s = sync_file(clone_.get(), kImageName); !s.ok()) return s.error();
  clone_.reset();
  Status mounted = mount_image(directory_->entry(kImageName), mount_place(), request_.volume,
                               ImageAccess::writable);
  // That has replayed the log; who wants no auto-recovery never sees it writable.
  if (mounted.ok() && !request_.attributes.auto_recovery) mounted = seal();
  if (!mounted.ok()) return mounted.error();
  record_.info.state = SnapshotState::committed;
  if (Status s = directory_->write(record_); !s.ok()) return s.error();
  if (Status s = environment_.at("pre_final.after_record"); !s.ok()) return s.error();
  SnapshotInfo info = record_.info;
  info.root = directory_->entry(record_.view);
  return info;
}

// The file system itself is sealed before its mount goes: a copy of the mount in another mount
// namespace keeps it alive, and a journal that is still in use cannot be mounted a second time.
Status ImageCut::seal() {
  if (Status s = seal_file_system(mount_place()); !s.ok()) return s;
  if (Status s = unmount_image(mount_place()); !s.ok()) return s;
  return mount_image(directory_->entry(kImageName), mount_place(), request_.volume,
                     ImageAccess::sealed);
}

Status ImageCut::post_final() {
  if (request_.attributes.auto_recovery) {
    if (Status s = seal(); !s.ok()) return s;
  }
  if (Status s = environment_.at("post_final.before_record"); !s.ok()) return s;
  record_.info.state = SnapshotState::created;
  record_.sealed = true;
  if (Status s = directory_->write(record_); !s.ok()) return s;
  directory_->disown();
  return environment_.at("post_final.after_record");
}

Status ImageCut::abandon() {
  guard_.reset();  // thaws
  volume_.reset();
  image_.reset();
  clone_.reset();
  if (!directory_) return Ok{};
  if (Status s = unmount_image(mount_place()); !s.ok()) return s;
  return directory_->remove(plan_.store);
}

}  // namespace

std::unique_ptr<VolumeCut> make_image_cut(const WorkEnvironment& environment, ImageCutPlan plan,
                                          const CutRequest& request, Status trouble) {
  return std::make_unique<ImageCut>(environment, std::move(plan), request, std::move(trouble));
}

}  // namespace stillframe
