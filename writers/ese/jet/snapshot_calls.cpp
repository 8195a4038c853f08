// Snapshots of the files by somebody else: from JetOSSnapshotPrepare to JetOSSnapshotEnd.
#include <memory>
#include <string>
#include <utility>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/snapshots.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kPrepareBits = JET_bitIncrementalSnapshot | JET_bitCopySnapshot |
                                   JET_bitContinueAfterThaw | JET_bitExplicitPrepare;

Error no_such_option(const char* call) {
  return jet_error(JET_errInvalidGrbit, std::string(call) + " has no such option");
}

// What calls of a session do, unless they were given options beyond `known`.
template <class Call>
JET_ERR in_snapshot(JET_OSSNAPID id, JET_GRBIT grbit, JET_GRBIT known, const Call& call) noexcept {
  return answer([&]() -> Answer {
    if ((grbit & ~known) != 0) return no_such_option("a call of a snapshot session");
    const auto snapshot = Snapshots::get().find(id);
    if (!snapshot.ok()) return snapshot.error();
    const Answer done = call(*snapshot.value());
    Snapshots::get().forget_ended(id);
    return done;
  });
}

// ---- Preparing

// Those that are in another session, or cannot be backed up, are not part of this one.
Answer claim_all(JetSnapshot& snapshot) {
  for (const auto& instance : Process::get().instances()) {
    const auto use = InstanceUse::enter(instance);
    if (!use.ok()) continue;
    const Status added = snapshot.add(use.value());
    if (!added.ok() && jet_number(added.error()) != JET_errOSSnapshotNotAllowed) {
      return added.error();
    }
  }
  return success();
}

bool any_runs() {
  for (const auto& instance : Process::get().instances()) {
    if (InstanceUse::enter(instance).ok()) return true;
  }
  return false;
}

Answer prepare(JET_OSSNAPID* id, JET_GRBIT grbit) {
  if (id == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  if ((grbit & ~kPrepareBits) != 0) return no_such_option("JetOSSnapshotPrepare");
  if (!any_runs()) return jet_error(JET_errNotInitialized, "no instance runs");
  SnapshotOptions options;
  options.logs_only = (grbit & JET_bitIncrementalSnapshot) != 0;
  options.copy = (grbit & JET_bitCopySnapshot) != 0;
  options.continue_after_thaw = (grbit & JET_bitContinueAfterThaw) != 0;
  auto snapshot = std::make_shared<JetSnapshot>(std::move(options));
  if ((grbit & JET_bitExplicitPrepare) == 0) {
    if (const Answer claimed = claim_all(*snapshot); !claimed.ok()) return claimed;
  }
  *id = Snapshots::get().add(std::move(snapshot));
  return success();
}

Answer prepare_instance(JetSnapshot& snapshot, JET_INSTANCE instance) {
  if (snapshot.session().state() != SnapshotState::prepared) {
    return jet_error(JET_errOSSnapshotInvalidSequence, "it is too late for another instance");
  }
  const auto found = Process::get().named_or_only(instance);
  if (!found.ok()) return found.error();
  const auto use = InstanceUse::enter(found.value());
  if (!use.ok()) return use.error();
  return answer_of(snapshot.add(use.value()));
}

// ---- Freezing

template <class Info>
Answer freeze(JetSnapshot& snapshot, std::uint32_t* count, Info** list) {
  if (count == nullptr || list == nullptr) return no_place_for_list();
  const auto timeout = Process::get().parameters().number(JET_paramOSSnapshotTimeout);
  Status frozen = snapshot.freeze(static_cast<std::uint32_t>(timeout));
  if (!frozen.ok()) return frozen.error();
  Answer given = give_instances(snapshot.instances(), count, list);
  if (!given.ok()) (void)snapshot.session().abort();
  return given;
}

template <class Info>
Answer freeze_info(JetSnapshot& snapshot, std::uint32_t* count, Info** list) {
  return give_instances(snapshot.instances(), count, list);
}

Answer end(JetSnapshot& snapshot, JET_GRBIT grbit) {
  SnapshotSession& session = snapshot.session();
  return answer_of((grbit & JET_bitAbortSnapshot) != 0 ? session.abort() : session.end());
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetOSSnapshotPrepare(JET_OSSNAPID* psnapId, JET_GRBIT grbit) {
  return answer([&] { return prepare(psnapId, grbit); });
}
JET_ERR JET_API JetOSSnapshotPrepareInstance(JET_OSSNAPID snapId, JET_INSTANCE instance,
                                             JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0,
                     [&](JetSnapshot& snapshot) { return prepare_instance(snapshot, instance); });
}

JET_ERR JET_API JetOSSnapshotFreezeA(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                     JET_INSTANCE_INFO_A** paInstanceInfo, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0, [&](JetSnapshot& snapshot) {
    return freeze(snapshot, pcInstanceInfo, paInstanceInfo);
  });
}
JET_ERR JET_API JetOSSnapshotFreezeW(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                     JET_INSTANCE_INFO_W** paInstanceInfo, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0, [&](JetSnapshot& snapshot) {
    return freeze(snapshot, pcInstanceInfo, paInstanceInfo);
  });
}
JET_ERR JET_API JetOSSnapshotThaw(JET_OSSNAPID snapId, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0,
                     [](JetSnapshot& snapshot) { return answer_of(snapshot.session().thaw()); });
}
JET_ERR JET_API JetOSSnapshotGetFreezeInfoA(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                            JET_INSTANCE_INFO_A** paInstanceInfo, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0, [&](JetSnapshot& snapshot) {
    return freeze_info(snapshot, pcInstanceInfo, paInstanceInfo);
  });
}
JET_ERR JET_API JetOSSnapshotGetFreezeInfoW(JET_OSSNAPID snapId, uint32_t* pcInstanceInfo,
                                            JET_INSTANCE_INFO_W** paInstanceInfo, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0, [&](JetSnapshot& snapshot) {
    return freeze_info(snapshot, pcInstanceInfo, paInstanceInfo);
  });
}

JET_ERR JET_API JetOSSnapshotTruncateLog(JET_OSSNAPID snapId, JET_GRBIT grbit) {
  return JetOSSnapshotTruncateLogInstance(snapId, JET_instanceNil, grbit);
}
JET_ERR JET_API JetOSSnapshotTruncateLogInstance(JET_OSSNAPID snapId, JET_INSTANCE instance,
                                                 JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, JET_bitAllDatabasesSnapshot, [&](JetSnapshot& snapshot) {
    return answer_of(snapshot.truncate_log(instance, grbit != 0));
  });
}
JET_ERR JET_API JetOSSnapshotEnd(JET_OSSNAPID snapId, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, JET_bitAbortSnapshot,
                     [&](JetSnapshot& snapshot) { return end(snapshot, grbit); });
}
JET_ERR JET_API JetOSSnapshotAbort(JET_OSSNAPID snapId, JET_GRBIT grbit) {
  return in_snapshot(snapId, grbit, 0,
                     [](JetSnapshot& snapshot) { return end(snapshot, JET_bitAbortSnapshot); });
}

}  // extern "C"
