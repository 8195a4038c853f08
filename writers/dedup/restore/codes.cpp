#include "writers/dedup/restore/codes.hpp"

#include <string_view>

#include <stillframe/restore/selective_restore.hpp>

namespace stillframe::dedup {

HRESULT code_of_target(const Error& error) {
  switch (error.code()) {
    case Errc::not_found:
      return DDP_E_NOT_FOUND;
    case Errc::no_space:
      return DDP_E_INSUFFICIENT_DISK_SPACE;
    case Errc::corrupt:
    case Errc::io:
      return DDP_E_FILE_SYSTEM_CORRUPT;
    case Errc::not_supported:
      return DDP_E_VOLUME_UNSUPPORTED;
    default:
      return DDP_E_UNEXPECTED;
  }
}

HRESULT code_of_stored(const Error& error) {
  switch (error.code()) {
    case Errc::not_found:
      return DDP_E_NOT_FOUND;
    case Errc::future_version:
      return DDP_E_INVALID_DATA;
    default:
      return DDP_E_FILE_CORRUPT;
  }
}

HRESULT code_of_key_file(const Error& error) {
  switch (error.code()) {
    case Errc::not_found:
      return kWin32FileNotFound;
    case Errc::access_denied:
      return E_ACCESSDENIED;
    case Errc::invalid_argument:
    case Errc::limit_reached:
      return NTE_BAD_KEY;
    default:
      return DDP_E_UNEXPECTED;
  }
}

HRESULT code_of_read(HRESULT answer) {
  if (answer == kWin32FileNotFound || answer == kWin32PathNotFound ||
      answer == DDP_E_PATH_NOT_FOUND || answer == DDP_E_NOT_FOUND) {
    return DDP_E_PATH_NOT_FOUND;
  }
  return answer == kWin32HandleEof ? DDP_E_FILE_CORRUPT : DDP_E_UNEXPECTED;
}

std::string_view restore_code_text(std::int32_t code) noexcept {
  switch (code) {
    case S_OK:
      return "restored";
    case S_FALSE:
      return "not a deduplicated file";
    case DDP_E_NOT_FOUND:
      return "the file is not there, or the backup's store does not know it";
    case DDP_E_PATH_NOT_FOUND:
      return "the backup lacks a file of the store that is needed";
    case DDP_E_INSUFFICIENT_DISK_SPACE:
      return "the volume has no space left for it";
    case DDP_E_VOLUME_UNSUPPORTED:
      return "the volume is read-only, or has no trusted attributes or sparse files";
    case DDP_E_FILE_SYSTEM_CORRUPT:
      return "the volume's file system reports damage; check it";
    case DDP_E_INVALID_DATA:
      return "its mark or its map is damaged or of another version";
    case DDP_E_VOLUME_DEDUP_DISABLED:
      return "the volume's deduplicated files are disabled";
    case DDP_E_FILE_CORRUPT:
      return "the backup's store is damaged where the file needs it";
    case DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS:
      return "some files were restored and others were not";
    case NTE_NO_KEY:
      return "the backup's store is encrypted, and no key file was given: name it";
    case NTE_BAD_KEY:
      return "the key file is not that of the backup's store";
    case E_ACCESSDENIED:
      return "marks can be read with CAP_SYS_ADMIN only; run it as root";
    case E_INVALIDARG:
      return "an argument of the call is wrong";
    case E_OUTOFMEMORY:
      return "there is not enough memory";
    case E_ABORT:
      return "the restore was ended";
    default:
      return "unexpected failure";
  }
}

}  // namespace stillframe::dedup
