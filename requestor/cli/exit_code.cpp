#include "requestor/cli/exit_code.hpp"

namespace stillframe::cli {
namespace {

constexpr ExitHelp kExitHelps[] = {
    {Exit::ok, "done, as asked"},
    {Exit::usage, "wrong usage, or something this program or writer cannot do"},
    {Exit::not_found, "not found"},
    {Exit::access_denied, "access denied"},
    {Exit::damaged, "damaged: stored bytes are not what was published"},
    {Exit::retry_later,
     "worth another try later: a time-out, a lost connection, a refusal for now"},
    {Exit::retry_when_free, "somebody else has the volume or the target"},
    {Exit::change_then_retry, "mend the cause first: no space, a missing volume, a broken chain"},
    {Exit::writer_failed, "a writer or component failed; what could be published was"},
    {Exit::degraded, "done, but less consistent than asked for"},
    {Exit::waiting_for_start, "restored; finished by the target's next start or the next boot"},
    {Exit::cancelled, "cancelled"},
    {Exit::something_to_mend, "doctor found something to mend"},
    {Exit::internal, "a mistake of a program, ours or the caller's"},
};

}  // namespace

std::span<const ExitHelp> exit_helps() noexcept {
  return kExitHelps;
}

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
