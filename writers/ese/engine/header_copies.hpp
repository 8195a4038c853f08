// The two copies of a database's header, as a file that may lose its power at any moment has them.
#pragma once

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"

namespace stillframe::ese {

// Makes `page`, a sealed header, both copies in `database`, durably. A crash on the way leaves a
// file whose header is the one that was believed before, or the new one, and never none: also where
// a crash before this one has left one copy torn or older than the other.
Status write_header_copies(File& database, Bytes page);

}  // namespace stillframe::ese
