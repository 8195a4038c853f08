#include "framework/providers/common/file_cut.hpp"

#include <cerrno>
#include <optional>

#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/providers/common/file_tree.hpp"
#include "framework/providers/common/snapshot_store.hpp"

namespace stillframe {
namespace {

constexpr const char* kTreeName = "tree";
// What one entry takes of the storage whatever its data: an inode, its name, an extent or two.
constexpr std::uint64_t kEntryBytes = 1536;
// Space the storage keeps for others.
constexpr std::uint64_t kStorageReserveBytes = std::uint64_t{8} << 20;
// What provider_commit_bench measured on two busy cores (docs/providers.md), rounded up: a refusal
// too many is better than writers held for too long.
constexpr std::int64_t kCloneNanoseconds = 150'000;
constexpr std::int64_t kCopyNanoseconds = 200'000;
constexpr std::int64_t kScanNanoseconds = 4'000;
constexpr std::uint64_t kCopyBytesPerMillisecond = 400'000;

class FileCut final : public VolumeCut {
 public:
  FileCut(const WorkEnvironment& environment, FileCutKind kind, const CutRequest& request)
      : environment_(environment), kind_(std::move(kind)), request_(request) {}

  Status prepare(const std::atomic<bool>& cancelled) override;
  CutEstimate estimate() const override { return estimate_; }
  Status pre_commit() override { return Ok{}; }
  Result<CutRecord> commit() override;
  Status post_commit() override { return environment_.at("post_commit.files"); }
  Result<SnapshotInfo> pre_final() override;
  Status post_final() override;
  Status abandon() override;

 private:
  Result<FileScan> scan(const std::atomic<bool>* cancelled) const;
  Status weigh(const FileScan& found);
  Status refuse_beyond_limits() const;
  void fill_record();
  Status sync_storage() const;

