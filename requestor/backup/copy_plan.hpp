// Which files a backup copies, from where, for which components: the model's plans
// (framework/model/file_plan.hpp) of all components, each path once.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "framework/model/volume_plan.hpp"
#include "requestor/backup/snapshot_reader.hpp"
#include "requestor/restore/chain_source.hpp"

namespace stillframe::requestor {

struct FileToCopy {
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
using CopyPlan = std::map<BytePath, FileToCopy>;

struct ComponentToPlan {
  const WriterMetadata* writer = nullptr;
  std::vector<std::size_t> members;        // its head first, then what comes with it
  const BackupComponent* entry = nullptr;  // with what the writer wrote into it
  std::uint32_t manifest_index = 0;
  BackupType type = BackupType::full;   // the effective one of this writer
  std::optional<WallTime> last_backup;  // for differenced files that leave the time to us
  // What the chain that is built on has, for files that are copied when they changed.
  const std::map<BytePath, StoredFile>* chain = nullptr;
};

// Adds the files of one component. Errors are those of plan_files(), and corrupt for a ranges file
// that is none. `notes` gets what people may want to know, `kept` the files that the chain has.
Status plan_component(const ComponentToPlan& component, const SourceMap& sources, CopyPlan& plan,
                      std::vector<std::string>& notes, std::vector<BytePath>& kept);

// Everything on whole volumes that the plan does not hold yet; it belongs to no component.
// `writers` are all that are there.
Status plan_whole_volumes(const VolumePlanOptions& volumes,
                          std::span<const WriterMetadata* const> writers, const SourceMap& sources,
                          CopyPlan& plan, std::vector<std::string>& notes);

// Whether any file set of the components must come from a snapshot.
bool needs_snapshot(const WriterMetadata& writer, const std::vector<std::size_t>& members,
                    BackupType type);

}  // namespace stillframe::requestor
