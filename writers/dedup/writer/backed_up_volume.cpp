#include "writers/dedup/writer/backed_up_volume.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/io/volumes.hpp"
#include "framework/model/json_parse.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kConfigTextBytesMax = std::size_t{64} << 10;
constexpr std::size_t kNameBytesMax = 100;  // it becomes the name of a folder
constexpr const char* kUsualRunFolder = "/run/stillframe-dedup";
const WallTime kBeforeAllFiles(std::chrono::hours(-24 * 365 * 250));

Error bad_volume_config(const std::string& why) {
  return Error(Errc::invalid_argument, "the configuration of a deduplicated volume: " + why);
}

Status take_name(const nlohmann::json& value, BackedUpVolume& out) {
  if (!value.is_string()) return bad_volume_config("'name' is no text");
  out.name = value.get<std::string>();
  if (is_safe_relative(out.name) && !out.name.empty() && out.name.size() <= kNameBytesMax &&
      out.name.find('/') == std::string::npos) {
    return Ok{};
  }
  return bad_volume_config("'name' has to do as the name of a folder");
}

Status take_model(const nlohmann::json& value, BackedUpVolume& out) {
  if (value != "optimized" && value != "unoptimized") {
    return bad_volume_config("'model' is neither \"optimized\" nor \"unoptimized\"");
  }
  out.model = value == "optimized" ? BackupModel::optimized : BackupModel::unoptimized;
  return Ok{};
}

Status take_volume_member(const std::string& member, const nlohmann::json& value,
                          BackedUpVolume& out) {
  if (member == "name") return take_name(value, out);
  if (member == "model") return take_model(value, out);
  if (member != "device" && member != "run" && member != "key_file") {
    return bad_volume_config("there is no option '" + member + "'");
  }
  if (!value.is_string()) return bad_volume_config("'" + member + "' is no text");
  const auto path = unescape_path(value.get<std::string>());
  if (!path.ok()) return bad_volume_config("'" + member + "': " + path.error().what());
  if (path.value().empty() || path.value().front() != '/') {
    return bad_volume_config("'" + member + "' is no path from /");
  }
  BytePath& there = member == "device" ? out.device
                    : member == "run"  ? out.run_folder
                                       : out.key_file;
  there = tidy_path(path.value());
  return Ok{};
}

FileSet everything_in(const BytePath& path) {
  FileSet files;
  files.path = path;
  files.pattern = "*";
  files.recursive = true;
  return files;
}

FileSet named_in(const BytePath& path, const BytePath& pattern) {
  FileSet files;
  files.path = path;
  files.pattern = pattern;
  return files;
}

Component member_of_volume(ComponentName name, std::string caption, std::vector<FileSet> files) {
  Component component;
  component.name = std::move(name);
  component.caption = std::move(caption);
  component.selectable_for_backup = false;
  component.selectable_for_restore = true;
  component.not_system_state = true;
  component.files = std::move(files);
  return component;
}

// What only a running engine needs, and what is none of the volume's users'.
std::vector<ExcludedFiles> excluded_files(const VolumePlaces& places) {
  const auto all_of = [](const BytePath& path) { return ExcludedFiles{path, "*", true, {}}; };
  return {{join_path(places.own, kStoreFolder), "*.new", true, {}},
          all_of(join_path(places.incoming, kVolumeFolder)),
          all_of(join_path(places.incoming, kStoreName)),
          all_of(join_path(places.incoming, "lost+found"))};
}

// The files are read where the session's snapshot is shown, and no snapshot is made of that. What
// has the volume itself cut is a file set that holds nothing.
WriterMetadata plain_metadata(const BackedUpVolume& volume, const VolumePlaces& places) {
  Component files;
  files.name = plain_files_component();
  files.caption = "The files of volume '" + volume.name + "', as their users see them";
  files.selectable_for_restore = true;
  files.not_system_state = true;
  FileSet shown = everything_in(places.files);
  constexpr std::uint32_t kSnapshotBits = TypeMask::kFullSnapshot |
                                          TypeMask::kDifferentialSnapshot |
                                          TypeMask::kIncrementalSnapshot | TypeMask::kLogSnapshot;
  shown.mask.bits &= ~kSnapshotBits;
  files.files = {std::move(shown), named_in(places.own, "to-be-cut*")};
  WriterMetadata metadata;
  metadata.components = {std::move(files)};
  metadata.exclude = {{join_path(places.files, "lost+found"), "*", true, {}}};
  metadata.restore.method = RestoreMethod::restore_if_can_replace;
  metadata.schema.bits =
      BackupSchema::kCopy | BackupSchema::kNewTarget | BackupSchema::kIndependentSystemState;
  return metadata;
}

}  // namespace

