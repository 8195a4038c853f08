// DsBackup*.
#include <cstdlib>
#include <string>

#include "writers/ese/ntds/call_lists.hpp"
#include "writers/ese/ntds/contexts.hpp"
#include "writers/ese/ntds/instance_service.hpp"

namespace stillframe::ese::ntds {

namespace {

constexpr std::uint32_t kReadLeast = 24576, kReadUnit = 8192;

struct PreparePlace {
  void** token;
  std::uint32_t* token_bytes;
  HBC* handle;
};

Error bad_handle(const char* what) {
  return ds_error(hrInvalidHandle, what);
}

HRESULT prepare_backup(const std::string& server, std::uint32_t grbit, std::uint32_t type,
                       const PreparePlace& place) {
  return answer_hresult([&]() -> Status {
    const bool places =
        place.token != nullptr && place.token_bytes != nullptr && place.handle != nullptr;
    if (!places || grbit != 0 || type != BACKUP_TYPE_FULL) {
      return invalid_parameter("a backup is full, without options, and has places for its token");
    }
    const auto service = find_server(server);
    if (!service.ok()) return service.error();
    auto backup = service.value()->prepare_backup();
    if (!backup.ok()) return backup.error();
    const auto token = backup.value()->token();
    *place.token = new_block(token.data(), token.size());
    *place.token_bytes = static_cast<std::uint32_t>(token.size());
    *place.handle = add_context(std::move(backup).value(), nullptr);
    return Ok{};
  });
}

template <class Call>
HRESULT in_backup(HBC handle, const Call& call) {
  return answer_hresult([&]() -> Status {
    const auto context = find_context(handle);
    if (context == nullptr || context->backup == nullptr) {
      return bad_handle("the handle is of no backup");
    }
    const std::lock_guard lock(context->mutex);
    return call(*context->backup);
  });
}

template <class Char>
HRESULT give_databases(HBC handle, const DsListPlace<Char>& place) {
  return in_backup(handle, [&](StagedBackup& backup) -> Status {
    if (Status s = place.check(); !s.ok()) return s;
    return place.put(backup.databases());
  });
}

template <class Char>
HRESULT give_logs(HBC handle, const DsListPlace<Char>& place) {
  return in_backup(handle, [&](StagedBackup& backup) -> Status {
    if (Status s = place.check(); !s.ok()) return s;
    return place.put(backup.logs());
  });
}

Status check_read_size(std::uint32_t bytes) {
  if (bytes >= kReadLeast && bytes % kReadUnit == 0) return Ok{};
  return invalid_parameter("reads are of 24,576 bytes at least, and of a multiple of 8,192");
}

HRESULT open_backup_file(HBC handle, const BytePath& path, std::uint32_t hint,
                         std::int64_t* bytes) {
  return in_backup(handle, [&](StagedBackup& backup) -> Status {
    if (path.empty() || bytes == nullptr) return invalid_parameter("a file without name or place");
    if (Status s = check_read_size(hint); !s.ok()) return s;
    const auto opened = backup.open(path);
    if (!opened.ok()) return opened.error();
    *bytes = static_cast<std::int64_t>(opened.value());
    return Ok{};
  });
}

Status read_backup(StagedBackup& backup, void* to, std::uint32_t bytes, std::uint32_t* given) {
  if (to == nullptr || given == nullptr) return invalid_parameter("there is no place for bytes");
  if (Status s = check_read_size(bytes); !s.ok()) return s;
  *given = 0;
  const auto read = backup.read({static_cast<std::byte*>(to), bytes});
  if (!read.ok()) return read.error();
  if (read.value() == 0) return ds_error(ERROR_HANDLE_EOF, "the file ends here");
  *given = static_cast<std::uint32_t>(read.value());
  return Ok{};
}

HRESULT end_backup(HBC handle) {
  return answer_hresult([&]() -> Status {
    const auto found = find_context(handle);
    if (found == nullptr || found->backup == nullptr) {
      return bad_handle("the handle is of no backup");
    }
    const auto context = take_context(handle);
    if (context == nullptr) return bad_handle("the backup was ended already");
    const std::lock_guard lock(context->mutex);
    return context->backup->end();
  });
}

}  // namespace

}  // namespace stillframe::ese::ntds

