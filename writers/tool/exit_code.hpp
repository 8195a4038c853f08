// What the exit codes of the engines' tools mean. Each tool says in its help which of them it has.
#pragma once

#include <stillframe/result.hpp>

namespace stillframe::tool {

enum class Exit : int {
  ok = 0,
  usage = 2,
  not_found = 3,
  access_denied = 4,
  damaged = 5,      // the bytes are not what they should be, or the two compared differ
  unsupported = 6,  // whole, but of a kind that this program does not read
  wrong_state = 7,  // whole, but something must be done first, such as recovery
  io = 8,
  busy = 9,        // somebody else has it
  cancelled = 10,  // and what was done until then stays
  partial = 11,    // done, but for what was named
  internal = 20,
};

// The exit code for an error that ended the verb.
Exit exit_for(Errc code) noexcept;

}  // namespace stillframe::tool
