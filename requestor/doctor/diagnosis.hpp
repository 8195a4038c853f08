// Everything that `stillframe doctor` looks at, in one go.
#pragma once

#include <chrono>
#include <memory>

#include <stillframe/requestor.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::requestor {

struct WhereToLook {
  BytePath socket;         // where the daemon's requestors connect; empty: as connect() takes it
  BytePath daemon_config;  // that a daemon which does not answer reads; empty: its usual one
  bool embedded = false;   // the coordinator is this process's own
  std::chrono::milliseconds patience{60'000};  // with one that took the connection; then it hangs
};

// `channel` leads to the coordinator, or says why none could be reached; it is closed when the
// coordinator hangs. The worst come first.
Findings diagnose(const Result<std::shared_ptr<RequestorChannel>>& channel,
                  const WhereToLook& where);

}  // namespace stillframe::requestor
