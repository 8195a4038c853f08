// Carries a writer's stream from the mover into a pipe, where local requestors find theirs.
#pragma once

#include <memory>

#include <stillframe/descriptor.hpp>

#include "requestor/remote/mover_pool.hpp"

namespace stillframe::requestor {

// Until the end of the stream or of the pipe's reader. The last bytes go into the pipe only after
// the digest of them all was found right: what is wrong ends early. shared: the pool outlives the
// pump's thread.
void pump_stream(const std::shared_ptr<MoverPool>& pool, std::uint64_t stream, Descriptor pipe);

}  // namespace stillframe::requestor
