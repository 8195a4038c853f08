// An application with a directory, which is backed up and restored through ntdsbcli.h.
#pragma once

#include <string>
#include <vector>

#include <stillframe/ntds/ntdsbcli.h>

#include "tests/ese/jet/backup_application.hpp"
#include "writers/ese/ntds/host_rules.hpp"

namespace stillframe::ese::tests {

struct ListedEntry {
  std::uint8_t kind;
  std::string path;
  friend bool operator==(const ListedEntry&, const ListedEntry&) = default;
};

// Gives the list back.
std::vector<ListedEntry> take_entries(char* list, std::uint32_t bytes);

// What a backup was stored as.
struct StoredBackup {
  std::string folder;
  std::string token;
  std::uint32_t low = 0, high = 0;
};

class DirectoryApplication : public BackupApplication {
 protected:
  void SetUp() override;
  void TearDown() override;

  HRESULT prepare_backup(HBC* handle, std::string* token = nullptr);
  static std::vector<ListedEntry> databases(HBC handle);
  static std::vector<ListedEntry> logs(HBC handle);
  static std::vector<ListedEntry> locations(HBC handle);
  // Opened, read to its end into a file of the same name, closed.
  static HRESULT copy_file(HBC handle, const std::string& path, const std::string& folder);
  StoredBackup back_up(const std::string& folder);

  // The instance ends and is made again, but not begun.
  void enter_restore_mode();
  static HRESULT prepare_restore(const std::string& token, HBC* handle);
  // Everything right, but for what a test changes.
  struct Registration {
    std::string checkpoint, logs, from, to, set;
    std::uint32_t low = 0, high = 0;
    HRESULT with(HBC handle) const;
  };
  Registration registration(const StoredBackup& stored) const;
  // What lies between the registration and its completion: old files go, those of the set come.
  void copy_files(const StoredBackup& stored);
  JET_ERR start();
  std::vector<std::int32_t> ids();
  std::string record_path() const { return folder_.file("restore.env"); }
};

}  // namespace stillframe::ese::tests
