#include "requestor/backup/file_plan.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/model/backup_type.hpp"
#include "framework/model/pattern.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kRangesFileBytesMax = std::size_t{64} << 20;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// A file set as the walk needs it.
struct Wanted {
  BytePath normal;  // directory: the path in the set's name, where a restore will go
  BytePath place;   // directory to read: `normal` or the alternate path
  BytePath pattern;
  bool recursive = false;
  bool from_snapshot = true;
  bool is_log = false;
};

bool excluded(const WriterMetadata& writer, const BytePath& directory, const BytePath& name) {
  return std::any_of(
      writer.exclude.begin(), writer.exclude.end(), [&](const ExcludedFiles& exclude) {
        const BytePath at = tidy_path(exclude.path);
        const bool there = exclude.recursive ? is_within(directory, at) : directory == at;
        return there && matches_pattern(exclude.pattern, name);
      });
}

class Walker {
 public:
  Walker(const ComponentToPlan& component, const SourceMap& sources, FilePlan& plan)
      : component_(component), sources_(sources), plan_(plan) {}

  // How many files matched.
  Result<std::size_t> take(const Wanted& wanted) {
    matched_ = 0;
    auto source = open_place(wanted.place, wanted.from_snapshot);
    if (!source.ok()) return source.error();
    if (Status s = take_directory(wanted, source.value(), wanted.normal, wanted.place); !s.ok()) {
      return s.error();
    }
    return matched_;
  }

  Result<SourceMap::Place> open_place(const BytePath& path, bool from_snapshot) const {
    return from_snapshot ? sources_.in_snapshot(path)
                         : Result<SourceMap::Place>(sources_.live(path));
  }

 private:
  // A missing directory holds no files: "*" may match nothing, a literal name is asked for later.
  Status take_directory(const Wanted& wanted, const SourceMap::Place& at, const BytePath& normal,
                        const BytePath& place) {
    auto entries = at.tree->list(at.relative);
    if (!entries.ok()) {
      if (entries.error().code() == Errc::not_found) return Ok{};
      return entries.error();
    }
    if (wanted.recursive) note_directory(at, normal);
    for (const Tree::Entry& entry : entries.value()) {
      const BytePath child_normal = join_path(normal, entry.name);
      const BytePath child_place = join_path(place, entry.name);
      SourceMap::Place child{at.tree, join_path(at.relative, entry.name), at.origin};
      if (entry.kind == FileKind::directory) {
        if (!wanted.recursive) continue;
        // A volume that is mounted here has a snapshot of its own; in this one the folder is empty.
        if (at.origin == FileOrigin::snapshot && sources_.is_mount_point(child_place)) {
          auto own = sources_.in_snapshot(child_place);
          if (!own.ok()) return own.error();
          child = std::move(own).value();
        }
        if (Status s = take_directory(wanted, child, child_normal, child_place); !s.ok()) return s;
        continue;
      }
      if (entry.special || !matches_pattern(wanted.pattern, entry.name)) continue;
      if (excluded(*component_.writer, normal, entry.name)) continue;
      if (Status s = note_file(wanted, std::move(child), entry, child_normal); !s.ok()) return s;
      ++matched_;
    }
    return Ok{};
  }

  void note_directory(const SourceMap::Place& at, const BytePath& normal) {
    PlannedFile& file = plan_[normal];
    if (file.components.empty()) {
      file.source = at;
      file.kind = FileKind::directory;
    }
    add_owner(file);
  }

  Status note_file(const Wanted& wanted, SourceMap::Place source, const Tree::Entry& entry,
                   const BytePath& normal) {
    const auto known = plan_.find(normal);
    if (known != plan_.end()) {  // another component has it too, or the alternate path came first
      add_owner(known->second);
      return Ok{};
    }
    PlannedFile file;
    file.source = std::move(source);
    file.kind = entry.kind;
    file.is_log = wanted.is_log;
    file.size = entry.kind == FileKind::regular ? entry.size : 0;
    if (entry.kind == FileKind::regular && entry.links > 1) {
      file.device = entry.device;
      file.inode = entry.inode;
    }
    add_owner(file);
    plan_.emplace(normal, std::move(file));
    return Ok{};
  }

