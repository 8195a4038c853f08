// The plain LZ77 variant of XPRESS, without the scheme byte and size before it.
#pragma once

#include <vector>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

// Appends exactly `size` bytes to `to`; false, with `to` in any state, when `from` does not hold
// them.
bool expand_xpress(Bytes from, std::size_t size, std::vector<std::byte>& to);

// Appends to `to`; the result may be longer than `plain`.
void pack_xpress(Bytes plain, std::vector<std::byte>& to);

}  // namespace stillframe::ese
