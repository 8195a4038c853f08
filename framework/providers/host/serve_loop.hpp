// The host's side: one line in, one call, one line out, until the input ends.
#pragma once

#include <stillframe/provider.hpp>

namespace stillframe {

// The process's exit status: 0 at the end of the input, 1 when it cannot be read or answered.
int serve_provider(Provider& provider, int input, int output);

}  // namespace stillframe
