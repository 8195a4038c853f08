#include "tests/bench/dedup/own_volume.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <stillframe/restore/selective_restore.hpp>

#include "framework/base/check.hpp"
#include "framework/chunkstore/collection.hpp"
#include "framework/chunkstore/container_reader.hpp"
#include "framework/chunkstore/store_reader.hpp"
#include "framework/io/file.hpp"
#include "tests/dedup/volume/open_volume.hpp"
#include "writers/dedup/jobs/optimization.hpp"
#include "writers/dedup/volume/layout.hpp"
#include "writers/dedup/volume/stub.hpp"

namespace stillframe::dedup::bench {

namespace {

using chunkstore::ChunkName;
using chunkstore::ContainerReader;
using chunkstore::StoreReader;
using tests::OpenVolume;

// The copy of a volume, and how much is read of it.
class CountedBackup final : public BackupOfVolume {
 public:
  CountedBackup(const std::string& root, RestoreReads& reads)
      : backup_(backup_in_folder(root)), reads_(reads) {}

  Result<std::size_t> read(const BytePath& path, std::uint64_t offset,
                           std::span<std::byte> into) override {
    const auto got = backup_->read(path, offset, into);
    const bool of_container = path.find("/containers/") != BytePath::npos;
    if (got.ok()) (of_container ? reads_.container_bytes : reads_.other_bytes) += got.value();
    return got;
  }

 private:
  const std::unique_ptr<BackupOfVolume> backup_;
  RestoreReads& reads_;
};

// The frames that chunks are in, each counted once.
class NeededFrames {
 public:
  NeededFrames(Files& files, const std::string& store) : files_(files), store_(store) {}

  Status open() {
    auto reader = StoreReader::open(files_, store_);
    if (!reader.ok()) return reader.error();
    reader_ = std::move(reader).value();
    const auto names = files_.list(store_ + "/containers");
    if (!names.ok()) return names.error();
    for (const BytePath& name : names.value()) {
      const auto file = chunkstore::parse_container_file_name(name);
      if (!file.ok()) continue;
      auto container = ContainerReader::open(files_, store_ + "/containers/" + name,
                                             reader_->as_of().store, file.value());
      if (!container.ok()) return container.error();
      containers_[file.value().id] = std::move(container).value();
    }
    return Ok{};
  }

