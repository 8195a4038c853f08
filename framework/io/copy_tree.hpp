// Copies a whole tree faithfully: data with holes, hard links among the copied files, links,
// special files, and all metadata.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/copy_data.hpp"

namespace stillframe {

// Remembers where the first name of each file with several went, so that the others become links.
class HardLinks {
 public:
  // The path noted for this file; null when this is the first name, or it has only one.
  const BytePath* find(const struct stat& status) const {
    auto at = first_.find({status.st_dev, status.st_ino});
    return at == first_.end() ? nullptr : &at->second;
  }
  void note(const struct stat& status, const BytePath& path) {
    if (status.st_nlink > 1 && !S_ISDIR(status.st_mode)) {
      first_.emplace(std::pair{status.st_dev, status.st_ino}, path);
    }
  }

 private:
  std::map<std::pair<dev_t, ino_t>, BytePath> first_;
};

struct TreeCopyOptions {
  DataMode data = DataMode::clone_or_copy;
  bool stay_on_mount = true;
  bool stay_on_device = false;                   // other btrfs subvolumes become empty directories
  const std::atomic<bool>* cancelled = nullptr;  // not owned
};

struct TreeCopyReport {
  std::uint64_t files = 0;  // entries of any kind but directories
  std::uint64_t directories = 0;
  std::uint64_t bytes_written = 0;  // cloned ones not counted
  std::uint64_t sockets_skipped = 0;
  std::vector<std::string> not_kept;  // "path: attribute", at most kNotKeptMax of them
};
inline constexpr std::size_t kNotKeptMax = 1000;

// Copies the content of the directory `from` into the directory `to`, which must be empty, and
// gives `to` itself the metadata of `from`. On failure `to` holds part of it. Nothing is synced.
Result<TreeCopyReport> copy_tree(int from, int to, const TreeCopyOptions& options = {});

}  // namespace stillframe
