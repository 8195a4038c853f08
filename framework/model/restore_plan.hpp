// Where each file of a component goes at restore: decided before the first byte is written, so that
// it can be printed and refused. Who decides, from strongest to weakest: the writer's directed
// target, the requestor's new target, the writer's restore target, the restore method. See
// docs/decisions/0014-restore-places.md.
#pragma once

#include <span>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "framework/model/environment.hpp"

namespace stillframe {

// What the planner asks of the place of the restore. Asked after pre_restore(), because a writer
// may let go of its files there.
class RestoreTargetProbe {
 public:
  virtual ~RestoreTargetProbe() = default;
  virtual Result<bool> exists(const BytePath& path) = 0;
  // Whether a file that exists can be overwritten: nobody has it open, and it may be written.
  virtual Result<bool> can_replace(const BytePath& path) = 0;
};

// One file of the backup, as FilePlan stored it.
struct StoredFile {
  BytePath path;           // where it belongs
  std::uint64_t size = 0;  // of the whole file
  bool partial = false;    // only `ranges`, to be written into the file that is there
  std::vector<ByteRange> ranges;
  BytePath ranges_file;  // where the ranges file belongs that goes with it
};

enum class RestoreAction {
  write,             // the whole file
  write_ranges,      // into the file at the destination, which must be there when it is written
  stage_for_reboot,  // beside the destination, to take its place at the next start
};

// Part of a file that goes to a place of its own.
struct RangeMove {
  ByteRange from;  // in the stored file
  ByteRange to;    // in the destination; of the same length
  friend bool operator==(const RangeMove&, const RangeMove&) = default;
};

struct RestoreStep {
  std::size_t file = 0;  // index among the stored files
  BytePath destination;
  RestoreAction action = RestoreAction::write;
  std::vector<RangeMove> moves;  // write_ranges; empty: what its ranges file holds, in place
  friend bool operator==(const RestoreStep&, const RestoreStep&) = default;
};

struct RestorePlan {
  std::vector<RestoreStep> steps;
  std::vector<AlternateMapping> mappings_used;                    // for the backup document
  std::vector<std::pair<BytePath, BytePath>> moved_ranges_files;  // the same
  // What the requestor does with the service that the metadata names.
  std::string service;
  bool stop_before_copy = false, start_after_copy = false;
  bool restart_after_post_restore = false;
  bool reboot_required = false;
};

// The plan for the files of one component. Errors, with nothing written and file status `none`:
//   already_exists    restore_if_not_there, and a file is there
//   in_use            restore_if_can_replace, and one cannot be replaced
//   not_found         a file that must go to a mapping or a directed target has none
//   not_supported     method `custom`, or a new target for a writer that does not cope with one
//   invalid_argument  the document contradicts itself
Result<RestorePlan> plan_restore(const WriterMetadata& stored, const BackupComponent& component,
                                 std::span<const StoredFile> files, const Environment& environment,
                                 RestoreTargetProbe& probe);

}  // namespace stillframe
