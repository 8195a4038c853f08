#include "framework/base/posix_error.hpp"

#include <cerrno>

#include <string.h>

#include <stillframe/byte_path.hpp>

namespace stillframe {
namespace {

std::string_view next_step(Errc code) noexcept {
  switch (code) {
    case Errc::no_space:
      return "; free space or raise the quota there, or choose another place";
    case Errc::access_denied:
      return "; check the owner, the mode and the capabilities of this process";
    case Errc::in_use:
      return "; close what uses it, then try again";
    case Errc::out_of_resources:
      return "; reduce the load or raise the limit, then try again";
    default:
      return "";
  }
}

}  // namespace

Errc errc_from_errno(int error_number) noexcept {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return Errc::no_space;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::access_denied;
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO:
      return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return Errc::already_exists;
    case EBUSY:
    case ETXTBSY:
      return Errc::in_use;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EBADF:
      return Errc::invalid_argument;
    case EOPNOTSUPP:
#if EOPNOTSUPP != ENOTSUP
    case ENOTSUP:
#endif
    case ENOSYS:
    case ENOTTY:
    case EXDEV:
      return Errc::not_supported;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return Errc::out_of_resources;
    case EFBIG:
    case EMLINK:
    case E2BIG:
      return Errc::limit_reached;
    case ETIMEDOUT:
      return Errc::timed_out;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
      return Errc::disconnected;
    case ECANCELED:
      return Errc::cancelled;
    case EBADMSG:
    case EUCLEAN:
      return Errc::corrupt;
    default:
      return Errc::io;
  }
}

Error posix_error(int error_number, std::string_view operation, std::string_view object) {
  const Errc code = errc_from_errno(error_number);
  std::string message = "cannot ";
  message += operation;
  if (!object.empty()) message += " '" + escape_path(object) + "'";
  const char* description = ::strerrordesc_np(error_number);
  const char* name = ::strerrorname_np(error_number);
  message += ": ";
  message += description != nullptr ? description : "unknown error";
  message += " (";
  message += name != nullptr ? std::string(name) : "errno " + std::to_string(error_number);
  message += ")";
  message += next_step(code);
  return {code, std::move(message)};
}

}  // namespace stillframe
