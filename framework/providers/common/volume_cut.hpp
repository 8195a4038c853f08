// One volume of one set on its way to being a snapshot: what differs between providers.
#pragma once

#include <atomic>

#include <stillframe/provider.hpp>

namespace stillframe {

// Calls come in this order, each at most once; abandon() may come after any of them and also after
// a failure, but never while another call runs. The destructor leaves things as they are.
class VolumeCut {
 public:
  virtual ~VolumeCut() = default;

  // On a thread of its own. Should give up soon when `cancelled` becomes true.
  virtual Status prepare(const std::atomic<bool>& cancelled) = 0;
  virtual CutEstimate estimate() const = 0;
  virtual Status pre_commit() = 0;
  // Also on a thread of its own when the set has several volumes.
  virtual Result<CutRecord> commit() = 0;
  virtual Status post_commit() = 0;
  virtual Result<SnapshotInfo> pre_final() = 0;
  virtual Status post_final() = 0;
  virtual Status abandon() = 0;
};

}  // namespace stillframe
