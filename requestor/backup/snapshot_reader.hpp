// The trees a backup reads, as the planner wants them: by everyday paths, from the snapshots, and
// live where a component may be read live.
#pragma once

#include <map>
#include <utility>

#include "framework/model/backup_type.hpp"
#include "framework/model/tree_reader.hpp"
#include "requestor/backup/source_map.hpp"

namespace stillframe::requestor {

class SnapshotReader final : public TreeReader {
 public:
  // `places` are those of the components that are planned with it: they say what may be read live.
  SnapshotReader(const SourceMap& sources, std::vector<ReadPlace> places);

  Result<std::vector<TreeEntry>> list(const BytePath& directory) override;
  Result<TreeEntry> stat(const BytePath& path) override;

  // Where to read a path that list() or stat() gave. inconsistent_snapshot when it must come from a
  // snapshot and its volume has none.
  Result<SourceMap::Place> place_of(const BytePath& path) const;

  // What TreeEntry has no room for. Of paths that were seen.
  FileKind kind_of(const BytePath& path) const;
  // Device and inode of a file with several names; zeros for others.
  std::pair<std::uint64_t, std::uint64_t> link_identity(const BytePath& path) const;

 private:
  bool may_be_live(const BytePath& path) const;
  TreeEntry note(const BytePath& path, const Tree::Entry& entry);

  const SourceMap& sources_;
  std::vector<ReadPlace> places_;  // expanded; longest path first
  std::map<BytePath, FileKind> special_;
  std::map<BytePath, std::pair<std::uint64_t, std::uint64_t>> linked_;
};

}  // namespace stillframe::requestor
