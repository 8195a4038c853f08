// Trouble that the daemon met and that lasts, as its own events tell it.
#pragma once

#include "framework/daemon/observe/event_ring.hpp"
#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

// The last word about each thing counts: what an event says was mended is no finding.
void check_events(const EventRing& ring, Findings& findings);

}  // namespace stillframe::daemon
