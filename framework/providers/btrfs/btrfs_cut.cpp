#include "framework/providers/btrfs/btrfs_cut.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/btrfs_tree.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/beneath.hpp"
#include "framework/io/device_names.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "framework/io/volumes.hpp"
#include "framework/io/walk.hpp"
#include "framework/providers/common/snapshot_store.hpp"
#include "framework/providers/common/subvolume.hpp"

namespace stillframe {
namespace {

// Roots and first leaves of a new subvolume; all else is shared.
constexpr std::uint64_t kSubvolumeBytes = std::uint64_t{256} << 10;
constexpr std::uint64_t kVolumeReserveBytes = std::uint64_t{8} << 20;
constexpr std::size_t kSubvolumesMax = 1024;  // of one volume: each is a commit of its own
constexpr std::chrono::milliseconds kCutTime{20};

class BtrfsCut final : public VolumeCut {
 public:
  BtrfsCut(const WorkEnvironment& environment, const ProviderInfo& provider,
           const CutRequest& request, const BytePath& store)
      : environment_(environment), provider_(provider), request_(request), store_(store) {}

  Status prepare(const std::atomic<bool>& cancelled) override;
  CutEstimate estimate() const override { return estimate_; }
  Status pre_commit() override { return Ok{}; }
  Result<CutRecord> commit() override;
  Status post_commit() override { return environment_.at("post_commit.subvolumes"); }
  Result<SnapshotInfo> pre_final() override;
  Status post_final() override;
  Status abandon() override;

 private:
  Status open_root();
  Status find_subvolumes();
  bool wants(const BytePath& nested, BytePath& shown) const;
  Status weigh();
  void fill_record();
  bool read_only_at_once() const {
    return !request_.attributes.auto_recovery && record_.subvolumes.size() == 1;
  }