using namespace stillframe::ese::ntds;
using stillframe::ese::jet::utf8;

extern "C" {

HRESULT NTDSBCLI_API DsBackupPrepareA(const char* szBackupServer, uint32_t grbit,
                                      uint32_t btBackupType, void** ppvExpiryToken,
                                      uint32_t* pcbExpiryTokenSize, HBC* phbc) {
  return prepare_backup(utf8(szBackupServer), grbit, btBackupType,
                        {ppvExpiryToken, pcbExpiryTokenSize, phbc});
}
HRESULT NTDSBCLI_API DsBackupPrepareW(const char16_t* szBackupServer, uint32_t grbit,
                                      uint32_t btBackupType, void** ppvExpiryToken,
                                      uint32_t* pcbExpiryTokenSize, HBC* phbc) {
  return prepare_backup(utf8(szBackupServer), grbit, btBackupType,
                        {ppvExpiryToken, pcbExpiryTokenSize, phbc});
}

HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesA(HBC hbc, char** pszAttachmentInfo,
                                               uint32_t* pcbSize) {
  return give_databases(hbc, DsListPlace<char>{pszAttachmentInfo, pcbSize});
}
HRESULT NTDSBCLI_API DsBackupGetDatabaseNamesW(HBC hbc, char16_t** pszAttachmentInfo,
                                               uint32_t* pcbSize) {
  return give_databases(hbc, DsListPlace<char16_t>{pszAttachmentInfo, pcbSize});
}

HRESULT NTDSBCLI_API DsBackupOpenFileA(HBC hbc, const char* szAttachmentName,
                                       uint32_t cbReadHintSize, int64_t* pliFileSize) {
  return open_backup_file(hbc, entry_path(szAttachmentName), cbReadHintSize, pliFileSize);
}
HRESULT NTDSBCLI_API DsBackupOpenFileW(HBC hbc, const char16_t* szAttachmentName,
                                       uint32_t cbReadHintSize, int64_t* pliFileSize) {
  return open_backup_file(hbc, entry_path(szAttachmentName), cbReadHintSize, pliFileSize);
}

HRESULT NTDSBCLI_API DsBackupRead(HBC hbc, void* pvBuffer, uint32_t cbBuffer, uint32_t* pcbRead) {
  return in_backup(
      hbc, [&](StagedBackup& backup) { return read_backup(backup, pvBuffer, cbBuffer, pcbRead); });
}
HRESULT NTDSBCLI_API DsBackupClose(HBC hbc) {
  return in_backup(hbc, [](StagedBackup& backup) { return backup.close(); });
}

HRESULT NTDSBCLI_API DsBackupGetBackupLogsA(HBC hbc, char** pszBackupLogFiles, uint32_t* pcbSize) {
  return give_logs(hbc, DsListPlace<char>{pszBackupLogFiles, pcbSize});
}
HRESULT NTDSBCLI_API DsBackupGetBackupLogsW(HBC hbc, char16_t** pszBackupLogFiles,
                                            uint32_t* pcbSize) {
  return give_logs(hbc, DsListPlace<char16_t>{pszBackupLogFiles, pcbSize});
}

HRESULT NTDSBCLI_API DsBackupTruncateLogs(HBC hbc) {
  return in_backup(hbc, [](StagedBackup& backup) { return backup.truncate(); });
}
HRESULT NTDSBCLI_API DsBackupEnd(HBC hbc) {
  return end_backup(hbc);
}
void NTDSBCLI_API DsBackupFree(void* pvBuffer) {
  std::free(pvBuffer);
}

}  // extern "C"
