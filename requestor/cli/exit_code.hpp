// What the program's exit code means: docs/cli.md has the table for people.
#pragma once

#include <span>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe::cli {

enum class Exit : int {
  ok = 0,
  usage = 2,
  not_found = 3,
  access_denied = 4,
  damaged = 5,  // stored bytes are not what they should be
  retry_later = 10,
  retry_when_free = 11,
  change_then_retry = 12,
  writer_failed = 13,
  degraded = 14,           // done, but less consistent than asked for
  waiting_for_start = 15,  // restored; the target finishes at its next start
  cancelled = 16,
  something_to_mend = 17,  // doctor only
  internal = 20,           // a mistake of a program, ours or the caller's
};

// For help and manual pages, in rising order.
struct ExitHelp {
  Exit code;
  std::string_view meaning;
};
std::span<const ExitHelp> exit_helps() noexcept;

// The exit code for an error that ended the verb.
Exit exit_for(Errc code) noexcept;

inline int to_int(Exit code) noexcept {
  return static_cast<int>(code);
}

}  // namespace stillframe::cli
