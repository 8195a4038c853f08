// From components to volumes: which volumes a set has to cut, and what on them belongs to whom.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "framework/coordinator/machine/event.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/model/consistency.hpp"

namespace stillframe::coordinator {

// One explicit component with its implicit members, by value: the survey runs on a thread of its
// own.
struct SurveyedComponent {
  std::string writer_name;
  std::int64_t writer_pid = 0;
  ComponentName name;
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  BackupType type = BackupType::full;  // what its writer carries out
  std::vector<Component> members;      // itself and its implicit members
};

struct SurveyRequest {
  std::vector<SurveyedComponent> components;
  std::vector<std::pair<std::int64_t, ExcludedFiles>> excludes;  // with their writer's process
  std::vector<BytePath> extra_volumes;                           // any path on them
  bool whole_volumes = false;                                    // not component mode
};

struct SurveyedVolume {
  Volume volume;
  std::vector<FileSet> files;  // absolute paths on this volume, variables replaced
  std::vector<ExcludedFiles> exclude;
  // The volume the loop image of this one lies on; empty id when it lives on no image.
  Volume image_host;
  // Why it must not be frozen in this set: it lies on an image on another volume of the set, or the
  // other way round. Empty: it may be.
  std::string nesting;
};

struct Survey {
  std::vector<SurveyedVolume> volumes;                 // at most kVolumesMax
  std::vector<machine::VolumeMask> component_volumes;  // one per component
  std::vector<std::vector<FilePlace>> component_places;
  std::vector<std::vector<std::string>>
      component_gaps;           // what of it the set will not hold, and why
  std::vector<Volume> mounted;  // every volume there is, for turns
};

// A component whose policy is `require` and that lies where nothing can be cut is an error; of
// others the gap is listed. inconsistent_snapshot, not_found and limit_reached name the component.
Result<Survey> survey_volumes(const VolumeSource& source, const SurveyRequest& request);

}  // namespace stillframe::coordinator
