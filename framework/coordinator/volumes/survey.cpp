#include "framework/coordinator/volumes/survey.hpp"

#include <algorithm>
#include <map>

#include "framework/base/path.hpp"
#include "framework/coordinator/volumes/environment.hpp"
#include "framework/model/backup_type.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::coordinator {
namespace {

class Surveyor {
 public:
  Surveyor(const VolumeSource& source, const SurveyRequest& request)
      : source_(source), request_(request), mounted_(source.volumes()) {}

  Result<Survey> run() {
    survey_.component_volumes.resize(request_.components.size());
    survey_.component_places.resize(request_.components.size());
    survey_.component_gaps.resize(request_.components.size());
    for (std::size_t i = 0; i < request_.components.size(); ++i)
      if (Status s = component(i); !s.ok()) return s.error();
    for (const auto& path : request_.extra_volumes)
      if (Status s = extra(path); !s.ok()) return s.error();
    for (const auto& [pid, exclude] : request_.excludes) note_exclude(pid, exclude);
    if (request_.whole_volumes)
      for (auto& volume : survey_.volumes) take_whole(volume);
    note_nesting();
    survey_.mounted = std::move(mounted_);
    return std::move(survey_);
  }

 private:
  using VolumeIndex = std::size_t;

  Status component(std::size_t index) {
    const SurveyedComponent& component = request_.components[index];
    for (const auto& member : component.members) {
      for (const auto& files : member.files) {
        if (!takes_part(member, files, component.type) || !needs_snapshot(files, component.type))
          continue;
        for (const BytePath& place : places_of(files)) {
          Status s = add_place(index, files, place);
          if (s.ok()) continue;
          const Error error = s.error().while_doing("writer " + component.writer_name +
                                                    ", component " + component.name.full());
          if (component.policy == ConsistencyPolicy::require) return error;
          survey_.component_gaps[index].push_back(error.what());
        }
      }
    }
    return Ok{};
  }

  // A spit copy is read from its alternate path; restore still needs to know the volume of neither.
  static std::vector<BytePath> places_of(const FileSet& files) {
    std::vector<BytePath> places{files.path};
    if (files.alternate_path && *files.alternate_path != files.path)
      places.push_back(*files.alternate_path);
    return places;
  }

  Status add_place(std::size_t component, const FileSet& files, const BytePath& place) {
    auto path = expand_environment(place, environment(request_.components[component].writer_pid));
    if (!path.ok()) return path.error();
    if (!is_plain_absolute(path.value()))
      return Error(Errc::invalid_argument, "'" + escape_path(path.value()) +
                                               "' is no absolute path; the writer must list "
                                               "absolute directories");
    auto located = locate_nearest(trim_slashes(path.value()));
    if (!located.ok()) return located.error();
    auto index = volume_index(located.value().volume);
    if (!index.ok()) return index.error();
    add_files(component, index.value(), files, located.value().path);
    return files.recursive ? add_mounts_below(component, files, located.value()) : Status(Ok{});
  }

  // Other volumes mounted inside a recursive file set belong to it: they are followed, each cut by
  // itself.
  Status add_mounts_below(std::size_t component, const FileSet& files, const Located& top) {
    for (const auto& volume : mounted_) {
      if (volume.id == top.volume.id || !is_beneath_or_equal(volume.mount_point, top.path))
        continue;
      auto index = volume_index(volume);
      if (!index.ok()) return index.error();
      add_files(component, index.value(), files, volume.mount_point);
    }
    return Ok{};
  }

  // A directory may appear between now and the cut; until then the nearest one that is there says
  // on which volume it will be.
  Result<Located> locate_nearest(const BytePath& path) {
    BytePath missing;
    for (BytePath at = path;; at = parent_path(at)) {
      auto located = source_.locate(at);
      if (located.ok()) {
        if (!missing.empty()) located.value().path = join_path(located.value().path, missing);
        return located;
      }
      if (located.error().code() != Errc::not_found || at == "/") return located.error();
      missing = missing.empty() ? last_component(at) : join_path(last_component(at), missing);
    }
  }

  Result<VolumeIndex> volume_index(const Volume& volume) {
    auto known = index_.find(volume.id);
    if (known != index_.end()) return known->second;
    if (survey_.volumes.size() == machine::kVolumesMax)
      return Error(Errc::limit_reached, "a set holds at most " +
                                            std::to_string(machine::kVolumesMax) +
                                            " volumes; split the backup");
    SurveyedVolume& added = survey_.volumes.emplace_back();
    added.volume = volume;
    if (!volume.backing_image.empty()) {
      auto host = source_.locate(volume.backing_image);
      if (host.ok()) added.image_host = host.value().volume;
    }
    const VolumeIndex index = survey_.volumes.size() - 1;
    index_.emplace(volume.id, index);
    return index;
  }

  void add_files(std::size_t component, VolumeIndex volume, const FileSet& files,
                 const BytePath& path) {
    survey_.component_volumes[component] |= machine::VolumeMask{1} << volume;
    survey_.component_places[component].push_back({path, files.recursive});
    FileSet placed = files;
    placed.path = path;
    placed.alternate_path.reset();
    auto& all = survey_.volumes[volume].files;
    if (std::find(all.begin(), all.end(), placed) == all.end()) all.push_back(std::move(placed));
  }

  Status extra(const BytePath& path) {
    auto located = source_.locate(path);
    if (!located.ok()) return located.error().while_doing("extra volume " + escape_path(path));
    auto index = volume_index(located.value().volume);
    if (!index.ok()) return index.error();
    take_whole(survey_.volumes[index.value()]);
    return Ok{};
  }

  static void take_whole(SurveyedVolume& volume) {
    FileSet all;
    all.path = volume.volume.mount_point;
    all.pattern = "*";
    all.recursive = true;
    volume.files = {all};
  }

  // Excludes beat every component; one that cannot be placed excludes nothing.
  void note_exclude(std::int64_t pid, const ExcludedFiles& exclude) {
    auto path = expand_environment(exclude.path, environment(pid));
    if (!path.ok() || !is_plain_absolute(path.value())) return;
    auto located = locate_nearest(trim_slashes(path.value()));
    if (!located.ok()) return;
    auto volume = index_.find(located.value().volume.id);
    if (volume == index_.end()) return;
    ExcludedFiles placed = exclude;
    placed.path = located.value().path;
    survey_.volumes[volume->second].exclude.push_back(std::move(placed));
  }

  // An image may lie deeper than one level down, and its host show as several volumes.
  void note_nesting() {
    for (auto& upper : survey_.volumes) {
      if (upper.volume.backing_image.empty()) continue;
      for (auto& lower : survey_.volumes) {
        if (&lower == &upper) continue;
        const Status apart = source_.check_apart(upper.volume, lower.volume);
        if (!apart.ok()) upper.nesting = lower.nesting = apart.error().what();
      }
    }
  }

  const EnvironmentLookup& environment(std::int64_t pid) {
    auto known = environments_.find(pid);
    if (known == environments_.end()) known = environments_.emplace(pid, environment_of(pid)).first;
    return known->second;
  }

  const VolumeSource& source_;
  const SurveyRequest& request_;
  std::vector<Volume> mounted_;
  std::map<std::string, VolumeIndex> index_;
  std::map<std::int64_t, EnvironmentLookup> environments_;
  Survey survey_;
};

}  // namespace

Result<Survey> survey_volumes(const VolumeSource& source, const SurveyRequest& request) {
  return Surveyor(source, request).run();
}

}  // namespace stillframe::coordinator