  void add_owner(PlannedFile& file) const {
    auto& owners = file.components;
    const bool known =
        std::find(owners.begin(), owners.end(), component_.manifest_index) != owners.end();
    if (!known) owners.push_back(component_.manifest_index);
  }

  const ComponentToPlan& component_;
  const SourceMap& sources_;
  FilePlan& plan_;
  std::size_t matched_ = 0;
};

Wanted make_wanted(const FileSet& files, BytePath place, bool from_snapshot) {
  Wanted wanted;
  wanted.normal = tidy_path(files.path);
  wanted.place = tidy_path(place);
  wanted.pattern = files.pattern;
  wanted.recursive = files.recursive;
  wanted.from_snapshot = from_snapshot;
  wanted.is_log = files.is_log;
  return wanted;
}

Status take_file_set(Walker& walker, const FileSet& files, bool from_snapshot) {
  std::size_t matched = 0;
  // The alternate path first: where both hold a match, it wins.
  if (files.alternate_path) {
    auto there = walker.take(make_wanted(files, *files.alternate_path, from_snapshot));
    if (!there.ok()) return there.error();
    matched += there.value();
  }
  auto here = walker.take(make_wanted(files, files.path, from_snapshot));
  if (!here.ok()) return here.error();
  matched += here.value();
  if (matched == 0 && is_literal(files.pattern)) {
    return Error(Errc::not_found, "'" + escape_path(join_path(files.path, files.pattern)) +
                                      "' is not there, and the component cannot be without it");
  }
  return Ok{};
}

// ---- what the writer wrote into its entry

Result<std::vector<ByteRange>> parse_ranges_file(const std::string& bytes, const BytePath& name) {
  const auto u64 = [&](std::size_t index) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes[index * 8 + i]);
    }
    return value;
  };
  const Error torn(Errc::corrupt, "ranges file '" + escape_path(name) +
                                      "' is not a count and that many pairs of 64-bit numbers");
  if (bytes.size() < 8 || bytes.size() % 8 != 0) return torn;
  const std::uint64_t count = u64(0);
  if (count > bytes.size() / 16 || bytes.size() != 8 + count * 16) return torn;
  std::vector<ByteRange> ranges;
  for (std::size_t i = 0; i < count; ++i) ranges.push_back({u64(1 + 2 * i), u64(2 + 2 * i)});
  return ranges;
}

Status sort_ranges(std::vector<ByteRange>& ranges, const BytePath& name) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  std::erase_if(ranges, [](const ByteRange& range) { return range.length == 0; });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    const ByteRange& before = ranges[i - 1];
    if (before.length <= ranges[i].offset - before.offset) continue;
    return Error(Errc::writer_fatal, "the writer's ranges of '" + escape_path(name) + "' overlap");
  }
  return Ok{};
}

Result<std::vector<ByteRange>> ranges_of(const PartialFile& partial, const Walker& walker,
                                         FilePlan& plan, std::uint32_t owner) {
  if (partial.ranges_file.empty()) return partial.ranges;
  auto place = walker.open_place(tidy_path(partial.ranges_file), true);
  if (!place.ok()) return place.error();
  auto bytes = place.value().tree->read_text(place.value().relative, kRangesFileBytesMax);
  if (!bytes.ok()) return bytes.error();
  // The ranges file itself belongs to the backup: a restore reads it first.
  PlannedFile& file = plan[tidy_path(partial.ranges_file)];
  file.source = place.value();
  file.size = bytes.value().size();
  if (std::find(file.components.begin(), file.components.end(), owner) == file.components.end()) {
    file.components.push_back(owner);
  }
  return parse_ranges_file(bytes.value(), partial.ranges_file);
}

