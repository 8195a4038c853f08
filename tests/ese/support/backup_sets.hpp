// Backups as tests take them: files of a set, in a folder.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "framework/io/files.hpp"
#include "writers/ese/backup/streaming_backup.hpp"

namespace stillframe::ese::tests {

struct BackupSet {
  BytePath directory;
  std::map<std::string, BytePath> databases;  // path at the time -> the copy
  Generation low = Generation::none, high = Generation::none;
};

struct BackupPlan {
  BackupContents contents = BackupContents::full;
  bool truncate = true;
  std::function<void()> before_logs = {};  // all databases are copied
  std::function<void()> after_logs = {};   // the last log of the set is finished
};

// A backup from begin() to end(). Its files go to `directory`; logs that are there already stay.
Result<BackupSet> take_backup(StreamingBackup& backup, Files& files, const BytePath& directory,
                              const BackupPlan& plan = {});

// As options of a backup whose notices are kept.
struct Notices {
  std::vector<std::string> warnings;  // and worse
  StreamingBackupOptions options();
};

// Those of "edb" in the folder.
std::map<Generation, BytePath> finished_logs(Files& files, const BytePath& folder);

std::vector<std::byte> bytes_of_file(Files& files, const BytePath& path);
// In place; of the file as it is on the disk.
void flip_byte(Files& files, const BytePath& path, std::uint64_t offset);
void copy_file(Files& files, const BytePath& from, const BytePath& to);

}  // namespace stillframe::ese::tests
