// What a coordinator that answers can be asked about its own state and everybody else's.
#pragma once

#include <stillframe/requestor.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::requestor {

// Whether a session holds writers or file systems now.
bool look_at_coordinator(RequestorChannel& channel, Client& client, Findings& findings);

}  // namespace stillframe::requestor
