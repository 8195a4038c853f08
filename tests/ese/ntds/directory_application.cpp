#include "tests/ese/ntds/directory_application.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace stillframe::ese::tests {

namespace fs = std::filesystem;

std::vector<ListedEntry> take_entries(char* list, std::uint32_t bytes) {
  std::vector<ListedEntry> entries;
  const char* at = list;
  while (*at != '\0') {
    entries.push_back({static_cast<std::uint8_t>(*at), at + 1});
    at += entries.back().path.size() + 2;
  }
  EXPECT_EQ(static_cast<std::uint32_t>(at - list) + (entries.empty() ? 2 : 1), bytes);
  DsBackupFree(list);
  return entries;
}

void DirectoryApplication::SetUp() {
  BackupApplication::SetUp();
  work(0, 40);
}

void DirectoryApplication::TearDown() {
  ntds::set_host_rules({});
  ntds::set_identity(std::nullopt);
  BackupApplication::TearDown();
}

HRESULT DirectoryApplication::prepare_backup(HBC* handle, std::string* token) {
  void* bytes = nullptr;
  std::uint32_t size = 0;
  const HRESULT hr =
      DsBackupPrepareA("\\\\application", 0, BACKUP_TYPE_FULL, &bytes, &size, handle);
  if (hr == hrNone && token != nullptr) token->assign(static_cast<const char*>(bytes), size);
  DsBackupFree(bytes);
  return hr;
}

std::vector<ListedEntry> DirectoryApplication::databases(HBC handle) {
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsBackupGetDatabaseNamesA(handle, &list, &bytes), hrNone);
  return list == nullptr ? std::vector<ListedEntry>() : take_entries(list, bytes);
}

std::vector<ListedEntry> DirectoryApplication::logs(HBC handle) {
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsBackupGetBackupLogsA(handle, &list, &bytes), hrNone);
  return list == nullptr ? std::vector<ListedEntry>() : take_entries(list, bytes);
}

std::vector<ListedEntry> DirectoryApplication::locations(HBC handle) {
  char* list = nullptr;
  std::uint32_t bytes = 0;
  EXPECT_EQ(DsRestoreGetDatabaseLocationsA(handle, &list, &bytes), hrNone);
  return list == nullptr ? std::vector<ListedEntry>() : take_entries(list, bytes);
}

HRESULT DirectoryApplication::copy_file(HBC handle, const std::string& path,
                                        const std::string& folder) {
  std::int64_t size = 0;
  HRESULT hr = DsBackupOpenFileA(handle, path.c_str(), 24576, &size);
  if (hr != hrNone) return hr;
  std::vector<char> buffer(32768);
  std::ofstream copy(folder + "/" + fs::path(path).filename().string(), std::ios::binary);
  std::int64_t total = 0;
  for (;;) {
    std::uint32_t got = 0;
    hr = DsBackupRead(handle, buffer.data(), 32768, &got);
    if (hr != hrNone) break;
    copy.write(buffer.data(), got);
    total += got;
  }
  if (hr != ERROR_HANDLE_EOF) return hr;
  EXPECT_EQ(total, size);
  return DsBackupClose(handle);
}

StoredBackup DirectoryApplication::back_up(const std::string& folder) {
  fs::create_directories(folder);
  StoredBackup stored{folder, {}};
  HBC handle = nullptr;
  EXPECT_EQ(prepare_backup(&handle, &stored.token), hrNone);
  for (const ListedEntry& each : databases(handle)) {
    EXPECT_EQ(copy_file(handle, each.path, folder), hrNone);
  }
  stored.low = ~0U;
  for (const ListedEntry& each : logs(handle)) {
    EXPECT_EQ(each.kind, BFT_LOG);
    EXPECT_EQ(copy_file(handle, each.path, folder), hrNone);
    const std::string digits = fs::path(each.path).stem().string().substr(3);
    const auto number = static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
    stored.low = std::min(stored.low, number);
    stored.high = std::max(stored.high, number);
  }
  EXPECT_EQ(DsBackupTruncateLogs(handle), hrNone);
  EXPECT_EQ(DsBackupEnd(handle), hrNone);
  return stored;
}

// ---- Restore

void DirectoryApplication::enter_restore_mode() {
  end();
  instance_ = instance_in(folder_.path(), "application");
}

HRESULT DirectoryApplication::prepare_restore(const std::string& token, HBC* handle) {
  std::string bytes = token;
  return DsRestorePrepareA("application", RESTORE_TYPE_CATCHUP,
                           bytes.empty() ? nullptr : bytes.data(),
                           static_cast<std::uint32_t>(bytes.size()), handle);
}

DirectoryApplication::Registration DirectoryApplication::registration(
    const StoredBackup& stored) const {
  return {folder_.path(), folder_.path(), database_path(), database_path(),
          stored.folder,  stored.low,     stored.high};
}

HRESULT DirectoryApplication::Registration::with(HBC handle) const {
  EDB_RSTMAPA map{from.c_str(), to.c_str()};
  return DsRestoreRegisterA(handle, checkpoint.c_str(), logs.c_str(), &map, 1, set.c_str(), low,
                            high);
}

void DirectoryApplication::copy_files(const StoredBackup& stored) {
  for (const std::string& name : files_in(folder_.path())) {
    if (name != "restore.env") fs::remove(folder_.file(name));
  }
  fs::copy_file(stored.folder + "/one.edb", database_path());
}

// After an error the instance is gone; it is made again, as the next start of a process would.
JET_ERR DirectoryApplication::start() {
  JET_INSTANCE starting = instance_;
  const JET_ERR err = JetInit(&starting);
  if (err != JET_errSuccess) instance_ = instance_in(folder_.path(), "application");
  return err;
}

std::vector<std::int32_t> DirectoryApplication::ids() {
  EXPECT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  EXPECT_JET(JetAttachDatabaseA(session_, database_path().c_str(), 0));
  EXPECT_JET(JetOpenDatabaseA(session_, database_path().c_str(), nullptr, &database_, 0));
  return all_ids(open_rows(session_));
}

}  // namespace stillframe::ese::tests
