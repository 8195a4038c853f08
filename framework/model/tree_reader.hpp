// How the planners look at files without touching a disk themselves.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/time.hpp>

namespace stillframe {

enum class EntryType { file, directory, symlink, other };

struct TreeEntry {
  BytePath name;  // in its directory
  EntryType type = EntryType::file;
  std::uint64_t size = 0;
  WallTime modified;
  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

// A tree by the paths it has in everyday life. Behind it stand snapshots, each in the place of its
// volume, and the live tree for volumes that need none.
class TreeReader {
 public:
  virtual ~TreeReader() = default;
  // The entries of a directory, in any order, without "." and ".."; not_found when there is no such
  // directory. Symbolic links are entries, not followed.
  virtual Result<std::vector<TreeEntry>> list(const BytePath& directory) = 0;
  // One entry, by its full path; not_found when it is not there.
  virtual Result<TreeEntry> stat(const BytePath& path) = 0;
};

}  // namespace stillframe
