// Time and chance of this machine, as logs and signatures want them.
#pragma once

#include <cstdint>

#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

LogTime log_time_now();
std::uint32_t random_number();

}  // namespace stillframe::ese
