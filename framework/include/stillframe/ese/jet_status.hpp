// What a JET call returned, as a Status: its number is the error's application_code(). Part of
// ese.hpp.
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

namespace stillframe::jet::detail {

// Only what callers treat differently; the number says the rest.
inline Errc errc_of(JET_ERR err) {
  switch (err) {
    case JET_wrnColumnNull:
    case JET_errRecordNotFound:
    case JET_errNoCurrentRecord:
    case JET_errRecordDeleted:
    case JET_errObjectNotFound:
    case JET_errIndexNotFound:
    case JET_errColumnNotFound:
    case JET_errDatabaseNotFound:
    case JET_errFileNotFound:
      return Errc::not_found;
    case JET_errKeyDuplicate:
    case JET_errTableDuplicate:
    case JET_errColumnDuplicate:
    case JET_errIndexDuplicate:
    case JET_errDatabaseDuplicate:
    case JET_errFileAlreadyExists:
      return Errc::already_exists;
    case JET_errWriteConflict:
    case JET_errWriteConflictPrimaryIndex:
    case JET_errSessionWriteConflict:
    case JET_errTableInUse:
    case JET_errTableLocked:
    case JET_errDatabaseInUse:
    case JET_errSystemPathInUse:
    case JET_errLogFilePathInUse:
      return Errc::in_use;
    case JET_errRestoreInProgress:
      return Errc::interlocked;
    case JET_errAccessDenied:
    case JET_errFileAccessDenied:
    case JET_errPermissionDenied:
      return Errc::access_denied;
    case JET_errFeatureNotAvailable:
    case JET_errUnicodeTranslationFail:
      return Errc::not_supported;
    case JET_errReadVerifyFailure:
    case JET_errPageNotInitialized:
    case JET_errDatabaseCorrupted:
    case JET_errCatalogCorrupted:
    case JET_errNodeCorrupted:
    case JET_errLVCorrupted:
    case JET_errLogFileCorrupt:
    case JET_errCheckpointCorrupt:
      return Errc::corrupt;
    case JET_errDiskFull:
    case JET_errLogDiskFull:
      return Errc::no_space;
    case JET_errDiskIO:
    case JET_errLogWriteFail:
      return Errc::io;
    case JET_errOutOfMemory:
    case JET_errOutOfSessions:
    case JET_errOutOfCursors:
    case JET_errVersionStoreOutOfMemory:
      return Errc::out_of_resources;
    case JET_errNotInitialized:
    case JET_errNotInTransaction:
    case JET_errInTransaction:
    case JET_errTransTooDeep:
    case JET_errTransReadOnly:
    case JET_errTooManyActiveUsers:
    case JET_errAlreadyPrepared:
    case JET_errUpdateNotPrepared:
    case JET_errSessionSharingViolation:
    case JET_errInvalidSesid:
    case JET_errInvalidTableId:
    case JET_errInvalidInstance:
    case JET_errTermInProgress:
    case JET_errClientRequestToStopJetService:
      return Errc::wrong_state;
    case JET_errInternalError:
      return Errc::internal;
    default:  // of several hundred numbers, those that say what the call should have been given
      return Errc::invalid_argument;
  }
}

// Warnings are successes. To be asked in the thread of the call and before the next one: the words
// are those of this thread's last error.
inline Status status_of(JET_ERR err, const char* call) {
  if (err >= JET_errSuccess) return Ok{};
  char words[1024] = {};
  auto number = static_cast<JET_API_PTR>(static_cast<std::intptr_t>(err));
  JetGetSystemParameterA(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &number, words,
                         sizeof words);
  std::string what = std::string(call) + " failed with " + std::to_string(err);
  if (words[0] != '\0') what.append(": ").append(words);
  return Error(errc_of(err), std::move(what), err);
}

// An error that this face finds itself, with the number that JET has for it.
inline Error error_of(JET_ERR err, std::string what) {
  return Error(errc_of(err), std::move(what), err);
}

}  // namespace stillframe::jet::detail
