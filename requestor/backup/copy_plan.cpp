#include "requestor/backup/copy_plan.hpp"

#include <algorithm>
#include <tuple>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"
#include "framework/model/ranges.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kRangesFileBytesMax = std::size_t{64} << 20;

// Puts the model's plan of one component into the plan of all.
class Merger {
 public:
  Merger(const SnapshotReader& reader, std::optional<std::uint32_t> component, CopyPlan& plan)
      : reader_(reader), component_(component), plan_(plan) {}

  Status merge(const FilePlan& planned) {
    for (const PlannedDirectory& directory : planned.directories) {
      auto place = reader_.place_of(directory.source);
      if (!place.ok()) return place.error();
      FileToCopy file;
      file.source = std::move(place).value();
      file.kind = FileKind::directory;
      add(directory.restore_path, std::move(file));
    }
    for (const PlannedFile& file : planned.files) {
      auto copy = file_to_copy(file);
      if (!copy.ok()) return copy.error();
      if (Status s = add_file(file.restore_path, std::move(copy).value()); !s.ok()) return s;
    }
    return Ok{};
  }

 private:
  Result<FileToCopy> file_to_copy(const PlannedFile& planned) const {
    auto place = reader_.place_of(planned.source);
    if (!place.ok()) return place.error();
    FileToCopy file;
    file.source = std::move(place).value();
    file.is_log = planned.is_log;
    if (planned.partial) {
      auto ranges = ranges_of(planned);
      if (!ranges.ok()) return ranges.error();
      file.partial = true;
      file.ranges = std::move(ranges).value();
      return file;
    }
    file.kind =
        planned.type == EntryType::symlink ? FileKind::symlink : reader_.kind_of(planned.source);
    file.size = planned.size;
    std::tie(file.device, file.inode) = reader_.link_identity(planned.source);
    return file;
  }

  // In rising order, as manifests have them.
  Result<std::vector<ByteRange>> ranges_of(const PlannedFile& planned) const {
    std::vector<ByteRange> ranges = planned.ranges;
    if (!planned.ranges_file.empty()) {
      auto place = reader_.place_of(planned.ranges_file);
      if (!place.ok()) return place.error();
      auto bytes = place.value().tree->read_text(place.value().relative, kRangesFileBytesMax);
      if (!bytes.ok()) return bytes.error();
      auto decoded = decode_ranges_file(bytes.value());
      if (!decoded.ok()) {
        return decoded.error().while_doing("ranges file '" + escape_path(planned.ranges_file) +
                                           "'");
      }
      ranges = std::move(decoded).value();
    }
    if (Status s = check_ranges(ranges); !s.ok()) {
      return s.error().while_doing("ranges of '" + escape_path(planned.restore_path) + "'");
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
    return ranges;
  }

  // Of a file that one component wants whole and another in part, the whole is copied.
  Status add_file(const BytePath& path, FileToCopy file) {
    const auto known = plan_.find(path);
    if (known == plan_.end() || known->second.partial == file.partial) {
      if (known != plan_.end() && file.partial && known->second.ranges != file.ranges) {
        return Error(Errc::already_exists, "two components want different byte ranges of '" +
                                               escape_path(path) + "'; back them up in two sets");
      }
      add(path, std::move(file));
      return Ok{};
    }
    if (known->second.partial) {
      file.components = known->second.components;
      known->second = std::move(file);
    }
    add_owner(known->second);
    return Ok{};
  }

  void add(const BytePath& path, FileToCopy file) {
    add_owner(plan_.try_emplace(path, std::move(file)).first->second);
  }

  void add_owner(FileToCopy& file) const {
    auto& owners = file.components;
    if (!component_ || std::find(owners.begin(), owners.end(), *component_) != owners.end()) return;
    owners.push_back(*component_);
  }

  const SnapshotReader& reader_;
  const std::optional<std::uint32_t> component_;  // nothing: a whole volume, which nobody owns
  CopyPlan& plan_;
};

// Whole, of the same size, and not written to since: a change moves its time, whatever the clock
// said meanwhile.
bool has_as_it_is(const std::map<BytePath, StoredFile>& chain, const BytePath& place,
                  const TreeEntry& found) {
  const auto known = chain.find(place);
  if (known == chain.end() || known->second.size() != 1) return false;
  const ManifestFile& file = *known->second.front().file;
  const bool same_kind = found.type == EntryType::file      ? file.kind == FileKind::regular
                         : found.type == EntryType::symlink ? file.kind == FileKind::symlink
                                                            : false;
  if (!same_kind || file.partial) return false;
  if (found.type == EntryType::file && file.size != found.size) return false;
  return file.attributes.modified_ns == found.modified.since_epoch().count();
}

}  // namespace

bool needs_snapshot(const WriterMetadata& writer, const std::vector<std::size_t>& members,
                    BackupType type) {
  const auto places = read_places(writer, members, type);
  return std::any_of(places.begin(), places.end(),
                     [](const ReadPlace& place) { return place.from_snapshot; });
}

Status plan_component(const ComponentToPlan& component, const SourceMap& sources, CopyPlan& plan,
                      std::vector<std::string>& notes, std::vector<BytePath>& kept) {
  SnapshotReader reader(sources, read_places(*component.writer, component.members, component.type));
  FilePlanComponent planned;
  planned.entry = component.entry;
  planned.members = component.members;
  FilePlanOptions options;
  options.type = component.type;
  options.last_backup = component.last_backup;
  if (component.chain != nullptr) {
    options.has_already = [chain = component.chain](const BytePath& place, const TreeEntry& found) {
      return has_as_it_is(*chain, place, found);
    };
  }
  // One at a time, so that a file that is missing fails its own component only.
  auto files = plan_files(*component.writer, std::span(&planned, 1), options, reader);
  if (!files.ok()) return files.error();
  notes.insert(notes.end(), files.value().notes.begin(), files.value().notes.end());
  kept = std::move(files.value().kept);
  return Merger(reader, component.manifest_index, plan).merge(files.value());
}

Status plan_whole_volumes(const VolumePlanOptions& volumes,
                          std::span<const WriterMetadata* const> writers, const SourceMap& sources,
                          CopyPlan& plan, std::vector<std::string>& notes) {
  SnapshotReader reader(sources, {});
  auto files = plan_volumes(
      writers, [&](const BytePath& path) { return plan.contains(path); }, volumes, reader);
  if (!files.ok()) return files.error();
  notes.insert(notes.end(), files.value().notes.begin(), files.value().notes.end());
  return Merger(reader, std::nullopt, plan).merge(files.value());
}

}  // namespace stillframe::requestor
