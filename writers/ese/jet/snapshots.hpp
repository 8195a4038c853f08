// The snapshot sessions of a process, by their numbers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/backup/snapshot_session.hpp"
#include "writers/ese/jet/instance_list.hpp"
#include "writers/ese/jet/jet_instance.hpp"

namespace stillframe::ese::jet {

// One session with the instances that it has. Any thread; one call waits for another.
class JetSnapshot {
 public:
  explicit JetSnapshot(SnapshotOptions options)
      : session_(std::make_shared<SnapshotSession>(std::move(options))) {}

  SnapshotSession& session() noexcept { return *session_; }

  // OSSnapshotNotAllowed for one that is in a session, or is being backed up.
  Status add(const InstanceUse& use);
  // Names what is frozen before it is.
  Status freeze(std::uint32_t timeout_ms);
  std::vector<ListedInstance> instances() const;
  // InvalidParameter for one that is not part of it.
  Status truncate_log(JET_INSTANCE instance, bool all_databases);

 private:
  const std::shared_ptr<SnapshotSession> session_;  // instances know it, for when they end
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<JetInstance>> members_;
  std::vector<ListedInstance> frozen_;
};

// Any thread.
class Snapshots {
 public:
  // Never destroyed, as Process is not.
  static Snapshots& get();

  JET_OSSNAPID add(std::shared_ptr<JetSnapshot> snapshot);
  // OSSnapshotInvalidSnapId.
  Result<std::shared_ptr<JetSnapshot>> find(JET_OSSNAPID id) const;
  // If it has ended.
  void forget_ended(JET_OSSNAPID id);

 private:
  Snapshots() = default;

  mutable std::mutex mutex_;
  JET_OSSNAPID last_ = 0;
  std::map<JET_OSSNAPID, std::shared_ptr<JetSnapshot>> snapshots_;
};

}  // namespace stillframe::ese::jet
