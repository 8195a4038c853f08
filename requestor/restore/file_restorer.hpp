// Does what a restore journal says: writes new files beside their targets, moves old ones aside,
// and can take all of it back. Every step may be repeated after a kill.
#pragma once

#include <functional>
#include <map>

#include "requestor/restore/restore_journal.hpp"

namespace stillframe::requestor {

struct RestoreCounts {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

class FileRestorer {
 public:
  using Progress = std::function<bool(std::uint64_t bytes)>;  // answers whether to go on

  // `files` is where the journal's sources are found.
  FileRestorer(const RestoreJournal& journal, const std::map<BytePath, StoredFile>& files)
      : journal_(journal), files_(files) {}

  // Every target is whole, durable and has the hash of the manifest when this is ok; else some
  // are old, some are new.
  Result<RestoreCounts> run(const Progress& progress);
  // Puts every old file back and removes every new one.
  Status put_back();
  // Removes the old files for good.
  Status drop_old();

 private:
  Result<const Tree*> tree_of(const BytePath& root, bool make);
  Status move_aside(std::size_t index);
  Status write_entry(std::size_t index, const Progress& progress);
  Status write_directory(const Tree& tree, const JournalEntry& entry, const ManifestFile& file);
  Status write_link(const Tree& tree, std::size_t index, const ManifestFile& file);
  Status write_regular(const Tree& tree, std::size_t index, const StoredFile& stored,
                       const Progress& progress);
  Status fill(int target, std::size_t index, const StoredFile& stored, const Progress& progress);
  Status lay_old_content(const Tree& tree, std::size_t index, int target);
  Status link_to_first(const Tree& tree, std::size_t index, const StoredFile& stored, bool& linked);
  Status finish_directories();

  const RestoreJournal& journal_;
  const std::map<BytePath, StoredFile>& files_;
  std::map<BytePath, Tree> trees_;
  // First written name of each group of hard links, by set and group.
  std::map<std::pair<const BackupSet*, std::uint64_t>, std::size_t> first_names_;
  std::vector<std::pair<std::size_t, const ManifestFile*>> made_directories_;
  RestoreCounts counts_;
};

}  // namespace stillframe::requestor
