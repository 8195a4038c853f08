// The files that a writer asks others to read for it, as places: what whoever judges such requests
// needs to know.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <stillframe/backup_document.hpp>
#include <stillframe/provider.hpp>

#include "framework/transport/writer_link.hpp"

namespace stillframe::coordinator {

struct DeclaredFiles {
  std::string component;
  BytePath directory;  // absolute and tidy
  BytePath pattern;
  bool recursive = false;
  friend bool operator==(const DeclaredFiles&, const DeclaredFiles&) = default;
};

// Whether a writer may declare files is the business of who runs the coordinator. Any thread.
struct FileRules {
  // Whether there is a rule for this writer at all; must not block. Empty: for none.
  std::function<bool(const WriterLink& writer)> apply_to;
  // May block. `files` are where they are used every day, or, with `in_snapshot`, beneath the root
  // of a snapshot, which links do not lead out of.
  std::function<Status(const WriterLink& writer, const BytePath& root, bool in_snapshot,
                       const std::vector<DeclaredFiles>& files)>
      check;

  bool cover(const WriterLink& writer) const { return apply_to && apply_to(writer); }
};

// Every file set's own place and where it is read instead. A path whose variables process `pid`
// does not know is left out: nobody can read it either.
std::vector<DeclaredFiles> declared_files(const WriterMetadata& metadata, std::int64_t pid);

// What a writer added for one component after its metadata: single files, and files by their times.
std::vector<DeclaredFiles> added_files(const BackupComponent& component, std::int64_t pid);

// The same beneath the roots of the snapshots that hold them; what no snapshot holds is left out.
// Directories are relative to the root they are listed under.
std::map<BytePath, std::vector<DeclaredFiles>> in_snapshots(
    const std::vector<DeclaredFiles>& files, const std::vector<SnapshotInfo>& snapshots);

}  // namespace stillframe::coordinator
