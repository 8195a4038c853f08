// What the calls of a hold would cost if there were nothing to them: the same number of bytes, over
// as many sockets to as many processes, level by level, read and answered by a loop that does
// nothing else. What the machine asks for that, nobody gets below.
#pragma once

#include <vector>

#include <stillframe/result.hpp>
#include <stillframe/time.hpp>

namespace stillframe {

struct BareExchange {
  int writers = 0;
  int processes = 0;
  Duration pause{0};  // between freezing and thawing, not counted
};

// How long each round took, in order. Forks: the caller must have no other thread.
Result<std::vector<Duration>> measure_bare(const BareExchange& exchange, int rounds);

}  // namespace stillframe
