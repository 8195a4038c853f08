// Where a coordinator keeps what it keeps.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::coordinator {

struct Directories {
  BytePath state;    // empty: /var/lib/stillframe, or $XDG_STATE_HOME/stillframe without root
  BytePath runtime;  // empty: /run/stillframe, or $XDG_RUNTIME_DIR/stillframe
};

// Fills in the folders that were left empty.
void fill_defaults(Directories& directories);

// The same, and makes both, `state` with mode 0700. access_denied
// when another user could write to one of them.
Status prepare_directories(Directories& directories, unsigned runtime_mode = 0700);

}  // namespace stillframe::coordinator