  Status need_map(ChunkName name) {
    if (Status s = need(name); !s.ok()) return s;
    const auto map = reader_->read_map(name, 1);
    if (!map.ok()) return map.error();
    for (const chunkstore::Extent& part : map.value().extents) {
      if (part.chunk.container == 0) continue;
      const Status s = map.value().level == 0 ? need(part.chunk) : need_map(part.chunk);
      if (!s.ok()) return s;
    }
    return Ok{};
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  Status need(ChunkName name) {
    const auto container = containers_.find(name.container);
    const chunkstore::FrameRecord* frame = container == containers_.end()
                                               ? nullptr
                                               : container->second->table().frame_of(name.local_id);
    if (frame == nullptr) return Error(Errc::not_found, "a chunk is in no sealed container");
    if (seen_.insert({name.container, frame->offset}).second) bytes_ += frame->stored_bytes;
    return Ok{};
  }

  Files& files_;
  const std::string store_;
  std::unique_ptr<StoreReader> reader_;
  std::map<std::uint32_t, std::shared_ptr<const ContainerReader>> containers_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> seen_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

OwnVolume::OwnVolume(std::string root, chunkstore::ChunkProfile profile)
    : root_(std::move(root)), id_(generate_uuid()) {
  const auto files = posix_files();
  const std::string store = own_folder() + "/" + kStoreFolder;
  Status s = files->make_directory(store);
  if (s.ok()) s = chunkstore::Store::create(*files, store, profile);
  if (s.ok()) s = FileTable::create(*files, own_folder(), id_);
  STILLFRAME_CHECK(s.ok(), "a volume can be made in an empty folder");
}

std::string OwnVolume::own_folder() const {
  return root_ + "/" + kVolumeFolder;
}

Cost OwnVolume::take(const std::string& folder, const std::string& name) {
  std::filesystem::copy(folder, root_ + "/" + name, std::filesystem::copy_options::recursive);
  return measure_work([&] { return optimize(); });
}

std::string OwnVolume::optimize() {
  const auto files = posix_files();
  auto opened = OpenVolume::open(*files, own_folder(), id_);
  const auto root = open_directory(root_);
  if (!opened.ok() || !root.ok()) return opened.ok() ? root.error().what() : opened.error().what();
  UnmountedFiles unmounted(root.value().get(), opened.value().parts());
  const JobVolume volume{root.value().get(), opened.value().parts(), unmounted, *files,
                         own_folder() + "/" + kStoreFolder};
  OptimizationOptions options;
  options.policy.age_min = std::chrono::seconds(0);
  options.policy.bytes_min = 1;
  options.now_ns = std::int64_t{::time(nullptr) + 10} * 1'000'000'000;
  JobControl control;
  const OptimizationReport report = optimize_volume(volume, options, control);
  if (!report.ended.ok()) return report.ended.error().what();
  return report.failures.count() == 0 && report.in_use == 0 ? "" : "files were left out";
}

std::string OwnVolume::seal() {
  const auto files = posix_files();
  auto opened = OpenVolume::open(*files, own_folder(), id_);
  if (!opened.ok()) return opened.error().what();
  const auto collection = opened.value().store->begin_collection(true);
  return collection.ok() ? "" : collection.error().what();
}

std::string OwnVolume::put_stubs(const std::vector<std::string>& paths, const std::string& target,
                                 RestoreReads& reads) const {
  for (const std::string& path : paths) {
    const std::string from = root_ + path;
    const std::filesystem::path to = target + path;
    std::filesystem::create_directories(to.parent_path());
    std::array<char, kStubBytes> mark;
    struct stat about {};
    const auto file = open_file(to.string(), O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!file.ok() || ::stat(from.c_str(), &about) != 0 ||
        ::ftruncate(file.value().get(), about.st_size) != 0 ||
        ::getxattr(from.c_str(), kStubAttribute, mark.data(), mark.size()) !=
            static_cast<ssize_t>(mark.size()) ||
        ::fsetxattr(file.value().get(), kStubAttribute, mark.data(), mark.size(), 0) != 0) {
      return "cannot make the stub '" + to.string() + "'";
    }
    reads.file_bytes += static_cast<std::uint64_t>(about.st_size);
  }
  return "";
}

std::string OwnVolume::count_needed(const std::vector<std::string>& paths,
                                    RestoreReads& reads) const {
  const auto files = posix_files();
  const auto table = FileTable::open(*files, own_folder(), id_);
  if (!table.ok()) return table.error().what();
  NeededFrames frames(*files, own_folder() + "/" + kStoreFolder);
  if (Status s = frames.open(); !s.ok()) return s.error().what();
  for (const std::string& path : paths) {
    std::array<std::byte, kStubBytes> mark{};
    (void)::getxattr((root_ + path).c_str(), kStubAttribute, mark.data(), mark.size());
    const auto stub = parse_stub(mark);
    if (!stub.ok()) return stub.error().what();
    const FileRecord* record = table.value()->find(stub.value().file);
    if (record == nullptr) return "the table does not have '" + path + "'";
    if (Status s = frames.need_map(record->stream.map); !s.ok()) return s.error().what();
  }
  reads.needed_bytes = frames.bytes();
  return "";
}

Cost OwnVolume::restore(const std::vector<std::string>& paths, const std::string& target,
                        RestoreReads& reads) {
  Cost failed;
  failed.said = put_stubs(paths, target, reads);
  if (failed.said.empty()) failed.said = count_needed(paths, reads);
  if (!failed.said.empty()) return failed;
  void* shared =
      ::mmap(nullptr, sizeof reads, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  STILLFRAME_CHECK(shared != MAP_FAILED, "a page of memory");
  RestoreReads& counted = *new (shared) RestoreReads(reads);
  const Cost cost = measure_work([&]() -> std::string {
    CountedBackup backup(root_, counted);
    const auto done = restore_files(target, {paths.begin(), paths.end()}, backup);
    if (!done.ok()) return done.error().what();
    for (const RestoredFile& each : done.value()) {
      if (each.as != RestoredAs::restored) return std::string(restore_code_text(each.code));
    }
    return "";
  });
  reads = counted;
  ::munmap(shared, sizeof reads);
  return cost;
}

}  // namespace stillframe::dedup::bench
