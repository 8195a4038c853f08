// The tree of a snapshot that is made of files, while it is being built.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <stillframe/descriptor.hpp>

#include "framework/io/copy_data.hpp"
#include "framework/io/copy_tree.hpp"
#include "framework/providers/common/file_scan.hpp"

namespace stillframe {

class FileTree {
 public:
  // Both directories stay open; the target is empty and on storage of its own or on the volume.
  FileTree(Descriptor volume, Descriptor tree, DataMode data);

  // Before the hold: every entry of the scan, files empty, with all their metadata.
  Status build(const FileScan& scan, const std::atomic<bool>& cancelled);

  // Inside the hold: makes the tree what `now` says. Files that are still the same get their data;
  // what is new, replaced or changed is made again; what is gone is remembered.
  Status fill(const FileScan& now);

  // After the hold: removes what was gone and gives directories their times.
  Status finish();

  int volume() const noexcept { return volume_.get(); }
  std::uint64_t sockets_skipped() const noexcept { return sockets_skipped_; }
  const std::vector<std::string>& not_kept() const noexcept { return not_kept_; }

 private:
  Status make(const BytePath& path, const struct stat& status, HardLinks& links);
  Status rebuild(const BytePath& path, const struct stat& status, HardLinks& links);
  bool still_fits(const BytePath& path, const struct stat& now, const HardLinks& links) const;
  Status fill_file(const BytePath& path, const struct stat& status);
  Status fill_opened(const BytePath& path, const struct stat& status, int from,
                     const Descriptor& target_parent, const BytePath& name);
  Status fill_all(const std::vector<const FileScan::value_type*>& files);
  Status metadata(const BytePath& path, const struct stat& status, bool times);
  void note_lost(const BytePath& path, const std::vector<std::string>& lost);

  const Descriptor volume_, tree_;
  const DataMode data_;
  FileScan built_;  // what is in the tree, as the source was when it was put there
  FileScan now_;
  // Writing to a file takes its capabilities and set-id bits away, so these need them once more.
  std::set<BytePath> privileged_;
  std::vector<BytePath> gone_;
  std::mutex mutex_;  // guards what the filling threads report
  std::vector<std::string> not_kept_;
  std::vector<BytePath> vanished_;
  std::uint64_t sockets_skipped_ = 0;
};

}  // namespace stillframe
