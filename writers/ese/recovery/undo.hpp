// Finding a node again by its name, and taking a change of it back.
#pragma once

#include <functional>
#include <string_view>

#include <stillframe/result.hpp>

#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/recovery/redo_sessions.hpp"

namespace stillframe::ese {

// Takes the record of the change before it is made, with the node's page latched; where it is.
using LogUndo = std::function<Result<Lgpos>(Bytes record)>;

// Takes `version`, of the session `procid`, back on the page where its node is now; the page gets
// `dbtime`. `database` is for messages. An error when the node is not there, or what was before is
// not known.
Status undo_version(PageCache& cache, const RedoVersion& version, Procid procid, Dbtime dbtime,
                    const LogUndo& log, std::string_view database);

}  // namespace stillframe::ese
