// What JetBackup made is brought back: JetRestore, JetRestore2, JetRestoreInstance.
#include <string>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

// A process with one instance has none while it does not run: it is there for this call, with what
// instances begin with.
Answer restore(JET_INSTANCE instance, const std::string& directory, const std::string& destination,
               JET_PFNSTATUS status) {
  Process& process = Process::get();
  const bool one = is_none(instance);
  const auto target = one ? process.create_only() : process.find_instance(instance);
  if (!target.ok()) return target.error();
  Answer restored = jet_error(JET_errInvalidParameter, "no backup is named");
  if (!directory.empty()) {
    restored = target.value()->restore(
        process.parameters(), {absolute_path(directory), absolute_path(destination), status});
  }
  if (one) process.remove(*target.value());
  return restored;
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetRestoreA(JET_PCSTR szSource, JET_PFNSTATUS pfn) {
  return JetRestoreInstanceA(JET_instanceNil, szSource, nullptr, pfn);
}
JET_ERR JET_API JetRestoreW(JET_PCWSTR szSource, JET_PFNSTATUS pfn) {
  return JetRestoreInstanceW(JET_instanceNil, szSource, nullptr, pfn);
}
JET_ERR JET_API JetRestore2A(JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn) {
  return JetRestoreInstanceA(JET_instanceNil, sz, szDest, pfn);
}
JET_ERR JET_API JetRestore2W(JET_PCWSTR sz, JET_PCWSTR szDest, JET_PFNSTATUS pfn) {
  return JetRestoreInstanceW(JET_instanceNil, sz, szDest, pfn);
}
JET_ERR JET_API JetRestoreInstanceA(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest,
                                    JET_PFNSTATUS pfn) {
  return answer([&] { return restore(instance, utf8(sz), utf8(szDest), pfn); });
}
JET_ERR JET_API JetRestoreInstanceW(JET_INSTANCE instance, JET_PCWSTR sz, JET_PCWSTR szDest,
                                    JET_PFNSTATUS pfn) {
  return answer([&] { return restore(instance, utf8(sz), utf8(szDest), pfn); });
}

}  // extern "C"
