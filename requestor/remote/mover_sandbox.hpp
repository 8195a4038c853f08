// What a mover gives up before it listens to anybody.
#pragma once

#include <span>

#include <stillframe/result.hpp>

namespace stillframe::requestor {

// Root becomes nobody and keeps the right to read whatever lies where it may look; everybody gives
// up to ever gain more, to be looked at, and, where the kernel has Landlock, every file that is not
// beneath `roots`, and writing.
Status enter_sandbox(std::span<const int> roots);

}  // namespace stillframe::requestor
