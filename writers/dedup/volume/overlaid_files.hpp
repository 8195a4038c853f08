// Files whose changes are forgotten: of a snapshot, which nobody changes, but which has to be
// opened like a store after a crash.
#pragma once

#include <cstddef>
#include <memory>

#include "framework/io/files.hpp"

namespace stillframe::dedup {

// Reads what `below` has, and never writes there. What is written, cut, made, renamed and removed
// is kept in memory, up to so many bytes (limit_reached), until it goes; files that are open
// outlive it. `below` outlives both. Who has a file open to read sees nothing of a change that is
// the first.
std::unique_ptr<Files> overlaid_files(Files& below,
                                      std::size_t changed_bytes_max = std::size_t{64} << 20);

}  // namespace stillframe::dedup
