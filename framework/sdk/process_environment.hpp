// The variables that a writer's paths may name.
#pragma once

#include "framework/model/environment.hpp"

namespace stillframe {

// Those of this process as they are now. Not to be called while another thread changes them.
Environment process_environment();

}  // namespace stillframe
