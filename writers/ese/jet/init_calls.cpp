// How an instance begins: JetInit to JetInit4.
#include <utility>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/restore_map.hpp"

namespace stillframe::ese::jet {

namespace {

Answer start_instance(JET_INSTANCE* instance, const InitRequest& request) {
  Process& process = Process::get();
  const bool one = instance == nullptr || is_none(*instance);
  const auto target = one ? process.create_only() : process.find_instance(*instance);
  if (!target.ok()) return target.error();
  if (Status s = target.value()->check_can_start(); !s.ok()) return s.error();
  if (instance != nullptr) *instance = target.value()->handle();
  const Answer started = target.value()->start(process.parameters(), request);
  if (started.ok() || !target.value()->ended()) return started;  // or another thread starts it
  process.remove(*target.value());
  if (instance != nullptr) *instance = JET_instanceNil;
  return started;
}

// A recovery that stops early leaves databases as they are, without undo.
Status check_stop(const JET_LGPOS& stop, const JET_LOGTIME& time) {
  const bool any = stop.ib != 0 || stop.isec != 0 || stop.lGeneration != 0;
  if ((any && stop.lGeneration == 0) || time.bYear != 0) {
    return jet_error(JET_errInvalidParameter,
                     "a position to stop at is in a generation, and a "
                     "time to stop at is not offered by anybody");
  }
  if (!any) return Ok{};
  return jet_error(JET_errFeatureNotAvailable, "recovery goes to the end of the log");
}

Status check_map_options(const JET_RSTMAP_A&) {
  return Ok{};
}
Status check_map_options(const JET_RSTMAP_W&) {
  return Ok{};
}
template <class Map>
Status check_map_options(const Map& entry) {
  if (entry.cbStruct != sizeof(Map)) {
    return jet_error(JET_errInvalidParameter, "an entry of the restore map has another size");
  }
  constexpr JET_GRBIT kKnown = JET_bitRestoreMapIgnoreWhenMissing |
                               JET_bitRestoreMapFailWhenMissing |
                               JET_bitRestoreMapOverwriteOnCreate;
  if ((entry.grbit & ~kKnown) != 0) {
    return jet_error(JET_errInvalidGrbit,
                     "an entry of the restore map has options of its own that "
                     "do not exist");
  }
  if (entry.grbit == 0 && entry.csetdbparam == 0) return Ok{};
  return jet_error(JET_errFeatureNotAvailable,
                   "entries of a restore map have no options and parameters of their own here");
}

template <class Info>
Status take_info(InitRequest& request, const Info& info) {
  if (info.cbStruct != sizeof(Info)) {
    return jet_error(JET_errInvalidParameter, "JET_RSTINFO has another size");
  }
  if (Status s = check_stop(info.lgposStop, info.logtimeStop); !s.ok()) return s;
  auto map = restore_map_paths(info.rgrstmap, info.crstmap, LoggedPath::optional);
  if (!map.ok()) return map.error();
  for (std::int32_t i = 0; i < info.crstmap; ++i) {
    if (Status s = check_map_options(info.rgrstmap[i]); !s.ok()) return s;
  }
  request.map = std::move(map).value();
  return check_restore_map(request.map);
}

// Their answers cannot end the call, so nobody looks at them.
template <class Info>
void take_callback(InitRequest& request, const Info& info) {
  if constexpr (requires { info.pfnStatus; }) {
    if (info.pfnStatus == nullptr) return;
    request.tell = [status = info.pfnStatus](JET_SNT what, JET_SNPROG& progress) {
      (void)status(JET_sesidNil, JET_snpRestore, what, &progress);
    };
  } else {
    if (info.pfnCallback == nullptr) return;
    request.tell = [call = info.pfnCallback, context = info.pvCallbackContext](
                       JET_SNT what, JET_SNPROG& progress) {
      (void)call(JET_snpRestore, what, &progress, context);
    };
  }
}

template <class Info>
Answer start_with_info(JET_INSTANCE* instance, const Info* info, JET_GRBIT grbit) {
  InitRequest request;
  request.grbit = grbit;
  if (info != nullptr) {
    request.arguments = take_info(request, *info);
    if (request.arguments.ok()) take_callback(request, *info);
  }
  return start_instance(instance, request);
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetInit(JET_INSTANCE* pinstance) {
  return JetInit2(pinstance, 0);
}
JET_ERR JET_API JetInit2(JET_INSTANCE* pinstance, JET_GRBIT grbit) {
  return JetInit3A(pinstance, nullptr, grbit | JET_bitReplayMissingMapEntryDB);
}
JET_ERR JET_API JetInit3A(JET_INSTANCE* pinstance, JET_RSTINFO_A* prstInfo, JET_GRBIT grbit) {
  return answer([&] { return start_with_info(pinstance, prstInfo, grbit); });
}
JET_ERR JET_API JetInit3W(JET_INSTANCE* pinstance, JET_RSTINFO_W* prstInfo, JET_GRBIT grbit) {
  return answer([&] { return start_with_info(pinstance, prstInfo, grbit); });
}
JET_ERR JET_API JetInit4A(JET_INSTANCE* pinstance, JET_RSTINFO2_A* prstInfo, JET_GRBIT grbit) {
  return answer([&] { return start_with_info(pinstance, prstInfo, grbit); });
}
JET_ERR JET_API JetInit4W(JET_INSTANCE* pinstance, JET_RSTINFO2_W* prstInfo, JET_GRBIT grbit) {
  return answer([&] { return start_with_info(pinstance, prstInfo, grbit); });
}

}  // extern "C"
