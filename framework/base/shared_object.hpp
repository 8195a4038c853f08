// Shared objects that this process takes code from.
#pragma once

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// Loads it for good and finds `symbol`. access_denied when others than its owner can write it, or
// its owner is neither root nor this process's user; invalid_argument when it is no shared object,
// or has no such symbol.
Result<void*> load_symbol(const BytePath& path, const char* symbol);

}  // namespace stillframe
