// What of this machine itself limits what can be backed up.
#pragma once

#include "framework/wire/finding.hpp"

namespace stillframe::requestor {

void look_at_machine(Findings& findings);

}  // namespace stillframe::requestor
