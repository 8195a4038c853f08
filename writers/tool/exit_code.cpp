#include "writers/tool/exit_code.hpp"

namespace stillframe::tool {

Exit exit_for(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::already_exists:
      return Exit::usage;
    case Errc::not_found:
      return Exit::not_found;
    case Errc::access_denied:
      return Exit::access_denied;
    case Errc::corrupt:
    case Errc::truncated:
    case Errc::chain_broken:
      return Exit::damaged;
    case Errc::not_supported:
    case Errc::future_version:
      return Exit::unsupported;
    case Errc::wrong_state:
    case Errc::interlocked:
    case Errc::recovery_failed:
      return Exit::wrong_state;
    case Errc::io:
    case Errc::no_space:
    case Errc::limit_reached:
    case Errc::out_of_resources:
      return Exit::io;
    case Errc::in_progress:
    case Errc::in_use:
      return Exit::busy;
    case Errc::cancelled:
      return Exit::cancelled;
    case Errc::partial_failure:
      return Exit::partial;
    default:  // what only backup sessions meet
      return Exit::internal;
  }
}

}  // namespace stillframe::tool
