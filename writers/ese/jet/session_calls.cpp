// Sessions and their transactions.
#include <functional>

#include "writers/ese/jet/process.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kWaits = JET_bitWaitLastLevel0Commit | JET_bitWaitAllLevel0Commit;

Answer begin_session(JET_INSTANCE instance, JET_SESID* sesid) {
  if (sesid == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  *sesid = JET_sesidNil;
  const bool none = instance == 0 || instance == JET_instanceNil;
  Process& process = Process::get();
  const auto found = none ? process.only_instance() : process.find_instance(instance);
  if (!found.ok()) return found.error();
  const auto use = InstanceUse::enter(found.value());
  if (!use.ok()) return use.error();
  const auto added = process.add_session(use.value());
  if (!added.ok()) return added.error();
  *sesid = added.value();
  return success();
}

Answer dup_session(JET_SESID sesid, JET_SESID* twin) {
  if (twin == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  const auto use = SessionUse::enter(sesid);
  if (!use.ok()) return use.error();
  const auto added = Process::get().add_session(use.value().instance());
  if (!added.ok()) return added.error();
  *twin = added.value();
  return success();
}

Answer end_session(JetSession& session) {
  const Status closed = session.close();
  Process::get().remove_session(session.handle());
  return answer_of(closed);
}

// By a thread that may have no right to the session's transaction yet.
Answer in_any_thread(JET_SESID sesid, const std::function<Status(JetSession&)>& call) {
  const auto session = Process::get().find_session(sesid);
  if (!session.ok()) return session.error();
  const auto instance = InstanceUse::enter(session.value()->shared_instance());
  if (!instance.ok()) return instance.error();
  if (Status s = session.value()->enter_any_thread(); !s.ok()) return s.error();
  const Status done = call(*session.value());
  session.value()->leave();
  return answer_of(done);
}

Answer begin(JetSession& session, JET_GRBIT grbit) {
  if ((grbit & ~JET_bitTransactionReadOnly) != 0) {
    return jet_error(JET_errInvalidGrbit, "a transaction is to read only, or not");
  }
  return answer_of(session.begin((grbit & JET_bitTransactionReadOnly) != 0));
}

Answer commit(JetSession& session, JET_GRBIT grbit) {
  constexpr JET_GRBIT kBits = JET_bitCommitLazyFlush | kWaits | JET_bitForceNewLog;
  LogStream& log = session.instance().engine().log();
  if ((grbit & ~kBits) != 0 || ((grbit & kWaits) != 0 && (grbit & (grbit - 1)) != 0)) {
    return jet_error(JET_errInvalidGrbit, "the options of a commit do not go together");
  }
  if ((grbit & kWaits) != 0) return answer_of(log.make_all_durable());
  const CommitMode mode = (grbit & JET_bitCommitLazyFlush) != 0 ? CommitMode::lazy
                          : grbit != 0                          ? CommitMode::durable
                                                                : session.usual_commit();
  if (Status s = session.commit(mode); !s.ok()) return s.error();
  return (grbit & JET_bitForceNewLog) != 0 ? answer_of(log.roll()) : success();
}

Answer roll_back(JetSession& session, JET_GRBIT grbit) {
  if ((grbit & ~JET_bitRollbackAll) != 0) {
    return jet_error(JET_errInvalidGrbit, "a rollback is of one level, or of all");
  }
  return answer_of(grbit != 0 ? session.rollback_all() : session.rollback());
}

Answer idle(JetSession& session, JET_GRBIT grbit) {
  Instance& engine = session.instance().engine();
  switch (grbit) {
    case 0:
    case JET_bitIdleCompact:
      return answer_of(engine.maintain());
    case JET_bitIdleFlushBuffers:
      return answer_of(engine.flush());
    default:
      return jet_error(JET_errInvalidGrbit, "JetIdle cleans up, or writes what has changed");
  }
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetBeginSessionA(JET_INSTANCE instance, JET_SESID* psesid, JET_PCSTR, JET_PCSTR) {
  return answer([&] { return begin_session(instance, psesid); });
}
JET_ERR JET_API JetBeginSessionW(JET_INSTANCE instance, JET_SESID* psesid, JET_PCWSTR, JET_PCWSTR) {
  return answer([&] { return begin_session(instance, psesid); });
}
JET_ERR JET_API JetDupSession(JET_SESID sesid, JET_SESID* psesid) {
  return answer([&] { return dup_session(sesid, psesid); });
}
JET_ERR JET_API JetEndSession(JET_SESID sesid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) -> Answer {
    if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetEndSession has no options");
    return end_session(session);
  });
}

JET_ERR JET_API JetSetSessionContext(JET_SESID sesid, JET_API_PTR ulContext) {
  return answer([&] {
    return in_any_thread(sesid,
                         [&](JetSession& session) { return session.set_context(ulContext); });
  });
}
JET_ERR JET_API JetResetSessionContext(JET_SESID sesid) {
  return answer([&] {
    return in_any_thread(sesid, [](JetSession& session) { return session.reset_context(); });
  });
}

JET_ERR JET_API JetBeginTransaction(JET_SESID sesid) {
  return JetBeginTransaction2(sesid, 0);
}
JET_ERR JET_API JetBeginTransaction2(JET_SESID sesid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) { return begin(session, grbit); });
}
JET_ERR JET_API JetCommitTransaction(JET_SESID sesid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) { return commit(session, grbit); });
}
JET_ERR JET_API JetRollback(JET_SESID sesid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) { return roll_back(session, grbit); });
}
JET_ERR JET_API JetIdle(JET_SESID sesid, JET_GRBIT grbit) {
  return in_session(sesid, [&](JetSession& session) { return idle(session, grbit); });
}

}  // extern "C"
