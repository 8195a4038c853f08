// errno as an Error: the code callers branch on and a message that names operation and object.
#pragma once

#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe {

// The code that stands for `error_number`; Errc::io for those that mean nothing special to a
// caller.
Errc errc_from_errno(int error_number) noexcept;

// "cannot open '/srv/a\x0a': No such file or directory (ENOENT)", with the next step where there is
// a general one. `object` is bytes (a path) and is escaped. Pass errno before anything can change
// it.
Error posix_error(int error_number, std::string_view operation, std::string_view object);

}  // namespace stillframe
