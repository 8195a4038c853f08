// The newest log that a database may have changes of, as its header says it: by number, and by when
// it was created, since logs of another past have the same numbers.
#pragma once

#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese {

// Of what is on its pages. Headers before 150,320 have no time for it.
void set_newest_required(DatabaseHeader& header, Generation generation, LogTime created);

// The same, and of what was committed.
void set_newest_log(DatabaseHeader& header, Generation generation, LogTime created);

}  // namespace stillframe::ese
