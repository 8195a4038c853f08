// DsRestore*, and the calls about a server.
#include <string>
#include <utility>

#include "writers/ese/interlock/restore_record.hpp"
#include "writers/ese/jet/parameters.hpp"
#include "writers/ese/ntds/call_lists.hpp"
#include "writers/ese/ntds/contexts.hpp"
#include "writers/ese/ntds/host_rules.hpp"
#include "writers/ese/ntds/instance_service.hpp"

namespace stillframe::ese::ntds {

namespace {

HRESULT tell_online(const std::string& server, std::int32_t* online) {
  return answer_hresult([&]() -> Status {
    if (online == nullptr) return invalid_parameter("there is no place for the answer");
    const auto service = find_server(server);
    if (!service.ok()) return service.error();
    const auto runs = service.value()->online();
    if (!runs.ok()) return runs.error();
    *online = runs.value() ? 1 : 0;
    return Ok{};
  });
}

template <class Char>
HRESULT take_identity(const Char* user, const Char* domain, const Char* password) {
  return answer_hresult([&]() -> Status {
    if (user == nullptr && domain == nullptr && password == nullptr) {
      set_identity(std::nullopt);
      return Ok{};
    }
    AuthIdentity identity{jet::utf8(user), jet::utf8(domain), jet::utf8(password)};
    if (identity.user.empty()) return invalid_parameter("an identity has the name of a user");
    set_identity(std::move(identity));
    return Ok{};
  });
}

// What a restored database needs is a full backup, which the engine knows by itself.
HRESULT set_current_log(const std::string& server) {
  return answer_hresult([&]() -> Status {
    const auto service = find_server(server);
    if (!service.ok()) return service.error();
    return ds_error(hrNyi, "there are no incremental backups through this interface");
  });
}

HRESULT prepare_restore(const std::string& server, std::uint32_t type, const void* token,
                        std::uint32_t bytes, HBC* handle) {
  return answer_hresult([&]() -> Status {
    const bool known = type == 0 || type == RESTORE_TYPE_CATCHUP;
    if (!known || handle == nullptr || (token == nullptr && bytes != 0)) {
      return invalid_parameter("a restore catches up, and has a place for its handle");
    }
    const auto service = find_server(server);
    if (!service.ok()) return service.error();
    auto restore = service.value()->prepare_restore({static_cast<const std::byte*>(token), bytes});
    if (!restore.ok()) return restore.error();
    *handle = add_context(nullptr, std::move(restore).value());
    return Ok{};
  });
}

template <class Char>
HRESULT give_locations(HBC handle, const DsListPlace<Char>& place) {
  return answer_hresult([&]() -> Status {
    const auto context = find_context(handle);
    if (context == nullptr || (!context->backup && !context->restore)) {
      return ds_error(hrInvalidHandle, "there is no such handle");
    }
    const std::lock_guard lock(context->mutex);
    if (Status s = place.check(); !s.ok()) return s;
    return place.put(context->backup ? context->backup->locations()
                                     : context->restore->locations());
  });
}

// ---- The registration

template <class Char, class Map>
struct RegisterCall {
  const Char *checkpoint, *logs;
  const Map* map;
  std::int32_t count;
  const Char* set;
  std::uint32_t low, high;
};

template <class Char>
bool is_text(const Char* text) {
  return text != nullptr && text[0] != Char{0};
}

template <class Char, class Map>
Result<RestoreArguments> arguments_of(const RegisterCall<Char, Map>& call) {
  if (!is_text(call.checkpoint) || !is_text(call.logs) || !is_text(call.set)) {
    return invalid_parameter("a restore has the paths of checkpoint, logs and the backup's logs");
  }
  if (call.low > call.high || call.high > kRestoreGenerationMax) {
    return invalid_parameter("logs have numbers up to 0xFFFFF, the first not above the last");
  }
  if (call.map == nullptr || call.count <= 0) {
    return invalid_parameter("a restore map has an entry for each database");
  }
  RestoreArguments arguments;
  arguments.checkpoint = jet::absolute_path(jet::utf8(call.checkpoint));
  arguments.logs = jet::absolute_path(jet::utf8(call.logs));
  arguments.set = jet::absolute_path(jet::utf8(call.set));
  arguments.low = call.low;
  arguments.high = call.high;
  for (std::int32_t i = 0; i < call.count; ++i) {
    const Map& entry = call.map[i];
    if (!is_text(entry.szDatabaseName) || !is_text(entry.szNewDatabaseName)) {
      return invalid_parameter("an entry of the map lacks a path");
    }
    arguments.databases.push_back(
        {jet::utf8(entry.szDatabaseName), jet::absolute_path(jet::utf8(entry.szNewDatabaseName))});
  }
  return arguments;
}

template <class Char, class Map>
HRESULT register_call(HBC handle, const RegisterCall<Char, Map>& call) {
  return answer_hresult([&]() -> Status {
    const auto context = find_context(handle);
    if (context == nullptr || context->restore == nullptr) {
      return invalid_parameter("the handle is of no restore");
    }
    const auto arguments = arguments_of(call);
    if (!arguments.ok()) return arguments.error();
    const std::lock_guard lock(context->mutex);
    return context->restore->register_restore(arguments.value());
  });
}

template <class Call>
HRESULT in_restore(HBC handle, const Call& call) {
  return answer_hresult([&]() -> Status {
    const auto context = find_context(handle);
    if (context == nullptr || context->restore == nullptr) {
      return ds_error(hrInvalidHandle, "the handle is of no restore");
    }
    const std::lock_guard lock(context->mutex);
    return call(*context->restore);
  });
}

}  // namespace

}  // namespace stillframe::ese::ntds

