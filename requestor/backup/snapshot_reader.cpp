#include "requestor/backup/snapshot_reader.hpp"

#include <algorithm>

#include "framework/base/path.hpp"
#include "framework/model/environment.hpp"

namespace stillframe::requestor {
namespace {

EntryType type_of(FileKind kind) {
  switch (kind) {
    case FileKind::regular:
      return EntryType::file;
    case FileKind::directory:
      return EntryType::directory;
    case FileKind::symlink:
      return EntryType::symlink;
    case FileKind::fifo:
    case FileKind::character_device:
    case FileKind::block_device:
    case FileKind::socket:
      return EntryType::other;
  }
  return EntryType::other;
}

}  // namespace

SnapshotReader::SnapshotReader(const SourceMap& sources, std::vector<ReadPlace> places)
    : sources_(sources), places_(std::move(places)) {
  for (ReadPlace& place : places_) {
    // A path that cannot be expanded is the planner's error to tell.
    if (auto path = expand_path(place.path, {}); path.ok()) place.path = std::move(path).value();
  }
  std::stable_sort(places_.begin(), places_.end(), [](const ReadPlace& a, const ReadPlace& b) {
    return a.path.size() > b.path.size();
  });
}

bool SnapshotReader::may_be_live(const BytePath& path) const {
  if (sources_.has_no_snapshot()) return true;
  bool live = false;
  for (const ReadPlace& place : places_) {
    const BytePath directory = parent_path(path);
    const bool holds = place.recursive ? is_within(path, place.path)
                                       : path == place.path || directory == place.path;
    if (!holds) continue;
    if (place.from_snapshot) return false;  // one file set's wish for a snapshot is enough
    live = true;
  }
  return live;
}

Result<SourceMap::Place> SnapshotReader::place_of(const BytePath& path) const {
  return may_be_live(path) ? Result<SourceMap::Place>(sources_.live(path))
                           : sources_.in_snapshot(path);
}

TreeEntry SnapshotReader::note(const BytePath& path, const Tree::Entry& entry) {
  if (is_special(entry.kind)) special_[path] = entry.kind;
  if (entry.kind == FileKind::regular && entry.links > 1) {
    linked_[path] = {entry.device, entry.inode};
  }
  return {entry.name, type_of(entry.kind), entry.size, WallTime(Duration(entry.modified_ns))};
}

Result<std::vector<TreeEntry>> SnapshotReader::list(const BytePath& directory) {
  auto place = place_of(directory);
  if (!place.ok()) return place.error();
  auto entries = place.value().tree->list(place.value().relative);
  if (!entries.ok()) return entries.error();
  std::vector<TreeEntry> known;
  known.reserve(entries.value().size());
  for (const Tree::Entry& entry : entries.value()) {
    known.push_back(note(join_path(directory, entry.name), entry));
  }
  return known;
}

Result<TreeEntry> SnapshotReader::stat(const BytePath& path) {
  auto place = place_of(path);
  if (!place.ok()) return place.error();
  auto entry = place.value().tree->stat(place.value().relative);
  if (!entry.ok()) return entry.error();
  return note(path, entry.value());
}

FileKind SnapshotReader::kind_of(const BytePath& path) const {
  const auto found = special_.find(path);
  return found == special_.end() ? FileKind::regular : found->second;
}

std::pair<std::uint64_t, std::uint64_t> SnapshotReader::link_identity(const BytePath& path) const {
  const auto found = linked_.find(path);
  return found == linked_.end() ? std::pair<std::uint64_t, std::uint64_t>() : found->second;
}

}  // namespace stillframe::requestor
