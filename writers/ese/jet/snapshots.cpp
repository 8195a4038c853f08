#include "writers/ese/jet/snapshots.hpp"

#include <algorithm>
#include <utility>

namespace stillframe::ese::jet {

Status JetSnapshot::add(const InstanceUse& use) {
  JetInstance& instance = use.instance();
  if (instance.backups().running() || !instance.join_snapshot(session_)) {
    return jet_error(JET_errOSSnapshotNotAllowed,
                     "the instance is being backed up, or is in another snapshot session");
  }
  Status added = session_->add(instance.engine(), instance.freezable_files());
  if (!added.ok()) {
    instance.leave_snapshot(*session_);
    return added;
  }
  const std::lock_guard lock(mutex_);
  members_.push_back(use.shared());
  return Ok{};
}

// Inside the instances before the session is locked: who is inside one may be waiting for the
// session, and who ends one for those inside.
Status JetSnapshot::freeze(std::uint32_t timeout_ms) {
  std::vector<std::shared_ptr<JetInstance>> members;
  {
    const std::lock_guard lock(mutex_);
    members = members_;
  }
  std::vector<Result<InstanceUse>> uses;
  for (const auto& member : members) uses.push_back(InstanceUse::enter(member));
  const auto remember = [&] {
    std::vector<ListedInstance> named;
    for (std::size_t i = 0; i < members.size(); ++i) {
      named.push_back(list_instance(*members[i], uses[i].ok()));
    }
    const std::lock_guard lock(mutex_);
    frozen_ = std::move(named);
  };
  return session_->freeze(std::chrono::milliseconds(timeout_ms), remember);
}

// Once it was frozen the same as then: asking the instances may have to wait for the thaw.
std::vector<ListedInstance> JetSnapshot::instances() const {
  std::vector<std::shared_ptr<JetInstance>> members;
  {
    const std::lock_guard lock(mutex_);
    if (!frozen_.empty()) return frozen_;
    members = members_;
  }
  return list_instances(members);
}

Status JetSnapshot::truncate_log(JET_INSTANCE handle, bool all_databases) {
  if (handle == JET_instanceNil) return session_->truncate_log(all_databases);
  std::shared_ptr<JetInstance> instance;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const auto& each) { return each->handle() == handle; });
    if (found != members_.end()) instance = *found;
  }
  if (instance == nullptr) {
    return jet_error(JET_errInvalidParameter, "the instance is not part of the snapshot");
  }
  const auto use = InstanceUse::enter(instance);
  if (!use.ok()) return use.error();
  return session_->truncate_log(all_databases, &instance->engine());
}

// ---- All of them

Snapshots& Snapshots::get() {
  static Snapshots* const snapshots = new Snapshots;
  return *snapshots;
}

JET_OSSNAPID Snapshots::add(std::shared_ptr<JetSnapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  snapshots_.emplace(++last_, std::move(snapshot));
  return last_;
}

Result<std::shared_ptr<JetSnapshot>> Snapshots::find(JET_OSSNAPID id) const {
  const std::lock_guard lock(mutex_);
  const auto found = snapshots_.find(id);
  if (found != snapshots_.end()) return found->second;
  return jet_error(JET_errOSSnapshotInvalidSnapId, "there is no such snapshot session");
}

void Snapshots::forget_ended(JET_OSSNAPID id) {
  const std::lock_guard lock(mutex_);
  const auto found = snapshots_.find(id);
  if (found == snapshots_.end()) return;
  if (found->second->session().state() == SnapshotState::ended) snapshots_.erase(found);
}

}  // namespace stillframe::ese::jet
