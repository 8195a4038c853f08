// The folder that a backup is stored in: what may be in it before, and that a call which fails
// leaves it as it was. docs/ese/backup.md has the rules.
#pragma once

#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/backup/streaming_backup.hpp"

namespace stillframe::ese {

struct BackupTargetOptions {
  BytePath directory;
  BackupContents contents = BackupContents::full;
  bool atomic = false;  // the set that is there stays until the new one is whole
  bool create_path = false;
};

// Takes its files away again when it goes, unless keep() has succeeded.
class [[nodiscard]] BackupTarget {
 public:
  // invalid_path, backup_directory_not_empty; delete_backup_file_fail and
  // make_backup_directory_fail for what an atomic set needs.
  static Result<BackupTarget> prepare(Files& files, BackupTargetOptions options);
  BackupTarget(BackupTarget&& other) noexcept;
  BackupTarget& operator=(BackupTarget&&) = delete;
  ~BackupTarget();

  // The folder of the set that logs are added to.
  const BytePath& set() const noexcept { return set_; }
  // Where the file that will be called so is to be written.
  BytePath place_for(const std::string& name);
  // An empty file that tells a restore of a database; after all others.
  void add_marker(std::string name) { markers_.push_back(std::move(name)); }

  // All files are written, and durable: they get their names, and an atomic set takes its place.
  Status keep();
  // Of an atomic set: the one before it is not needed any more. After keep().
  Status remove_previous();

 private:
  struct Stored {
    std::string name;
    bool named = false;     // it has its name
    bool replaced = false;  // one of that name was there, of the same log
  };

  BackupTarget(Files& files, BackupTargetOptions options)
      : files_(&files), options_(std::move(options)) {}
  bool whole_set() const { return options_.contents == BackupContents::full; }
  BytePath part(const char* name) const;
  Status prepare_plain();
  Status prepare_atomic();
  Status name_files();
  Status write_markers();
  void discard() noexcept;

  Files* files_;  // null when moved from
  BackupTargetOptions options_;
  BytePath set_;
  std::vector<Stored> stored_;
  std::vector<std::string> markers_;
  bool kept_ = false;
};

// Of a set, or what is left of one, and the folder itself.
Status remove_folder(Files& files, const BytePath& folder);

}  // namespace stillframe::ese
