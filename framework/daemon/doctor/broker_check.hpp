// Whether the daemon reaches the broker it was told to use.
#pragma once

#include <sys/types.h>

#include <stillframe/byte_path.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

// `socket` as the configuration says it, empty for a daemon without a broker; `user` is whom the
// daemon runs as. Blocks for some seconds when a broker listens and does not answer.
void check_broker(const BytePath& socket, uid_t user, Findings& findings);

}  // namespace stillframe::daemon
