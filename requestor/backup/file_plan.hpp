// Which files a backup takes, and from where: decided for every component before the first byte is
// copied, so that it can be looked at.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "requestor/backup/source_map.hpp"
#include "requestor/store/manifest.hpp"

namespace stillframe::requestor {

struct PlannedFile {
  SourceMap::Place source;
  FileKind kind = FileKind::regular;
  std::vector<std::uint32_t> components;  // indices into the manifest's components
  bool is_log = false;
  bool partial = false;
  std::vector<ByteRange> ranges;
  std::uint64_t size = 0;               // as found; 0 for partial files
  std::uint64_t device = 0, inode = 0;  // of files with several names, else 0
};

// By original path, so that each is there once whoever names it.
using FilePlan = std::map<BytePath, PlannedFile>;

struct ComponentToPlan {
  const WriterMetadata* writer = nullptr;
  const Component* component = nullptr;    // a member of a set has its head's manifest index
  const BackupComponent* entry = nullptr;  // the head's, with what the writer wrote into it
  std::uint32_t manifest_index = 0;
  BackupType type = BackupType::full;  // the effective one of this writer
  WallTime changed_since;  // for differenced files that leave the time to us; 0: everything
};

// Adds the files of one component. Its writer's exclude list beats its file sets; partial files
// stand in for whole ones; differenced files are left out when they did not change. not_found names
// a literal file that is not there.
Status plan_component(const ComponentToPlan& component, const SourceMap& sources, FilePlan& plan);

// Everything on the volume of a snapshot, for backups that are not by component.
Status plan_volume(const SnapshotInfo& snapshot, const std::vector<WriterMetadata>& writers,
                   const SourceMap& sources, FilePlan& plan);

// Whether any file set of the component must come from a snapshot.
bool needs_snapshot(const Component& component, BackupType type);

}  // namespace stillframe::requestor
