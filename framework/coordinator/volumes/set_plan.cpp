#include "framework/coordinator/volumes/set_plan.hpp"

#include <algorithm>
#include <optional>

#include <sys/sysmacros.h>

namespace stillframe::coordinator {
namespace {

class Planner {
 public:
  Planner(const Survey& survey, const std::vector<ProviderOpinion>& opinions,
          const std::vector<ConsistencyPolicy>& policies)
      : survey_(survey), opinions_(opinions), policies_(policies) {}

  Result<SetPlan> run(const SnapshotAttributes& attributes, bool auto_release) {
    plan_.set = SetId::generate();
    plan_.attributes = attributes;
    plan_.auto_release = auto_release;
    plan_.component_volumes.resize(survey_.component_volumes.size());
    plan_.component_places = survey_.component_places;
    plan_.component_gaps = survey_.component_gaps;
    for (std::size_t i = 0; i < survey_.volumes.size(); ++i)
      if (Status s = place(i); !s.ok()) return s.error();
    if (Status s = check_freezes(); !s.ok()) return s.error();
    note_turns();
    return std::move(plan_);
  }

 private:
  Status place(std::size_t surveyed) {
    std::string reasons;
    for (const auto& opinion : opinions_) {
      Status supports = opinion.supports[surveyed];
      if (supports.ok()) supports = can_freeze(surveyed, opinion.provider);
      if (supports.ok()) {
        take(surveyed, opinion.provider);
        return Ok{};
      }
      reasons += "; " + opinion.provider.name + ": " + supports.error().what();
    }
    const Volume& volume = survey_.volumes[surveyed].volume;
    const std::string why = "no provider takes volume " + escape_path(volume.mount_point) + " (" +
                            volume.fs_type + ")" +
                            (reasons.empty() ? "; there is no provider at all" : reasons);
    if (!can_do_without(surveyed)) return Error(Errc::volume_not_supported, why);
    for (std::size_t c = 0; c < policies_.size(); ++c)
      if (uses(c, surveyed)) plan_.component_gaps[c].push_back(why);
    return Ok{};
  }

  // The image is cut on its host while the file system inside is frozen; were the host cut in the
  // same set, one would hold up the other.
  Status can_freeze(std::size_t surveyed, const ProviderInfo& provider) const {
    const std::string& nesting = survey_.volumes[surveyed].nesting;
    if (!provider.freezes_file_system || nesting.empty()) return Ok{};
    return Error(Errc::volume_not_supported, nesting);
  }

  bool uses(std::size_t component, std::size_t surveyed) const {
    return (survey_.component_volumes[component] >> surveyed & 1) != 0;
  }

  bool can_do_without(std::size_t surveyed) const {
    bool used = false;
    for (std::size_t c = 0; c < policies_.size(); ++c) {
      if (!uses(c, surveyed)) continue;
      used = true;
      if (policies_[c] == ConsistencyPolicy::require) return false;
    }
    return used;  // a volume that was asked for by itself is wanted
  }

  void take(std::size_t surveyed, const ProviderInfo& provider) {
    const std::size_t index = plan_.volumes.size();
    plan_.volumes.push_back({survey_.volumes[surveyed], SnapshotId::generate()});
    for (std::size_t c = 0; c < policies_.size(); ++c)
      if (uses(c, surveyed)) plan_.component_volumes[c] |= machine::VolumeMask{1} << index;
    auto group = std::find_if(plan_.groups.begin(), plan_.groups.end(),
                              [&](const auto& g) { return g.provider.id == provider.id; });
    if (group == plan_.groups.end())
      group = plan_.groups.insert(plan_.groups.end(), PlannedGroup{provider, {}});
    group->volumes.push_back(index);
  }

  // A provider that freezes a file system and one that writes to it during the cut would wait for
  // each other for ever.
  Status check_freezes() const {
    for (const auto& group : plan_.groups) {
      if (!group.provider.freezes_file_system) continue;
      for (std::size_t frozen : group.volumes)
        if (Status s = check_frozen(group, plan_.volumes[frozen]); !s.ok()) return s;
    }
    return Ok{};
  }

  Status check_frozen(const PlannedGroup& group, const PlannedVolume& frozen) const {
    const Volume& volume = frozen.surveyed.volume;
    for (const auto& other_group : plan_.groups) {
      for (std::size_t index : other_group.volumes) {
        const Volume& other = plan_.volumes[index].surveyed.volume;
        const bool same_file_system = file_system_key(other) == file_system_key(volume);
        if (same_file_system && other_group.provider.id != group.provider.id)
          return Error(Errc::volume_not_supported,
                       "provider " + group.provider.name + " freezes the file system of " +
                           escape_path(volume.mount_point) + ", on which " +
                           other_group.provider.name + " has to cut " +
                           escape_path(other.mount_point) + "; name one provider for both");
      }
    }
    return Ok{};
  }

  void note_turns() {
    for (const auto& group : plan_.groups) {
      for (std::size_t index : group.volumes) {
        const SurveyedVolume& surveyed = plan_.volumes[index].surveyed;
        plan_.turn_needs.insert("volume:" + surveyed.volume.id);
        plan_.file_systems.insert(file_system_key(surveyed.volume));
        if (!group.provider.freezes_file_system) continue;
        // Whoever works on a frozen file system, or on the one its image is cut on, must wait.
        for (const auto& mounted : survey_.mounted)
          if (file_system_key(mounted) == file_system_key(surveyed.volume))
            plan_.turn_needs.insert("volume:" + mounted.id);
        if (surveyed.image_host.id.empty()) continue;
        plan_.turn_needs.insert("volume:" + surveyed.image_host.id);
        plan_.file_systems.insert(file_system_key(surveyed.image_host));
      }
    }
  }

  const Survey& survey_;
  const std::vector<ProviderOpinion>& opinions_;
  const std::vector<ConsistencyPolicy>& policies_;
  SetPlan plan_;
};

}  // namespace

std::string file_system_key(const Volume& volume) {
  if (!volume.fs_uuid.empty()) return volume.fs_uuid;
  return "dev-" + std::to_string(major(volume.st_dev)) + "-" + std::to_string(minor(volume.st_dev));
}

Result<SetPlan> plan_set(const Survey& survey, const std::vector<ProviderOpinion>& opinions,
                         const std::vector<ConsistencyPolicy>& policies,
                         const SnapshotAttributes& attributes, bool auto_release) {
  return Planner(survey, opinions, policies).run(attributes, auto_release);
}

}  // namespace stillframe::coordinator
