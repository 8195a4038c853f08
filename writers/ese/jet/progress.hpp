// How far a call is, as callbacks of JET are told.
#pragma once

#include <cstdint>

#include <stillframe/ese/jet.h>

#include "writers/ese/backup/progress_meter.hpp"

namespace stillframe::ese::jet {

// For a caller that did not ask, one that tells nobody.
inline ProgressCallback progress_for(JET_PFNSTATUS status, JET_SNP what) {
  if (status == nullptr) return {};
  return [status, what](ProgressStep step, int percent) {
    constexpr JET_SNT kSteps[] = {JET_sntBegin, JET_sntProgress, JET_sntComplete};
    JET_SNPROG progress{sizeof(JET_SNPROG), static_cast<std::uint32_t>(percent), 100};
    // Their answer cannot end the call, so nobody looks at it.
    (void)status(JET_sesidNil, what, kSteps[static_cast<int>(step)], &progress);
  };
}

}  // namespace stillframe::ese::jet
