// Why no daemon answers: looked for from outside.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::requestor {

// `socket` is where a connection failed because of `why`. `daemon_config` is the file that the
// daemon reads; empty: its usual one.
void look_for_daemon(const BytePath& socket, const Error& why, const BytePath& daemon_config,
                     Findings& findings);

}  // namespace stillframe::requestor
