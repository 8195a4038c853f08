// An application that is backed up and restored: its logs stay until a backup has them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {

// Of a folder, without what is in folders below it.
std::set<std::string> files_in(const std::string& folder);
std::set<std::string> logs_in(const std::string& folder);
std::string contents_of(const std::string& path);
void flip_byte_of(const std::string& path, std::uint64_t offset);

JET_DBINFOMISC7 header_of(const std::string& path);

// Memory that backups may read into.
struct ReadBuffer {
  static constexpr std::uint32_t kPage = 8192, kBytes = 8 * kPage;
  ReadBuffer() : bytes(static_cast<char*>(std::aligned_alloc(4096, kBytes)), std::free) {}
  std::unique_ptr<char, void (*)(void*)> bytes;
};

// What an external backup has copied into a folder.
struct ExternalSet {
  std::string folder;
  JET_LOGINFO_A logs{};
};

class BackupApplication : public JetApplication {
 protected:
  void SetUp() override { begin(folder_, false); }

  // The instance in `folder`, its session and, the first time, its database.
  void begin(const JetFolder& folder, bool circular);
  void end();
  // An instance with its logs in `logs`, which is not begun.
  static JET_INSTANCE instance_in(const std::string& logs, const char* name);

  // Rows [from, to), durably; then the log is finished, and the pages are in the file.
  void work(std::int32_t from, std::int32_t to);
  // The same, but for the pages: a backup has to copy this log.
  void work_in_log(std::int32_t from, std::int32_t to);
  // The rows' ids of a database that was restored, by an instance with its logs in `logs`.
  std::vector<std::int32_t> restored_ids(const std::string& logs, const std::string& database);

  JET_ERR back_up(const std::string& folder, JET_GRBIT grbit = 0, JET_PFNSTATUS status = nullptr) {
    return JetBackupInstanceA(instance_, folder.c_str(), grbit, status);
  }
  std::string database_path() const { return folder_.file("one.edb"); }

  // Begun with JetBeginExternalBackupInstance: all files, and the end.
  ExternalSet copy_external(const std::string& folder, JET_GRBIT grbit = 0, bool truncate = true);
  JET_ERR copy_one(const std::string& file, const std::string& folder);
  std::vector<std::string> attached();
  std::vector<std::string> logs_to_copy(JET_LOGINFO_A* range = nullptr);

  ReadBuffer buffer_;
};

std::vector<std::int32_t> numbers(std::int32_t from, std::int32_t to);

}  // namespace stillframe::ese::tests
