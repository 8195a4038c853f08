#include "writers/ese/tool/exit_code.hpp"

namespace stillframe::ese::tool {

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
    default:  // what only backup sessions meet
      return Exit::internal;
  }
}

}  // namespace stillframe::ese::tool