  const WorkEnvironment& environment_;
  const ProviderInfo provider_;
  const CutRequest request_;
  const BytePath store_;
  BytePath inside_;  // where the mount begins within the subvolume: "" but for bind mounts
  CutEstimate estimate_;
  std::optional<SnapshotDirectory> directory_;
  Descriptor target_;                // the snapshot's directory
  Descriptor root_;                  // the subvolume's root
  std::vector<Descriptor> sources_;  // one for each of record_.subvolumes
  std::vector<CutPart> parts_;       // likewise
  SnapshotRecord record_;
};

Status BtrfsCut::prepare(const std::atomic<bool>&) {
  if (Status s = open_root(); !s.ok()) return s;
  auto made = SnapshotDirectory::create(store_, request_.set, request_.snapshot);
  if (!made.ok()) return made.error();
  directory_.emplace(std::move(made).value());
  if (Status s = environment_.at("prepare.before_record"); !s.ok()) return s;
  auto target = open_directory(directory_->path());
  if (!target.ok()) return target.error();
  target_ = std::move(target).value();
  if (Status s = find_subvolumes(); !s.ok()) return s;
  if (Status s = weigh(); !s.ok()) return s;
  fill_record();
  if (Status s = directory_->write(record_); !s.ok()) return s;
  return environment_.at("prepare.after_record");
}

Status BtrfsCut::open_root() {
  auto here = open_directory(request_.volume.mount_point);
  if (!here.ok()) return here.error();
  auto id = subvolume_id_of(here.value().get());
  if (!id.ok()) return id.error();
  if (id.value() != request_.volume.subvolume_id) {
    return Error(Errc::wrong_state, "'" + escape_path(request_.volume.mount_point) +
                                        "' shows subvolume " + std::to_string(id.value()) +
                                        " now; look for the volumes again");
  }
  struct stat st {};
  if (::fstat(here.value().get(), &st) != 0) return posix_error(errno, "look at", "the volume");
  if (st.st_ino == BTRFS_FIRST_FREE_OBJECTID) {
    root_ = std::move(here).value();
    return Ok{};
  }
  // A directory of the subvolume is bound there; only the root can be snapshotted.
  auto path = subvolume_path_of(here.value().get(), id.value());
  if (!path.ok()) return path.error();
  inside_ = path_below(request_.volume.mount_root, path.value()).value_or(BytePath());
  auto mount =
      mount_detached("btrfs", request_.volume.device, {{"subvolid", std::to_string(id.value())}});
  if (!mount.ok()) return mount.error();
  root_ = Descriptor(::openat(mount.value().get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return root_.valid() ? Status(Ok{}) : posix_error(errno, "open", "the subvolume's root");
}

// Whether a file set reaches into the nested subvolume; `shown` is its path by the mount point.
bool BtrfsCut::wants(const BytePath& nested, BytePath& shown) const {
  if (("/" + nested + "/").find("/" + std::string(kStoreName) + "/") != std::string::npos) {
    return false;
  }
  const auto below = inside_.empty() ? nested : path_below(nested, inside_);
  if (!below || below->empty()) return false;
  shown = join_path(request_.volume.mount_point, *below);
  if (request_.files.empty()) return true;
  return std::any_of(request_.files.begin(), request_.files.end(), [&](const FileSet& set) {
    const BytePath path = tidy_path(set.alternate_path ? *set.alternate_path : set.path);
    return is_within(path, shown) || (set.recursive && is_within(shown, path));
  });
}

Status BtrfsCut::find_subvolumes() {
  const int root = ::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0);
  if (root < 0) return posix_error(errno, "duplicate", "the subvolume's descriptor");
  sources_.emplace_back(root);
  record_.subvolumes.push_back({"", kTreeSubvolume});
  parts_.emplace_back().path = request_.volume.mount_point;
  auto nested = nested_subvolumes(root_.get());
  if (!nested.ok()) return nested.error();
  const std::uint64_t mount = mount_id_of(root_.get());
  for (const auto& path : nested.value()) {
    BytePath shown;
    if (!wants(path, shown)) continue;
    auto source = open_beneath(root_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!source.ok()) return source.error();
    if (mount_id_of(source.value().get()) != mount) continue;  // hidden by another mount
    if (sources_.size() == kSubvolumesMax) {
      return Error(Errc::limit_reached,
                   "more than " + std::to_string(kSubvolumesMax) + " subvolumes are nested in '" +
                       escape_path(request_.volume.mount_point) + "'; name files in fewer of them");
    }
    record_.subvolumes.push_back({path, "n" + std::to_string(sources_.size())});
    sources_.push_back(std::move(source).value());
    parts_.emplace_back().path = shown;
  }
  if (sources_.size() > 1) {
    environment_.inform(ProviderEvent::nested_cut_apart,
                        std::to_string(sources_.size()) + " subvolumes of '" +
                            escape_path(request_.volume.mount_point) +
                            "' are cut one after the other; each is atomic, all together are not");
  }
  return Ok{};
}

Status BtrfsCut::weigh() {
  struct statvfs space {};
  if (::fstatvfs(target_.get(), &space) != 0) {
    return posix_error(errno, "measure the free space of", request_.volume.mount_point);
  }
  estimate_.bytes_needed = sources_.size() * kSubvolumeBytes;
  estimate_.bytes_available = std::uint64_t{space.f_bavail} * space.f_frsize;
  estimate_.commit = kCutTime * static_cast<std::int64_t>(sources_.size());
  const auto needed = std::to_string(estimate_.bytes_needed);
  if (request_.bytes_limit != 0 && estimate_.bytes_needed > request_.bytes_limit) {
    return Error(Errc::limit_reached, "the snapshot would take " + needed +
                                          " bytes, the limit is " +
                                          std::to_string(request_.bytes_limit) + "; raise it");
  }
  if (estimate_.bytes_needed + kVolumeReserveBytes > estimate_.bytes_available) {
    return Error(Errc::no_space, "the snapshot would take " + needed + " bytes, '" +
                                     escape_path(request_.volume.mount_point) + "' has " +
                                     std::to_string(estimate_.bytes_available) +
                                     " free; remove snapshots or files");
  }
  return Ok{};
}

void BtrfsCut::fill_record() {
  record_.info.snapshot = request_.snapshot;
  record_.info.set = request_.set;
  record_.info.provider = provider_.id;
  record_.info.provider_name = provider_.name;
  record_.info.volume = request_.volume;
  record_.info.attributes = request_.attributes;
  record_.info.state = SnapshotState::preparing;
  record_.info.created = environment_.clock().wall_now();
  record_.info.host = environment_.settings().host;
  record_.view = join_path(kTreeSubvolume, inside_);
  record_.request = request_;
}

// Everything is open and named: nothing but the ioctls is left to do.
Result<CutRecord> BtrfsCut::commit() {
  CutRecord cut;
  cut.snapshot = request_.snapshot;
  const bool read_only = read_only_at_once();
  record_.info.created = environment_.clock().wall_now();
  cut.parts = parts_;
  cut.begun = environment_.clock().now();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const BytePath& held = record_.subvolumes[i].held;
    cut.parts[i].begun = environment_.clock().now();
    Status done = snapshot_subvolume(sources_[i].get(), target_.get(), held, read_only);
    if (!done.ok()) return done.error();
    cut.parts[i].ended = environment_.clock().now();
    if (Status s = environment_.at("commit.after_subvolume"); !s.ok()) return s.error();
  }
  cut.ended = environment_.clock().now();
  if (cut.parts.size() == 1) cut.parts.clear();  // the volume is one subvolume: atomic as a whole
  sources_.clear();
  root_.reset();
  if (Status s = environment_.at("commit.after_cut"); !s.ok()) return s.error();
  return cut;
}

Result<SnapshotInfo> BtrfsCut::pre_final() {
  for (const auto& each : record_.subvolumes) {
    if (each.place.empty()) continue;
    Status put = put_nested(target_.get(), each.held, kTreeSubvolume, each.place);
    if (!put.ok()) return put.error().while_doing("compose the snapshot");
    if (Status s = environment_.at("pre_final.composed_one"); !s.ok()) return s.error();
  }
  if (!request_.attributes.auto_recovery) {
    if (Status s = seal_subvolumes(target_.get(), record_, true); !s.ok()) return s.error();
  }
  record_.info.state = SnapshotState::committed;
  if (Status s = directory_->write(record_); !s.ok()) return s.error();
  if (Status s = environment_.at("pre_final.after_record"); !s.ok()) return s.error();
  SnapshotInfo info = record_.info;
  info.root = directory_->entry(record_.view);
  return info;
}

Status BtrfsCut::post_final() {
  if (::syncfs(target_.get()) != 0) return posix_error(errno, "sync", directory_->path());
  if (Status s = seal_subvolumes(target_.get(), record_, true); !s.ok()) return s;
  if (Status s = environment_.at("post_final.before_record"); !s.ok()) return s;
  record_.info.state = SnapshotState::created;
  record_.sealed = true;
  if (Status s = directory_->write(record_); !s.ok()) return s;
  target_.reset();
  directory_->disown();
  return environment_.at("post_final.after_record");
}

Status BtrfsCut::abandon() {
  sources_.clear();
  root_.reset();
  target_.reset();
  if (!directory_) return Ok{};
  return directory_->remove(store_);
}

}  // namespace

Status seal_subvolumes(int directory, const SnapshotRecord& record, bool sealed) {
  for (const auto& each : record.subvolumes) {
    const BytePath path = join_path(kTreeSubvolume, each.place);
    if (Status s = set_subvolume_read_only(directory, path, sealed); !s.ok()) return s;
  }
  return Ok{};
}

Status put_nested(int directory, const BytePath& held, const BytePath& tree,
                  const BytePath& place) {
  auto parent = open_parent_beneath(directory, join_path(tree, place));
  if (!parent.ok()) return parent.error();
  const int around = parent.value().directory.get();
  const char* name = parent.value().name.c_str();
  struct stat before {};
  if (::fstat(around, &before) != 0) return posix_error(errno, "look at the parent of", place);
  if (::unlinkat(around, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return posix_error(errno, "remove the empty directory", place);
  }
  if (::renameat(directory, held.c_str(), around, name) != 0) {
    return posix_error(errno, "put the nested subvolume at", place);
  }
  const timespec times[2] = {before.st_atim, before.st_mtim};
  if (::utimensat(around, ".", times, 0) == 0) return Ok{};
  return posix_error(errno, "set times around", place);
}

std::unique_ptr<VolumeCut> make_btrfs_cut(const WorkEnvironment& environment,
                                          const ProviderInfo& provider, const CutRequest& request,
                                          const BytePath& store) {
  return std::make_unique<BtrfsCut>(environment, provider, request, store);
}

}  // namespace stillframe
