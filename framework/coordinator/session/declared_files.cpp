#include "framework/coordinator/session/declared_files.hpp"

#include "framework/base/path.hpp"
#include "framework/coordinator/volumes/environment.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::coordinator {
namespace {

class Collector {
 public:
  Collector(std::string component, std::int64_t pid)
      : component_(std::move(component)), pid_(pid) {}

  void add(const BytePath& directory, const BytePath& pattern, bool recursive) {
    if (!environment_) environment_ = environment_of(pid_);
    auto path = expand_environment(directory, environment_);
    if (!path.ok() || !is_plain_absolute(path.value())) return;
    DeclaredFiles files;
    files.component = component_;
    files.directory = trim_slashes(path.value());
    files.pattern = pattern;
    files.recursive = recursive;
    found_.push_back(std::move(files));
  }
  void of_component(std::string component) { component_ = std::move(component); }
  std::vector<DeclaredFiles> take() { return std::move(found_); }

 private:
  std::string component_;
  const std::int64_t pid_;
  EnvironmentLookup environment_;
  std::vector<DeclaredFiles> found_;
};

}  // namespace

std::vector<DeclaredFiles> declared_files(const WriterMetadata& metadata, std::int64_t pid) {
  Collector collector("", pid);
  for (const Component& component : metadata.components) {
    collector.of_component(component.name.full());
    for (const FileSet& files : component.files) {
      collector.add(files.path, files.pattern, files.recursive);
      if (files.alternate_path)
        collector.add(*files.alternate_path, files.pattern, files.recursive);
    }
  }
  return collector.take();
}

std::vector<DeclaredFiles> added_files(const BackupComponent& component, std::int64_t pid) {
  Collector collector(component.name.full(), pid);
  for (const PartialFile& partial : component.partial_files) {
    collector.add(partial.path, partial.name, false);
    if (!partial.ranges_file.empty())
      collector.add(parent_path(partial.ranges_file), last_component(partial.ranges_file), false);
  }
  for (const DifferencedFiles& files : component.differenced_files)
    collector.add(files.path, files.pattern, files.recursive);
  return collector.take();
}

std::map<BytePath, std::vector<DeclaredFiles>> in_snapshots(
    const std::vector<DeclaredFiles>& files, const std::vector<SnapshotInfo>& snapshots) {
  std::map<BytePath, std::vector<DeclaredFiles>> by_root;
  for (const DeclaredFiles& declared : files) {
    const SnapshotInfo* nearest = nullptr;
    for (const SnapshotInfo& snapshot : snapshots) {
      if (snapshot.root.empty()) continue;
      const BytePath& mounted = snapshot.volume.mount_point;
      if (is_within(declared.directory, mounted) &&
          (nearest == nullptr || mounted.size() > nearest->volume.mount_point.size()))
        nearest = &snapshot;
      // Volumes mounted inside a tree belong to it.
      if (declared.recursive && mounted != declared.directory &&
          is_within(mounted, declared.directory)) {
        DeclaredFiles inside = declared;
        inside.directory.clear();
        by_root[snapshot.root].push_back(std::move(inside));
      }
    }
    if (nearest == nullptr) continue;
    DeclaredFiles placed = declared;
    placed.directory = path_relative_to(declared.directory, nearest->volume.mount_point);
    by_root[nearest->root].push_back(std::move(placed));
  }
  return by_root;
}

}  // namespace stillframe::coordinator
