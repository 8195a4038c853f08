// Instances: JetCreateInstance, JetTerm, JetStopService, JetGetInstanceInfo.
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "writers/ese/jet/instance_list.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kTermBits =
    JET_bitTermComplete | JET_bitTermAbrupt | JET_bitTermStopBackup | JET_bitTermDirty;
constexpr std::uint32_t kVersionMajor = 10, kVersionShift = 24;  // as engines of this format say

Answer create_instance(JET_INSTANCE* instance, const std::string& name, const std::string& display,
                       JET_GRBIT grbit) {
  if (instance == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  *instance = JET_instanceNil;
  if (grbit != 0) return jet_error(JET_errInvalidGrbit, "JetCreateInstance2 has no options");
  const auto made = Process::get().create(name, display);
  if (!made.ok()) return made.error();
  *instance = made.value()->handle();
  return success();
}

// ---- Ending

Answer end_sessions(const JetInstance& instance) {
  Process& process = Process::get();
  Answer first_error = success();
  for (const auto& session : process.sessions_of(instance)) {
    if (Status s = session->close(); !s.ok() && first_error.ok()) first_error = s.error();
    process.remove_session(session->handle());
  }
  return first_error;
}

bool in_transactions(const JetInstance& instance) {
  for (const auto& session : Process::get().sessions_of(instance)) {
    if (session->level() > 0) return true;
  }
  return false;
}

Answer terminate(JET_INSTANCE instance, JET_GRBIT grbit) {
  if ((grbit & ~kTermBits) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetTerm2 was given options that do not exist");
  }
  const auto found = Process::get().named_or_only(instance);
  if (!found.ok()) return found.error();
  JetInstance& target = *found.value();
  const bool stops = (grbit & (JET_bitTermAbrupt | JET_bitTermStopBackup)) != 0;
  using WithBackup = JetInstance::WithBackup;
  const auto with_backup = stops ? WithBackup::stop_it : WithBackup::refuse;
  if (Status s = target.close_for_term(with_backup); !s.ok()) return s.error();
  if ((grbit & (JET_bitTermAbrupt | JET_bitTermDirty)) == 0 && in_transactions(target)) {
    target.reopen();
    return jet_error(JET_errTooManyActiveUsers,
                     "sessions are in transactions; end them, or terminate abruptly");
  }
  const Answer sessions = end_sessions(target);
  const Answer ended = target.end((grbit & JET_bitTermDirty) != 0);
  Process::get().remove(target);
  return sessions.ok() ? ended : sessions;
}

Answer stop_service(JET_INSTANCE instance, JET_GRBIT grbit) {
  const auto found = Process::get().named_or_only(instance);
  if (!found.ok()) return found.error();
  if (grbit != JET_bitStopServiceAll) {
    return jet_error(JET_errInvalidGrbit, "a service is stopped as a whole");
  }
  found.value()->stop_service();
  return success();
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetCreateInstanceA(JET_INSTANCE* pinstance, JET_PCSTR szInstanceName) {
  return answer([&] { return create_instance(pinstance, utf8(szInstanceName), {}, 0); });
}
JET_ERR JET_API JetCreateInstanceW(JET_INSTANCE* pinstance, JET_PCWSTR szInstanceName) {
  return answer([&] { return create_instance(pinstance, utf8(szInstanceName), {}, 0); });
}
JET_ERR JET_API JetCreateInstance2A(JET_INSTANCE* pinstance, JET_PCSTR szInstanceName,
                                    JET_PCSTR szDisplayName, JET_GRBIT grbit) {
  return answer(
      [&] { return create_instance(pinstance, utf8(szInstanceName), utf8(szDisplayName), grbit); });
}
JET_ERR JET_API JetCreateInstance2W(JET_INSTANCE* pinstance, JET_PCWSTR szInstanceName,
                                    JET_PCWSTR szDisplayName, JET_GRBIT grbit) {
  return answer(
      [&] { return create_instance(pinstance, utf8(szInstanceName), utf8(szDisplayName), grbit); });
}

JET_ERR JET_API JetTerm(JET_INSTANCE instance) {
  return JetTerm2(instance, JET_bitTermAbrupt);
}
JET_ERR JET_API JetTerm2(JET_INSTANCE instance, JET_GRBIT grbit) {
  return answer([&] { return terminate(instance, grbit); });
}

JET_ERR JET_API JetStopService(void) {
  return JetStopServiceInstance2(JET_instanceNil, 0);
}
JET_ERR JET_API JetStopServiceInstance(JET_INSTANCE instance) {
  return JetStopServiceInstance2(instance, 0);
}
JET_ERR JET_API JetStopServiceInstance2(JET_INSTANCE instance, JET_GRBIT grbit) {
  return answer([&] { return stop_service(instance, grbit); });
}

JET_ERR JET_API JetGetInstanceInfoA(uint32_t* pcInstanceInfo,
                                    JET_INSTANCE_INFO_A** paInstanceInfo) {
  return answer([&] {
    return give_instances(list_instances(Process::get().instances()), pcInstanceInfo,
                          paInstanceInfo);
  });
}
JET_ERR JET_API JetGetInstanceInfoW(uint32_t* pcInstanceInfo,
                                    JET_INSTANCE_INFO_W** paInstanceInfo) {
  return answer([&] {
    return give_instances(list_instances(Process::get().instances()), pcInstanceInfo,
                          paInstanceInfo);
  });
}

JET_ERR JET_API JetFreeBuffer(char* pbBuf) {
  std::free(pbBuf);
  return JET_errSuccess;
}

JET_ERR JET_API JetGetVersion(JET_SESID sesid, uint32_t* pwVersion) {
  return in_session(sesid, [&](JetSession&) -> Answer {
    if (pwVersion == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
    *pwVersion = kVersionMajor << kVersionShift;
    return success();
  });
}

}  // extern "C"