Status apply_partial_files(const ComponentToPlan& component, const Walker& walker, FilePlan& plan) {
  for (const PartialFile& partial : component.entry->partial_files) {
    const BytePath path = join_path(tidy_path(partial.path), partial.name);
    auto ranges = ranges_of(partial, walker, plan, component.manifest_index);
    if (!ranges.ok()) return ranges.error();
    if (Status s = sort_ranges(ranges.value(), path); !s.ok()) return s;
    auto place = walker.open_place(path, true);
    if (!place.ok()) return place.error();
    PlannedFile file;
    file.source = std::move(place).value();
    file.components = {component.manifest_index};
    file.partial = true;
    file.ranges = std::move(ranges).value();
    plan[path] = std::move(file);  // in place of the whole file, if a file set has it
  }
  return Ok{};
}

// Differenced files override the masks: matching files are taken when they changed, and only then.
Status apply_differenced_files(const ComponentToPlan& component, Walker& walker, FilePlan& plan) {
  for (const DifferencedFiles& differenced : component.entry->differenced_files) {
    Wanted wanted;
    wanted.normal = wanted.place = tidy_path(differenced.path);
    wanted.pattern = differenced.pattern;
    wanted.recursive = differenced.recursive;
    if (auto taken = walker.take(wanted); !taken.ok()) return taken.error();
    const WallTime since = differenced.since.value_or(component.changed_since);
    std::erase_if(plan, [&](const auto& row) {
      const auto& [path, file] = row;
      const BytePath directory = parent_path(path);
      const bool there =
          wanted.recursive ? is_within(directory, wanted.normal) : directory == wanted.normal;
      const bool ours = file.components == std::vector<std::uint32_t>{component.manifest_index};
      if (!there || !ours || file.kind != FileKind::regular || file.partial ||
          !matches_pattern(wanted.pattern, last_component(path))) {
        return false;
      }
      auto opened = file.source.tree->open_file(file.source.relative);
      struct stat info {};
      if (!opened.ok() || fstat(opened.value().get(), &info) != 0) return false;
      const std::int64_t modified =
          std::int64_t{info.st_mtim.tv_sec} * kNanosecondsPerSecond + info.st_mtim.tv_nsec;
      return modified <= since.since_epoch().count();
    });
  }
  return Ok{};
}

}  // namespace

bool needs_snapshot(const Component& component, BackupType type) {
  return std::any_of(component.files.begin(), component.files.end(), [&](const FileSet& files) {
    return takes_part(component, files, type) && stillframe::needs_snapshot(files, type);
  });
}

Status plan_component(const ComponentToPlan& component, const SourceMap& sources, FilePlan& plan) {
  Walker walker(component, sources, plan);
  for (const FileSet& files : component.component->files) {
    if (!takes_part(*component.component, files, component.type)) continue;
    const bool from_snapshot = stillframe::needs_snapshot(files, component.type);
    if (Status s = take_file_set(walker, files, from_snapshot); !s.ok()) return s;
  }
  if (component.entry == nullptr) return Ok{};
  // An entry is the head's; its members' files come through the same entry, once.
  if (Status s = apply_partial_files(component, walker, plan); !s.ok()) return s;
  return apply_differenced_files(component, walker, plan);
}

Status plan_volume(const SnapshotInfo& snapshot, const std::vector<WriterMetadata>& writers,
                   const SourceMap& sources, FilePlan& plan) {
  WriterMetadata all;
  for (const WriterMetadata& writer : writers) {
    all.exclude.insert(all.exclude.end(), writer.exclude.begin(), writer.exclude.end());
  }
  ComponentToPlan volume;
  volume.writer = &all;
  Walker walker(volume, sources, plan);
  Wanted wanted;
  wanted.normal = wanted.place = tidy_path(snapshot.volume.mount_point);
  wanted.pattern = "*";
  wanted.recursive = true;
  auto taken = walker.take(wanted);
  return taken.ok() ? Status(Ok{}) : Status(taken.error());
}

}  // namespace stillframe::requestor
