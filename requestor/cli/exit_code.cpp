#include "requestor/cli/exit_code.hpp"

namespace stillframe::cli {

Exit exit_for(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return Exit::not_found;
    case Errc::access_denied:
      return Exit::access_denied;
    case Errc::invalid_argument:
    case Errc::not_supported:
    case Errc::already_exists:
      return Exit::usage;
    case Errc::corrupt:
    case Errc::truncated:
      return Exit::damaged;
    case Errc::cancelled:
      return Exit::cancelled;
    case Errc::future_version:
    case Errc::no_space:
    case Errc::limit_reached:
    case Errc::inconsistent_snapshot:
    case Errc::chain_broken:
    case Errc::volume_not_supported:
      return Exit::change_then_retry;
    case Errc::in_progress:
    case Errc::in_use:
    case Errc::interlocked:
      return Exit::retry_when_free;
    case Errc::timed_out:
    case Errc::out_of_resources:
    case Errc::writer_retryable:
    case Errc::provider_veto:
    case Errc::provider_failed:
    case Errc::disconnected:
    case Errc::io:
    case Errc::hold_broken:
      return Exit::retry_later;
    case Errc::writer_fatal:
    case Errc::writer_gone:
    case Errc::partial_failure:
    case Errc::recovery_failed:
      return Exit::writer_failed;
    case Errc::wrong_state:
    case Errc::internal:
      return Exit::internal;
  }
  return Exit::internal;
}

}  // namespace stillframe::cli
