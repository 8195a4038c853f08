// ntdsbcli.h for C++: what is begun ends with its object, lists are vectors, and what went wrong is
// an Error whose application_code() is the HRESULT. The rules are those of the C header.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ntds/ntdsbcli.h>
#include <stillframe/result.hpp>

namespace stillframe::ntds {

struct FileEntry {
  BFT kind = BFT_UNKNOWN;
  BytePath path;
};

struct RestoreMapEntry {
  BytePath backed_up, restored;
};

namespace detail {

inline Status status_of(HRESULT hr, const char* call) {
  if (hr == hrNone) return Ok{};
  char number[16];
  std::snprintf(number, sizeof number, "0x%08X", static_cast<unsigned>(hr));
  const Errc code = hr == ERROR_ACCESS_DENIED   ? Errc::access_denied
                    : hr == hrRestoreInProgress ? Errc::interlocked
                    : hr == hrInvalidHandle     ? Errc::wrong_state
                                                : Errc::invalid_argument;
  return Error(code, std::string(call) + " failed with " + number, hr);
}

template <class Call>
Result<std::vector<FileEntry>> list_of(HBC handle, Call call, const char* name) {
  char* list = nullptr;
  std::uint32_t bytes = 0;
  Status listed = status_of(call(handle, &list, &bytes), name);
  if (!listed.ok()) return listed.error();
  std::vector<FileEntry> entries;
  for (const char* at = list; *at != '\0'; at += entries.back().path.size() + 2) {
    entries.push_back({static_cast<BFT>(*at), at + 1});
  }
  DsBackupFree(list);
  return entries;
}

}  // namespace detail

inline Result<bool> is_online(const std::string& server) {
  std::int32_t online = 0;
  Status asked = detail::status_of(DsIsNTDSOnlineA(server.c_str(), &online), "DsIsNTDSOnline");
  return asked.ok() ? Result<bool>(online != 0) : asked.error();
}

// Gives the backup up unless end() was called.
class Backup {
 public:
  static Result<Backup> prepare(const std::string& server) {
    void* token = nullptr;
    std::uint32_t bytes = 0;
    HBC handle = nullptr;
    const HRESULT hr =
        DsBackupPrepareA(server.c_str(), 0, BACKUP_TYPE_FULL, &token, &bytes, &handle);
    if (Status s = detail::status_of(hr, "DsBackupPrepare"); !s.ok()) return s.error();
    Backup backup(handle, std::string(static_cast<const char*>(token), bytes));
    DsBackupFree(token);
    return backup;
  }
  Backup(Backup&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), token_(std::move(other.token_)) {}
  Backup& operator=(Backup&&) = delete;
  ~Backup() {
    if (handle_ != nullptr) DsBackupEnd(handle_);
  }

  // To be stored with the files.
  const std::string& token() const noexcept { return token_; }
  Result<std::vector<FileEntry>> databases() {
    return detail::list_of(handle_, DsBackupGetDatabaseNamesA, "DsBackupGetDatabaseNames");
  }
  Result<std::vector<FileEntry>> logs() {
    return detail::list_of(handle_, DsBackupGetBackupLogsA, "DsBackupGetBackupLogs");
  }
  // All of a file, in pieces: put(const char* bytes, std::size_t count) says whether it stored
  // them.
  template <class Put>
  Status copy(const BytePath& path, Put put) {
    std::int64_t size = 0;
    const HRESULT opened = DsBackupOpenFileA(handle_, path.c_str(), kPieceBytes, &size);
    if (Status s = detail::status_of(opened, "DsBackupOpenFile"); !s.ok()) return s;
    std::vector<char> piece(kPieceBytes);
    for (;;) {
      std::uint32_t count = 0;
      const HRESULT read = DsBackupRead(handle_, piece.data(), kPieceBytes, &count);
      if (read == ERROR_HANDLE_EOF) break;
      Status got = detail::status_of(read, "DsBackupRead");
      if (got.ok() && !put(piece.data(), std::size_t{count})) {
        got = Error(Errc::io, "what was read of '" + path + "' could not be stored");
      }
      if (got.ok()) continue;
      DsBackupClose(handle_);
      return got;
    }
    return detail::status_of(DsBackupClose(handle_), "DsBackupClose");
  }
  Status truncate_logs() {
    return detail::status_of(DsBackupTruncateLogs(handle_), "DsBackupTruncateLogs");
  }
  Status end() {
    return detail::status_of(DsBackupEnd(std::exchange(handle_, nullptr)), "DsBackupEnd");
  }

 private:
  static constexpr std::uint32_t kPieceBytes = 256 * 1024;
  Backup(HBC handle, std::string token) : handle_(handle), token_(std::move(token)) {}

  HBC handle_;  // null when ended or moved from
  std::string token_;
};

// When it goes, what was registered stays registered.
class Restore {
 public:
  static Result<Restore> prepare(const std::string& server, std::string token) {
    HBC handle = nullptr;
    const HRESULT hr =
        DsRestorePrepareA(server.c_str(), RESTORE_TYPE_CATCHUP, token.empty() ? nullptr : &token[0],
                          static_cast<std::uint32_t>(token.size()), &handle);
    if (Status s = detail::status_of(hr, "DsRestorePrepare"); !s.ok()) return s.error();
    return Restore(handle);
  }
  Restore(Restore&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Restore& operator=(Restore&&) = delete;
  ~Restore() {
    if (handle_ != nullptr) DsRestoreEnd(handle_);
  }

  Result<std::vector<FileEntry>> locations() {
    return detail::list_of(handle_, DsRestoreGetDatabaseLocationsA,
                           "DsRestoreGetDatabaseLocations");
  }
  // `set` is the folder of the backup's logs, low and high their first and last number.
  Status register_restore(const BytePath& checkpoint, const BytePath& logs,
                          const std::vector<RestoreMapEntry>& map, const BytePath& set,
                          std::uint32_t low, std::uint32_t high) {
    std::vector<EDB_RSTMAPA> entries;
    for (const RestoreMapEntry& each : map) {
      entries.push_back({each.backed_up.c_str(), each.restored.c_str()});
    }
    const HRESULT hr =
        DsRestoreRegisterA(handle_, checkpoint.c_str(), logs.c_str(), entries.data(),
                           static_cast<std::int32_t>(entries.size()), set.c_str(), low, high);
    return detail::status_of(hr, "DsRestoreRegister");
  }
  Status complete(HRESULT result) {
    return detail::status_of(DsRestoreRegisterComplete(handle_, result),
                             "DsRestoreRegisterComplete");
  }

 private:
  explicit Restore(HBC handle) : handle_(handle) {}

  HBC handle_;  // null when moved from
};

}  // namespace stillframe::ntds
