// Does what a restore journal says: writes new files beside their targets, then moves the old ones
// aside and the new ones into place, and can take all of it back. Every step may be repeated after
// a kill.
#pragma once

#include <functional>
#include <map>

#include "requestor/restore/restore_journal.hpp"

namespace stillframe::requestor {

struct RestoreCounts {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> left_out;  // devices this user may not make, with the reason
};

class FileRestorer {
 public:
  using Progress = std::function<bool(std::uint64_t bytes)>;  // answers whether to go on
  using StepObserver = std::function<void(std::string_view step)>;

  // `files` is where the journal's sources are found; only stage() and run() need it. Both outlive
  // the restorer.
  FileRestorer(const RestoreJournal& journal, const std::map<BytePath, StoredFile>& files)
      : journal_(journal), files_(files) {}

  // Told right before each change of a target; tests kill the process there.
  void on_step(StepObserver observer) { observer_ = std::move(observer); }

  // stage() and swap(). Every target is whole, durable and has the hash of the manifest when this
  // is ok; else some are old, some are new.
  Result<RestoreCounts> run(const Progress& progress);

  // Writes every new file beside its target, durably. Targets stay as they are, but for files that
  // stand where a directory must be; at boot those are already_exists.
  Result<RestoreCounts> stage(const Progress& progress);
  // Old files aside, new ones into place, durably. No old file goes before its successor is there.
  Status swap();

  // Puts every old file back and removes every new one.
  Status put_back();
  // Removes the old files for good.
  Status drop_old();

 private:
  Result<const Tree*> tree_of(const BytePath& root, bool make);
  Status move_aside(std::size_t index);
  Status clear_the_way(std::size_t index);
  Status stage_entry(std::size_t index, const Progress& progress);
  Status swap_entry(std::size_t index);
  Status put_back_entry(std::size_t index);
  Status write_link(const Tree& tree, std::size_t index, const ManifestFile& file);
  Status write_node(const Tree& tree, std::size_t index, const ManifestFile& file);
  Status write_regular(const Tree& tree, std::size_t index, const StoredFile& stored,
                       const Progress& progress);
  Status fill(const Tree& tree, int target, std::size_t index, const StoredFile& stored,
              const Progress& progress);
  Status lay_old_content(const Tree& tree, std::size_t index, int target);
  Status link_to_first(const Tree& tree, std::size_t index, const StoredFile& stored, bool& linked);
  Status finish_directories();
  Status sync();
  void at(std::string_view step) const {
    if (observer_) observer_(step);
  }

  const RestoreJournal& journal_;
  const std::map<BytePath, StoredFile>& files_;
  StepObserver observer_;
  std::map<BytePath, Tree> trees_;
  // First written name of each group of hard links, by set and group.
  std::map<std::pair<const BackupSet*, std::uint64_t>, std::size_t> first_names_;
  RestoreCounts counts_;
};

}  // namespace stillframe::requestor
