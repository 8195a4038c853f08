// A writer in the coordinator's own process, behind the same link as one that is connected.
#pragma once

#include <memory>

#include "framework/sdk/writer_runner.hpp"
#include "framework/transport/writer_link.hpp"

namespace stillframe {

// The writer must outlive the link, which whoever keeps it shares with the caller. The last owner's
// release thaws, ends the sessions and joins; it must not happen in one of the link's handlers.
Result<std::shared_ptr<WriterLink>> link_locally(Writer& writer, WriterRunnerOptions options = {});

}  // namespace stillframe