  const WorkEnvironment& environment_;
  const FileCutKind kind_;
  const CutRequest request_;
  CutEstimate estimate_;
  std::optional<SnapshotDirectory> directory_;
  std::unique_ptr<FileTree> tree_;
  Descriptor storage_;
  SnapshotRecord record_;
};

Status FileCut::prepare(const std::atomic<bool>& cancelled) {
  auto volume = open_directory(request_.volume.mount_point);
  if (!volume.ok()) return volume.error();
  auto made = SnapshotDirectory::create(kind_.store, request_.set, request_.snapshot);
  if (!made.ok()) return made.error();
  directory_.emplace(std::move(made).value());
  if (Status s = environment_.at("prepare.before_record"); !s.ok()) return s;
  fill_record();
  if (Status s = directory_->write(record_); !s.ok()) return s;
  if (Status s = environment_.at("prepare.after_record"); !s.ok()) return s;

  const BytePath path = directory_->entry(kTreeName);
  if (Status s = make_directories(path, 0700); !s.ok()) return s;
  auto target = open_directory(path);
  if (!target.ok()) return target.error();
  auto storage = open_directory(directory_->path());
  if (!storage.ok()) return storage.error();
  storage_ = std::move(storage).value();
  tree_ =
      std::make_unique<FileTree>(std::move(volume).value(), std::move(target).value(), kind_.data);
  auto found = scan(&cancelled);
  if (!found.ok()) return found.error();
  if (Status s = weigh(found.value()); !s.ok()) return s;
  if (Status s = refuse_beyond_limits(); !s.ok()) return s;
  if (Status s = tree_->build(found.value(), cancelled); !s.ok()) return s;
  if (Status s = environment_.at("prepare.after_tree"); !s.ok()) return s;
  // Clones lie on the volume, and sharing blocks that are still dirty would write them inside the
  // hold.
  return kind_.data == DataMode::clone ? sync_storage() : Status(Ok{});
}

Result<FileScan> FileCut::scan(const std::atomic<bool>* cancelled) const {
  ScanRequest wanted{
      request_.volume.mount_point,       request_.files, request_.exclude, kind_.store,
      environment_.settings().files_max, cancelled};
  return scan_files(tree_->volume(), wanted);
}

Status FileCut::weigh(const FileScan& found) {
  std::uint64_t data = 0;
  for (const auto& [path, status] : found) {
    if (S_ISDIR(status.st_mode)) continue;
    ++estimate_.files;
    // Names of one file count it once each here: too much is the safe side.
    if (S_ISREG(status.st_mode)) data += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  const bool copies = kind_.data == DataMode::copy;
  estimate_.bytes_needed = found.size() * kEntryBytes + (copies ? data : 0);
  struct statvfs space {};
  if (::fstatvfs(storage_.get(), &space) != 0) {
    return posix_error(errno, "measure the free space at", kind_.store);
  }
  estimate_.bytes_available = std::uint64_t{space.f_bavail} * space.f_frsize;
  const auto entries = static_cast<std::int64_t>(found.size());
  const auto files = static_cast<std::int64_t>(estimate_.files);
  estimate_.commit = Duration(entries * kScanNanoseconds +
                              files * (copies ? kCopyNanoseconds : kCloneNanoseconds));
  if (copies) {
    estimate_.commit +=
        std::chrono::milliseconds(static_cast<std::int64_t>(data / kCopyBytesPerMillisecond));
  }
  // Some file systems (btrfs) do not count inodes and say 0 of 0.
  if (space.f_files != 0 && space.f_favail < found.size()) {
    return Error(Errc::no_space, "'" + escape_path(kind_.store) + "' has room for " +
                                     std::to_string(space.f_favail) + " more files and " +
                                     std::to_string(found.size()) +
                                     " are needed; free some, or name fewer files");
  }
  return Ok{};
}

Status FileCut::refuse_beyond_limits() const {
  const std::uint64_t limit = request_.bytes_limit != 0 ? request_.bytes_limit : kind_.bytes_max;
  const auto bytes = [](std::uint64_t count) { return std::to_string(count) + " bytes"; };
  if (limit != 0 && estimate_.bytes_needed > limit) {
    return Error(Errc::limit_reached, "the snapshot would take " + bytes(estimate_.bytes_needed) +
                                          ", the limit is " + bytes(limit) +
                                          "; raise it, name fewer files, or use another provider");
  }
  if (estimate_.bytes_needed + kStorageReserveBytes > estimate_.bytes_available) {
    return Error(Errc::no_space, "the snapshot would take " + bytes(estimate_.bytes_needed) +
                                     ", '" + escape_path(kind_.store) + "' has " +
                                     bytes(estimate_.bytes_available) +
                                     " free; free some, or use another provider");
  }
  const Duration most = environment_.settings().commit_max;
  if (estimate_.commit > most) {
    const auto in_ms = [](Duration time) {
      return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
             " ms";
    };
    return Error(Errc::limit_reached, "writers would be held for " + in_ms(estimate_.commit) +
                                          ", the limit is " + in_ms(most) +
                                          "; name fewer files, or use another provider");
  }
  return Ok{};
}

void FileCut::fill_record() {
  record_.info.snapshot = request_.snapshot;
  record_.info.set = request_.set;
  record_.info.provider = kind_.provider;
  record_.info.provider_name = kind_.provider_name;
  record_.info.volume = request_.volume;
  record_.info.attributes = request_.attributes;
  record_.info.state = SnapshotState::preparing;
  record_.info.created = environment_.clock().wall_now();
  record_.info.host = environment_.settings().host;
  record_.view = kTreeName;
  record_.request = request_;
}

Result<CutRecord> FileCut::commit() {
  CutRecord cut;
  cut.snapshot = request_.snapshot;
  cut.begun = environment_.clock().now();
  record_.info.created = environment_.clock().wall_now();
  auto found = scan(nullptr);
  if (!found.ok()) return found.error();
  if (Status s = environment_.at("commit.after_scan"); !s.ok()) return s.error();
  if (Status s = tree_->fill(found.value()); !s.ok()) return s.error();
  cut.ended = environment_.clock().now();
  if (Status s = environment_.at("commit.after_cut"); !s.ok()) return s.error();
  return cut;
}

Result<SnapshotInfo> FileCut::pre_final() {
  if (Status s = tree_->finish(); !s.ok()) return s.error();
  if (!tree_->not_kept().empty()) {
    environment_.warn(ProviderEvent::metadata_not_kept,
                      "the snapshot of '" + escape_path(request_.volume.mount_point) + "' lacks " +
                          std::to_string(tree_->not_kept().size()) + " attributes, such as " +
                          tree_->not_kept().front());
  }
  tree_.reset();  // its descriptors would keep the volume busy
  record_.info.state = SnapshotState::committed;
  if (Status s = directory_->write(record_); !s.ok()) return s.error();
  if (Status s = environment_.at("pre_final.after_record"); !s.ok()) return s.error();
  SnapshotInfo info = record_.info;
  info.root = directory_->entry(kTreeName);
  return info;
}

Status FileCut::post_final() {
  // Auto-recovery wrote into it as well, so only now is there something to make durable.
  if (Status s = sync_storage(); !s.ok()) return s;
  if (Status s = environment_.at("post_final.before_record"); !s.ok()) return s;
  record_.info.state = SnapshotState::created;
  record_.sealed = true;
  if (Status s = directory_->write(record_); !s.ok()) return s;
  directory_->disown();
  return environment_.at("post_final.after_record");
}

Status FileCut::sync_storage() const {
  if (::syncfs(storage_.get()) != 0) return posix_error(errno, "sync", kind_.store);
  return Ok{};
}

Status FileCut::abandon() {
  tree_.reset();
  storage_.reset();
  if (!directory_) return Ok{};
  return directory_->remove(kind_.store);
}

}  // namespace

std::unique_ptr<VolumeCut> make_file_cut(const WorkEnvironment& environment, FileCutKind kind,
                                         const CutRequest& request) {
  return std::make_unique<FileCut>(environment, std::move(kind), request);
}

}  // namespace stillframe
