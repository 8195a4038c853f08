// Who cuts what: a provider for every volume of a set, or the reasons why there is none.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <stillframe/provider.hpp>

#include "framework/coordinator/volumes/survey.hpp"

namespace stillframe::coordinator {

struct PlannedVolume {
  SurveyedVolume surveyed;
  SnapshotId snapshot;
};

struct PlannedGroup {
  ProviderInfo provider;
  std::vector<std::size_t> volumes;  // indices into SetPlan::volumes
};

struct SetPlan {
  SetId set;
  SnapshotAttributes attributes;
  bool auto_release = true;
  std::vector<PlannedVolume> volumes;
  std::vector<PlannedGroup> groups;
  std::vector<machine::VolumeMask> component_volumes;
  std::vector<std::vector<FilePlace>> component_places;
  std::vector<std::vector<std::string>> component_gaps;
  std::set<std::string> turn_needs;    // volumes only; the session adds its writers
  std::set<std::string> file_systems;  // to be locked against other coordinators
};

// One provider's word about every volume of the survey, in its order.
struct ProviderOpinion {
  ProviderInfo provider;
  std::vector<Status> supports;
};

// Opinions come with the most preferred provider first. `policies` are the components'. A volume
// that nobody takes is volume_not_supported with each provider's reason, unless every component on
// it is content with less; then it is left out and listed as a gap.
Result<SetPlan> plan_set(const Survey& survey, const std::vector<ProviderOpinion>& opinions,
                         const std::vector<ConsistencyPolicy>& policies,
                         const SnapshotAttributes& attributes, bool auto_release);

// The name under which coordinators lock a file system against each other.
std::string file_system_key(const Volume& volume);

}  // namespace stillframe::coordinator
