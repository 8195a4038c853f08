// What an error is as a result of RestoreFiles().
#pragma once

#include <stillframe/restore/ddpbackup.h>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

// The codes of Windows that the backup program answers with.
constexpr HRESULT kWin32FileNotFound = HRESULT_FROM_WIN32(2);
constexpr HRESULT kWin32PathNotFound = HRESULT_FROM_WIN32(3);
constexpr HRESULT kWin32HandleEof = HRESULT_FROM_WIN32(38);

// An error of the file to be restored, or of the file system it is on.
HRESULT code_of_target(const Error& error);
// Of bytes that the backup has.
HRESULT code_of_stored(const Error& error);
// Of a key file that cannot be read.
HRESULT code_of_key_file(const Error& error);
// What the callback answered when it was to read.
HRESULT code_of_read(HRESULT answer);

}  // namespace stillframe::dedup