using namespace stillframe::ese::ntds;
using stillframe::ese::jet::utf8;

extern "C" {

HRESULT NTDSBCLI_API DsIsNTDSOnlineA(const char* szServerName, int32_t* pfNTDSOnline) {
  return tell_online(utf8(szServerName), pfNTDSOnline);
}
HRESULT NTDSBCLI_API DsIsNTDSOnlineW(const char16_t* szServerName, int32_t* pfNTDSOnline) {
  return tell_online(utf8(szServerName), pfNTDSOnline);
}
HRESULT NTDSBCLI_API DsSetAuthIdentityA(const char* szUserName, const char* szDomainName,
                                        const char* szPassword) {
  return take_identity(szUserName, szDomainName, szPassword);
}
HRESULT NTDSBCLI_API DsSetAuthIdentityW(const char16_t* szUserName, const char16_t* szDomainName,
                                        const char16_t* szPassword) {
  return take_identity(szUserName, szDomainName, szPassword);
}
HRESULT NTDSBCLI_API DsSetCurrentBackupLogA(const char* szServerName, uint32_t) {
  return set_current_log(utf8(szServerName));
}
HRESULT NTDSBCLI_API DsSetCurrentBackupLogW(const char16_t* szServerName, uint32_t) {
  return set_current_log(utf8(szServerName));
}

HRESULT NTDSBCLI_API DsRestorePrepareA(const char* szServerName, uint32_t rtFlag,
                                       void* pvExpiryToken, uint32_t cbExpiryTokenSize, HBC* phbc) {
  return prepare_restore(utf8(szServerName), rtFlag, pvExpiryToken, cbExpiryTokenSize, phbc);
}
HRESULT NTDSBCLI_API DsRestorePrepareW(const char16_t* szServerName, uint32_t rtFlag,
                                       void* pvExpiryToken, uint32_t cbExpiryTokenSize, HBC* phbc) {
  return prepare_restore(utf8(szServerName), rtFlag, pvExpiryToken, cbExpiryTokenSize, phbc);
}
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsA(HBC hbc, char** pszDatabaseLocationList,
                                                    uint32_t* pcbSize) {
  return give_locations(hbc, DsListPlace<char>{pszDatabaseLocationList, pcbSize});
}
HRESULT NTDSBCLI_API DsRestoreGetDatabaseLocationsW(HBC hbc, char16_t** pszDatabaseLocationList,
                                                    uint32_t* pcbSize) {
  return give_locations(hbc, DsListPlace<char16_t>{pszDatabaseLocationList, pcbSize});
}
HRESULT NTDSBCLI_API DsRestoreRegisterA(HBC hbc, const char* szCheckpointFilePath,
                                        const char* szLogPath, EDB_RSTMAPA rgrstmap[],
                                        int32_t crstmap, const char* szBackupLogPath,
                                        uint32_t genLow, uint32_t genHigh) {
  return register_call(
      hbc, RegisterCall<char, EDB_RSTMAPA>{szCheckpointFilePath, szLogPath, rgrstmap, crstmap,
                                           szBackupLogPath, genLow, genHigh});
}
HRESULT NTDSBCLI_API DsRestoreRegisterW(HBC hbc, const char16_t* szCheckpointFilePath,
                                        const char16_t* szLogPath, EDB_RSTMAPW rgrstmap[],
                                        int32_t crstmap, const char16_t* szBackupLogPath,
                                        uint32_t genLow, uint32_t genHigh) {
  return register_call(
      hbc, RegisterCall<char16_t, EDB_RSTMAPW>{szCheckpointFilePath, szLogPath, rgrstmap, crstmap,
                                               szBackupLogPath, genLow, genHigh});
}
HRESULT NTDSBCLI_API DsRestoreRegisterComplete(HBC hbc, HRESULT hrRestoreState) {
  return in_restore(hbc, [&](StagedRestore& restore) {
    return restore.complete(static_cast<std::uint32_t>(hrRestoreState));
  });
}
HRESULT NTDSBCLI_API DsRestoreEnd(HBC hbc) {
  const HRESULT known =
      in_restore(hbc, [](StagedRestore&) { return stillframe::Status(stillframe::Ok{}); });
  if (known == hrNone) take_context(hbc);
  return known;
}

}  // extern "C"
