#include "tests/ese/jet/backup_application.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <utility>

namespace stillframe::ese::tests {

namespace {

std::vector<std::string> names_of(const std::vector<char>& list) {
  std::vector<std::string> names;
  for (const char* at = list.data(); *at != '\0'; at += names.back().size() + 1) {
    names.emplace_back(at);
  }
  return names;
}

}  // namespace

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) names.insert(entry.path().filename().string());
  }
  return names;
}

// Finished ones.
std::set<std::string> logs_in(const std::string& folder) {
  std::set<std::string> logs;
  for (const std::string& name : files_in(folder)) {
    const bool finished = name.starts_with("edb0") && name.ends_with(".log");
    if (finished) logs.insert(name);
  }
  return logs;
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void flip_byte_of(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(file.get() ^ 0x5A);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
  ASSERT_TRUE(file.good()) << path;
}

JET_DBINFOMISC7 header_of(const std::string& path) {
  JET_DBINFOMISC7 header{};
  EXPECT_JET(JetGetDatabaseFileInfoA(path.c_str(), &header, sizeof header, JET_DbInfoMisc));
  return header;
}

std::vector<std::int32_t> numbers(std::int32_t from, std::int32_t to) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(to - from));
  std::iota(all.begin(), all.end(), from);
  return all;
}

// ---- The instance

JET_INSTANCE BackupApplication::instance_in(const std::string& logs, const char* name) {
  JET_INSTANCE instance = JET_instanceNil;
  EXPECT_JET(JetCreateInstanceA(&instance, name));
  for (const std::uint32_t path : {JET_paramSystemPath, JET_paramLogFilePath}) {
    EXPECT_JET(JetSetSystemParameterA(&instance, JET_sesidNil, path, 0, logs.c_str()));
  }
  EXPECT_JET(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLogFileSize, 128, nullptr));
  return instance;
}

void BackupApplication::begin(const JetFolder& folder, bool circular) {
  instance_ = instance_in(folder.path(), "application");
  ASSERT_JET(JetSetSystemParameterA(&instance_, JET_sesidNil, JET_paramCircularLog,
                                    circular ? 1 : 0, nullptr));
  ASSERT_JET(JetInit(&instance_));
  ASSERT_JET(JetBeginSessionA(instance_, &session_, nullptr, nullptr));
  const std::string path = folder.file("one.edb");
  if (!std::filesystem::exists(path)) {
    ASSERT_JET(JetCreateDatabaseA(session_, path.c_str(), nullptr, &database_, 0));
    make_table();
    return;
  }
  ASSERT_JET(JetAttachDatabaseA(session_, path.c_str(), 0));
  ASSERT_JET(JetOpenDatabaseA(session_, path.c_str(), nullptr, &database_, 0));
  rows_ = open_rows(session_);
}

void BackupApplication::end() {
  ASSERT_JET(JetTerm(instance_));
  instance_ = JET_instanceNil;
}

void BackupApplication::work(std::int32_t from, std::int32_t to) {
  work_in_log(from, to);
  ASSERT_JET(JetIdle(session_, JET_bitIdleFlushBuffers));
}

void BackupApplication::work_in_log(std::int32_t from, std::int32_t to) {
  ASSERT_JET(JetBeginTransaction(session_));
  for (std::int32_t id = from; id < to; ++id) insert(id, id, "row " + std::to_string(id));
  ASSERT_JET(JetCommitTransaction(session_, JET_bitForceNewLog));
}

std::vector<std::int32_t> BackupApplication::restored_ids(const std::string& logs,
                                                          const std::string& database) {
  JET_INSTANCE reader = instance_in(logs, "reader");
  EXPECT_JET(JetInit(&reader));
  JET_SESID session = JET_sesidNil;
  EXPECT_JET(JetBeginSessionA(reader, &session, nullptr, nullptr));
  JET_DBID dbid = JET_dbidNil;
  JET_TABLEID table = JET_tableidNil;
  EXPECT_JET(JetAttachDatabaseA(session, database.c_str(), 0));
  EXPECT_JET(JetOpenDatabaseA(session, database.c_str(), nullptr, &dbid, 0));
  EXPECT_JET(JetOpenTableA(session, dbid, "rows", nullptr, 0, 0, &table));
  const JET_SESID own = std::exchange(session_, session);
  const auto ids = all_ids(table);
  session_ = own;
  EXPECT_JET(JetTerm(reader));
  return ids;
}

// ---- External backups

std::vector<std::string> BackupApplication::attached() {
  std::uint32_t bytes = 0;
  EXPECT_JET(JetGetAttachInfoInstanceA(instance_, nullptr, 0, &bytes));
  std::vector<char> list(bytes);
  EXPECT_JET(JetGetAttachInfoInstanceA(instance_, list.data(), bytes, &bytes));
  return names_of(list);
}

std::vector<std::string> BackupApplication::logs_to_copy(JET_LOGINFO_A* range) {
  std::uint32_t bytes = 0;
  EXPECT_JET(JetGetLogInfoInstanceA(instance_, nullptr, 0, &bytes));
  std::vector<char> list(bytes);
  if (range != nullptr) range->cbSize = sizeof *range;
  EXPECT_JET(JetGetLogInfoInstance2A(instance_, list.data(), bytes, &bytes, range));
  return names_of(list);
}

JET_ERR BackupApplication::copy_one(const std::string& file, const std::string& folder) {
  JET_HANDLE handle = 0;
  std::uint32_t low = 0, high = 0, bytes = 0;
  JET_ERR err = JetOpenFileInstanceA(instance_, file.c_str(), &handle, &low, &high);
  if (err != JET_errSuccess) return err;
  EXPECT_EQ(high, 0U);
  std::uint64_t total = 0;
  std::ofstream copy(folder + "/" + std::filesystem::path(file).filename().string(),
                     std::ios::binary);
  do {
    char* const to = buffer_.bytes.get();
    err = JetReadFileInstance(instance_, handle, to, ReadBuffer::kBytes, &bytes);
    if (err != JET_errSuccess) return err;
    copy.write(to, bytes);
    total += bytes;
  } while (bytes > 0);
  EXPECT_EQ(total, low);
  return JetCloseFileInstance(instance_, handle);
}

ExternalSet BackupApplication::copy_external(const std::string& folder, JET_GRBIT grbit,
                                             bool truncate) {
  std::filesystem::create_directories(folder);
  ExternalSet set{folder};
  EXPECT_JET(JetBeginExternalBackupInstance(instance_, grbit));
  if (grbit == 0) {
    for (const std::string& path : attached()) {
      EXPECT_JET(copy_one(path, folder));
    }
  }
  for (const std::string& path : logs_to_copy(&set.logs)) {
    EXPECT_JET(copy_one(path, folder));
  }
  if (truncate) {
    EXPECT_JET(JetTruncateLogInstance(instance_));
  }
  EXPECT_JET(JetEndExternalBackupInstance(instance_));
  return set;
}

}  // namespace stillframe::ese::tests
