// Restores single files from a backup of a deduplicated volume: ddpbackup.h in C++.
//
//   auto backup = dedup::backup_in_folder("/mnt/backup/volume");
//   auto done = dedup::restore_files("/srv/data", {"/report.odt"}, *backup);
//
// The marked files were put in their places before, with their attributes, as any plain restore of
// the backup does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

struct BackupRead {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// A part of a container, in the order in which a backup is best read.
struct BackupExtent {
  std::size_t container = 0;  // in the list that was given
  std::uint64_t offset = 0;
  std::uint64_t bytes = std::numeric_limits<std::int64_t>::max();  // to its end
};

// The backup of the whole volume, whatever it is kept in. Called in the thread of restore_files().
// Paths are those on the volume, from its root, with a slash in front.
class BackupOfVolume {
 public:
  virtual ~BackupOfVolume() = default;

  // How many bytes were read: fewer than `into` has only where the file ends. not_found: the backup
  // does not have it. An error is one of the files that need these bytes.
  virtual Result<std::size_t> read(const BytePath& path, std::uint64_t offset,
                                   std::span<std::byte> into) = 0;

  // Nothing: in any order. An error ends the restore.
  virtual Result<std::vector<BackupExtent>> order(const std::vector<BytePath>& containers) {
    (void)containers;
    return std::vector<BackupExtent>();
  }
  // What is about to be read of a container; the first comes next. An error ends the restore.
  virtual Status preview(const BytePath& container, const std::vector<BackupRead>& reads) {
    (void)container, (void)reads;
    return Status(Ok{});
  }
};

// A copy of the volume's tree, with its store.
std::unique_ptr<BackupOfVolume> backup_in_folder(BytePath root);
// The same in parts, as a chain of increments has it: each file is read from the first folder that
// has it, so the newest comes first.
std::unique_ptr<BackupOfVolume> backup_in_folders(std::vector<BytePath> roots);

enum class RestoredAs { restored, not_deduplicated, failed };

struct RestoredFile {
  RestoredAs as = RestoredAs::failed;
  std::int32_t code = 0;  // as RestoreFiles() has it
};

// One for each of `files`, in their order; a failed one is still marked and may be tried again.
// Chunks that several files share are read once for each 10,000 files. An error: nothing could be
// tried at all. Needs CAP_SYS_ADMIN. `key_file`: of a backup whose store is encrypted; without it
// its files fail with NTE_NO_KEY, with another with NTE_BAD_KEY.
Result<std::vector<RestoredFile>> restore_files(const BytePath& volume_root,
                                                const std::vector<BytePath>& files,
                                                BackupOfVolume& backup,
                                                const BytePath& key_file = {});

// What a result's code means, for people.
std::string_view restore_code_text(std::int32_t code) noexcept;

}  // namespace stillframe::dedup
