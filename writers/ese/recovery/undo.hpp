// Finding a node again by its name, and taking a change of it back.
#pragma once

#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/recovery/redo_sessions.hpp"

namespace stillframe::ese {

// Takes `version` back on the page where its node is now; the page gets `dbtime`. `database` is for
// messages. An error when the node is not there, or what was before is not known.
Status undo_version(PageCache& cache, const RedoVersion& version, Dbtime dbtime, Lgpos log_end,
                    std::string_view database);

}  // namespace stillframe::ese
