// The event loop of all writers of this process. What a coordinator says to many of them at once
// then wakes one thread, and quick verbs run on it (Strand).
#pragma once

#include <memory>

#include "framework/transport/io_thread.hpp"

namespace stillframe {

// There for as long as anybody keeps it, who must not let go of it on its own thread.
Result<std::shared_ptr<IoThread>> writers_loop();

}  // namespace stillframe
