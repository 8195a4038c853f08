// File systems of this machine that are frozen now, whoever froze them.
#pragma once

#include "framework/wire/finding.hpp"

namespace stillframe::requestor {

// Touches every mounted file system in a process of its own, in a manner that changes nothing and
// waits while it is frozen; such a process ends when somebody thaws. `holding`: a session holds
// something now, so that a freeze is no trouble.
void look_for_frozen(bool holding, Findings& findings);

}  // namespace stillframe::requestor
