// The numbers that instances and sessions are known by.
#pragma once

#include <stillframe/ese/jet.h>

namespace stillframe::ese::jet {

// Never given out before. 32 bits, so that the handle of a table has room for that of its session.
JET_API_PTR new_handle() noexcept;
// No handle that was given out is as large as this.
JET_API_PTR handle_limit() noexcept;

}  // namespace stillframe::ese::jet
