// Where an embedded coordinator keeps what it keeps.
#pragma once

#include <stillframe/embedded.hpp>

namespace stillframe::coordinator {

// Fills in the folders that were left empty and makes both, mode 0700.
Status prepare_directories(EmbeddedOptions& options);

}  // namespace stillframe::coordinator