Result<BackedUpVolume> parse_backed_up_volume(std::string_view config_json) {
  const auto json = parse_json_text(config_json, kConfigTextBytesMax);
  if (!json.ok()) return bad_volume_config(json.error().what());
  if (!json.value().is_object()) return bad_volume_config("it is no object");
  BackedUpVolume volume;
  volume.run_folder = kUsualRunFolder;
  for (const auto& [member, value] : json.value().items()) {
    if (Status s = take_volume_member(member, value, volume); !s.ok()) return s.error();
  }
  if (volume.name.empty()) return bad_volume_config("'name' is missing");
  if (volume.device.empty()) return bad_volume_config("'device', a block device, is missing");
  return volume;
}

VolumePlaces VolumePlaces::of(const BackedUpVolume& volume) {
  VolumePlaces places;
  places.mount = join_path(join_path(volume.run_folder, kBackupPlaces), volume.name);
  places.own = join_path(places.mount, kVolumeFolder);
  places.incoming = join_path(places.own, kIncomingFolder);
  places.files = join_path(join_path(volume.run_folder, kFilesPlaces), volume.name);
  return places;
}

ComponentName volume_component() {
  return {"", "Volume"};
}

ComponentName store_component() {
  return {volume_component().name, "Store"};
}

ComponentName settings_component() {
  return {volume_component().name, "Settings"};
}

ComponentName files_component() {
  return {volume_component().name, "Files"};
}

ComponentName plain_files_component() {
  return {"", "Plain Files"};
}

WriterMetadata metadata_of(const BackedUpVolume& volume) {
  const VolumePlaces places = VolumePlaces::of(volume);
  if (volume.model == BackupModel::unoptimized) return plain_metadata(volume, places);
  Component head;
  head.name = volume_component();
  head.caption = "Deduplicated volume '" + volume.name + "'";
  head.selectable_for_restore = true;
  head.not_system_state = true;
  // They are read in the volume's root and come back beside the store, where nobody sees them
  // before all are there.
  FileSet users_files = everything_in(places.incoming);
  users_files.alternate_path = places.mount;

  WriterMetadata metadata;
  metadata.components = {
      std::move(head),
      member_of_volume(
          store_component(), "The chunk store and the file table",
          {everything_in(join_path(places.own, kStoreFolder)), named_in(places.own, kTableFileName),
           named_in(places.own, BytePath(kTableIndexFileName) + "*")}),
      member_of_volume(settings_component(), "The policy, and what each job did last",
                       {named_in(places.own, kSettingsFileName),
                        named_in(places.own, BytePath(kHistoryFileName) + "*"),
                        named_in(places.own, BytePath(kDisabledFileName) + "*")}),
      member_of_volume(files_component(), "The files, without what of them is in the store",
                       {std::move(users_files)})};
  metadata.exclude = excluded_files(places);
  metadata.restore.method = RestoreMethod::restore_if_can_replace;
  metadata.schema.bits = BackupSchema::kCopy | BackupSchema::kIncremental |
                         BackupSchema::kDifferential | BackupSchema::kNewTarget |
                         BackupSchema::kIndependentSystemState;
  return metadata;
}

std::vector<DifferencedFiles> differenced_files_of(const BackedUpVolume& volume) {
  const BytePath store = join_path(VolumePlaces::of(volume).own, kStoreFolder);
  std::vector<DifferencedFiles> differenced;
  for (const Component& component : metadata_of(volume).components) {
    for (const FileSet& files : component.files) {
      DifferencedFiles each;
      each.path = files.path;
      each.pattern = files.pattern;
      each.recursive = files.recursive;
      // A container is only appended to, and one that is written anew has another name. Of a user's
      // file times say nothing: a job or a rename makes another of it under the same ones.
      if (files.path != store) each.since = kBeforeAllFiles;
      differenced.push_back(std::move(each));
    }
  }
  return differenced;
}

}  // namespace stillframe::dedup
