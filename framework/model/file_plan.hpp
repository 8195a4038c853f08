// Which files a backup copies, from where, and where a restore would put them: decided before the
// first byte is read, so that it can be printed.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <stillframe/backup_document.hpp>

#include "framework/model/environment.hpp"
#include "framework/model/tree_reader.hpp"

namespace stillframe {

inline constexpr std::size_t kPlannedFilesMax = 100'000'000;

// One explicit component and what comes with it.
struct FilePlanComponent {
  const BackupComponent* entry = nullptr;  // as the writer left it
  std::vector<std::size_t> members;        // itself and its implicit members, in the metadata
};

struct FilePlanOptions {
  BackupType type = BackupType::full;   // what the writer carries out: see effective_type()
  Environment environment;              // the writer's
  std::optional<WallTime> last_backup;  // for differenced files without a time of their own
  // Whether what is built on has this file as it is now, at the place where it belongs. A
  // differenced file of which it has not is copied whatever its time says, such as one that was
  // renamed. Empty: times alone decide.
  std::function<bool(const BytePath& place, const TreeEntry& found)> has_already;
};

struct PlannedFile {
  std::size_t component = 0;  // index among the FilePlanComponents
  std::size_t member = 0;     // index in the metadata
  BytePath source;            // where to read it
  BytePath restore_path;      // where it belongs
  EntryType type = EntryType::file;
  std::uint64_t size = 0;
  bool from_snapshot = true;  // never to be read live
  bool is_log = false;        // of a database's log file set
  // Part of a file only: `ranges`, or what the ranges file holds (it comes earlier in the plan).
  bool partial = false;
  std::vector<ByteRange> ranges;
  BytePath ranges_file;
  std::optional<WallTime> since;  // it is here because it changed after this
  friend bool operator==(const PlannedFile&, const PlannedFile&) = default;
};

// A directory of a recursive file set. It is made at restore also when nothing is in it.
struct PlannedDirectory {
  std::size_t component = 0;
  BytePath source;
  BytePath restore_path;
  friend bool operator==(const PlannedDirectory&, const PlannedDirectory&) = default;
};

struct FilePlan {
  std::vector<PlannedFile> files;
  std::vector<PlannedDirectory> directories;  // parents before children
  std::uint64_t bytes = 0;                    // of files and ranges, where they are known
  std::uint64_t unchanged = 0;                // matched, but not modified since the last backup
  std::vector<BytePath> kept;                 // these, by where they belong
  std::vector<std::string> notes;             // for people: directories that are not there
};

// The plan for one writer. Errors: not_found for a file that a file set names without a wildcard
// and that is not there; already_exists for a file that two file sets claim; limit_reached beyond
// kPlannedFilesMax. Excluded files are matched by where they belong, not by where they are read.
Result<FilePlan> plan_files(const WriterMetadata& metadata,
                            std::span<const FilePlanComponent> components,
                            const FilePlanOptions& options, TreeReader& tree);

}  // namespace stillframe
