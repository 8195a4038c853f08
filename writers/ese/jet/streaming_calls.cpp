// Backups whose bytes the caller copies: from JetBeginExternalBackup to JetEndExternalBackup.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kEndBits = JET_bitBackupEndNormal | JET_bitBackupEndAbort |
                               JET_bitBackupTruncateDone | JET_bitBackupNoDbHeaderUpdate;

Error no_place() {
  return jet_error(JET_errInvalidParameter, "there is no place for an answer");
}

Answer begin(StreamingBackup& backup, JET_GRBIT grbit) {
  if ((grbit & ~JET_GRBIT{JET_bitBackupIncremental}) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetBeginExternalBackup has no such option");
  }
  return answer_of(backup.begin(grbit != 0 ? BackupContents::logs_only : BackupContents::full));
}

// ---- Lists

// A place of the caller's for names.
template <class Char>
struct ListPlace {
  Char* list;
  std::uint32_t bytes_max;
  std::uint32_t* bytes;
};

// What the caller is told of the size of a list that does not fit.
enum class SizeTold { of_all, of_what_was_given };

template <class Char>
void give_list(const std::vector<BytePath>& names, const ListPlace<Char>& place, SizeTold told) {
  std::basic_string<Char> text;
  for (const BytePath& name : names) text += in_form<Char>(name) + Char{0};
  text += names.empty() ? std::basic_string<Char>(2, Char{0}) : std::basic_string<Char>(1, Char{0});
  const auto needed = static_cast<std::uint32_t>(text.size() * sizeof(Char));
  const std::uint32_t given = std::min(place.bytes_max, needed);
  if (place.list != nullptr) std::memcpy(place.list, text.data(), given);
  const bool all = place.list == nullptr || told == SizeTold::of_all;
  if (place.bytes != nullptr) *place.bytes = all ? needed : given;
}

template <class Char>
Answer attach_info(StreamingBackup& backup, const ListPlace<Char>& place) {
  const auto paths = backup.attach_info();
  if (!paths.ok()) return paths.error();
  give_list(paths.value(), place, SizeTold::of_all);
  return success();
}

template <class Char, class LogInfo>
Answer log_info(StreamingBackup& backup, const ListPlace<Char>& place, LogInfo* range) {
  if (range != nullptr && range->cbSize != sizeof(LogInfo)) {
    return jet_error(JET_errInvalidParameter, "JET_LOGINFO has another size");
  }
  const auto logs = backup.log_info();
  if (!logs.ok()) return logs.error();
  give_list(logs.value().files, place, SizeTold::of_what_was_given);
  if (range == nullptr) return success();
  range->ulGenLow = static_cast<std::uint32_t>(logs.value().low);
  range->ulGenHigh = static_cast<std::uint32_t>(logs.value().high);
  copy_text(logs.value().base, range->szBaseName, sizeof range->szBaseName);
  return success();
}

template <class Char>
Answer truncate_info(StreamingBackup& backup, const ListPlace<Char>& place) {
  const auto paths = backup.truncate_info();
  if (!paths.ok()) return paths.error();
  give_list(paths.value(), place, SizeTold::of_what_was_given);
  return success();
}

// ---- Files

struct OpenPlace {
  JET_HANDLE* file;
  std::uint32_t *bytes_low, *bytes_high;
};

Answer open_file(JetBackups& backups, const std::string& name, const OpenPlace& place) {
  if (place.file == nullptr || place.bytes_low == nullptr || place.bytes_high == nullptr) {
    return no_place();
  }
  if (name.empty()) return jet_error(JET_errInvalidParameter, "a file without a name");
  const auto opened = backups.external().open(absolute_path(name));
  if (!opened.ok()) return opened.error();
  *place.file = backups.add_file(opened.value().file);
  *place.bytes_low = static_cast<std::uint32_t>(opened.value().bytes);
  *place.bytes_high = static_cast<std::uint32_t>(opened.value().bytes >> 32);
  return success();
}

Answer read_file(JetBackups& backups, JET_HANDLE file, void* to, std::uint32_t bytes,
                 std::uint32_t* done) {
  if (to == nullptr || bytes == 0 || done == nullptr) return no_place();
  const auto read =
      backups.external().read(backups.find_file(file), {static_cast<std::byte*>(to), bytes});
  if (!read.ok()) return read.error();
  *done = static_cast<std::uint32_t>(read.value());
  return success();
}

// ---- The end

Answer end(StreamingBackup& backup, JET_GRBIT grbit) {
  if ((grbit & ~kEndBits) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetEndExternalBackup has no such option");
  }
  const bool normal = (grbit & JET_bitBackupEndNormal) != 0;
  const bool aborted = (grbit & JET_bitBackupEndAbort) != 0;
  if (normal == aborted) {
    return jet_error(JET_errInvalidParameter, "a backup ends either normally or with an abort");
  }
  BackupEnd how;
  how.aborted = aborted;
  how.truncated = (grbit & JET_bitBackupTruncateDone) != 0;
  how.update_headers = (grbit & JET_bitBackupNoDbHeaderUpdate) == 0;
  return answer_of(backup.end(how));
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetBeginExternalBackup(JET_GRBIT grbit) {
  return JetBeginExternalBackupInstance(JET_instanceNil, grbit);
}
JET_ERR JET_API JetBeginExternalBackupInstance(JET_INSTANCE instance, JET_GRBIT grbit) {
  return in_instance(instance,
                     [&](JetInstance& its) { return begin(its.backups().external(), grbit); });
}

JET_ERR JET_API JetGetAttachInfoA(char* szzDatabases, uint32_t cbMax, uint32_t* pcbActual) {
  return JetGetAttachInfoInstanceA(JET_instanceNil, szzDatabases, cbMax, pcbActual);
}
JET_ERR JET_API JetGetAttachInfoW(char16_t* szzDatabases, uint32_t cbMax, uint32_t* pcbActual) {
  return JetGetAttachInfoInstanceW(JET_instanceNil, szzDatabases, cbMax, pcbActual);
}
JET_ERR JET_API JetGetAttachInfoInstanceA(JET_INSTANCE instance, char* szzDatabases, uint32_t cbMax,
                                          uint32_t* pcbActual) {
  const ListPlace<char> place{szzDatabases, cbMax, pcbActual};
  return in_instance(
      instance, [&](JetInstance& its) { return attach_info(its.backups().external(), place); });
}
JET_ERR JET_API JetGetAttachInfoInstanceW(JET_INSTANCE instance, char16_t* szzDatabases,
                                          uint32_t cbMax, uint32_t* pcbActual) {
  const ListPlace<char16_t> place{szzDatabases, cbMax, pcbActual};
  return in_instance(
      instance, [&](JetInstance& its) { return attach_info(its.backups().external(), place); });
}

JET_ERR JET_API JetOpenFileA(JET_PCSTR szFileName, JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                             uint32_t* pulFileSizeHigh) {
  return JetOpenFileInstanceA(JET_instanceNil, szFileName, phfFile, pulFileSizeLow,
                              pulFileSizeHigh);
}
JET_ERR JET_API JetOpenFileW(JET_PCWSTR szFileName, JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                             uint32_t* pulFileSizeHigh) {
  return JetOpenFileInstanceW(JET_instanceNil, szFileName, phfFile, pulFileSizeLow,
                              pulFileSizeHigh);
}
JET_ERR JET_API JetOpenFileInstanceA(JET_INSTANCE instance, JET_PCSTR szFileName,
                                     JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                                     uint32_t* pulFileSizeHigh) {
  const OpenPlace place{phfFile, pulFileSizeLow, pulFileSizeHigh};
  return in_instance(instance, [&](JetInstance& its) {
    return open_file(its.backups(), utf8(szFileName), place);
  });
}
JET_ERR JET_API JetOpenFileInstanceW(JET_INSTANCE instance, JET_PCWSTR szFileName,
                                     JET_HANDLE* phfFile, uint32_t* pulFileSizeLow,
                                     uint32_t* pulFileSizeHigh) {
  const OpenPlace place{phfFile, pulFileSizeLow, pulFileSizeHigh};
  return in_instance(instance, [&](JetInstance& its) {
    return open_file(its.backups(), utf8(szFileName), place);
  });
}

JET_ERR JET_API JetReadFile(JET_HANDLE hfFile, void* pv, uint32_t cb, uint32_t* pcbActual) {
  return JetReadFileInstance(JET_instanceNil, hfFile, pv, cb, pcbActual);
}
JET_ERR JET_API JetReadFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile, void* pv, uint32_t cb,
                                    uint32_t* pcbActual) {
  return in_instance(instance, [&](JetInstance& its) {
    return read_file(its.backups(), hfFile, pv, cb, pcbActual);
  });
}

JET_ERR JET_API JetCloseFile(JET_HANDLE hfFile) {
  return JetCloseFileInstance(JET_instanceNil, hfFile);
}
JET_ERR JET_API JetCloseFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile) {
  return in_instance(instance, [&](JetInstance& its) {
    return answer_of(its.backups().external().close(its.backups().find_file(hfFile)));
  });
}

JET_ERR JET_API JetGetLogInfoA(char* szzLogs, uint32_t cbMax, uint32_t* pcbActual) {
  return JetGetLogInfoInstance2A(JET_instanceNil, szzLogs, cbMax, pcbActual, nullptr);
}
JET_ERR JET_API JetGetLogInfoW(char16_t* szzLogs, uint32_t cbMax, uint32_t* pcbActual) {
  return JetGetLogInfoInstance2W(JET_instanceNil, szzLogs, cbMax, pcbActual, nullptr);
}
JET_ERR JET_API JetGetLogInfoInstanceA(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                       uint32_t* pcbActual) {
  return JetGetLogInfoInstance2A(instance, szzLogs, cbMax, pcbActual, nullptr);
}
JET_ERR JET_API JetGetLogInfoInstanceW(JET_INSTANCE instance, char16_t* szzLogs, uint32_t cbMax,
                                       uint32_t* pcbActual) {
  return JetGetLogInfoInstance2W(instance, szzLogs, cbMax, pcbActual, nullptr);
}
JET_ERR JET_API JetGetLogInfoInstance2A(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                        uint32_t* pcbActual, JET_LOGINFO_A* pLogInfo) {
  const ListPlace<char> place{szzLogs, cbMax, pcbActual};
  return in_instance(instance, [&](JetInstance& its) {
    return log_info(its.backups().external(), place, pLogInfo);
  });
}
JET_ERR JET_API JetGetLogInfoInstance2W(JET_INSTANCE instance, char16_t* szzLogs, uint32_t cbMax,
                                        uint32_t* pcbActual, JET_LOGINFO_W* pLogInfo) {
  const ListPlace<char16_t> place{szzLogs, cbMax, pcbActual};
  return in_instance(instance, [&](JetInstance& its) {
    return log_info(its.backups().external(), place, pLogInfo);
  });
}
JET_ERR JET_API JetGetTruncateLogInfoInstanceA(JET_INSTANCE instance, char* szzLogs, uint32_t cbMax,
                                               uint32_t* pcbActual) {
  const ListPlace<char> place{szzLogs, cbMax, pcbActual};
  return in_instance(
      instance, [&](JetInstance& its) { return truncate_info(its.backups().external(), place); });
}
JET_ERR JET_API JetGetTruncateLogInfoInstanceW(JET_INSTANCE instance, char16_t* szzLogs,
                                               uint32_t cbMax, uint32_t* pcbActual) {
  const ListPlace<char16_t> place{szzLogs, cbMax, pcbActual};
  return in_instance(
      instance, [&](JetInstance& its) { return truncate_info(its.backups().external(), place); });
}

JET_ERR JET_API JetTruncateLog(void) {
  return JetTruncateLogInstance(JET_instanceNil);
}
JET_ERR JET_API JetTruncateLogInstance(JET_INSTANCE instance) {
  return in_instance(instance, [&](JetInstance& its) {
    return answer_of(its.backups().external().truncate_log());
  });
}

JET_ERR JET_API JetEndExternalBackup(void) {
  return JetEndExternalBackupInstance2(JET_instanceNil, JET_bitBackupEndNormal);
}
JET_ERR JET_API JetEndExternalBackupInstance(JET_INSTANCE instance) {
  return JetEndExternalBackupInstance2(instance, JET_bitBackupEndNormal);
}
JET_ERR JET_API JetEndExternalBackupInstance2(JET_INSTANCE instance, JET_GRBIT grbit) {
  return in_instance(instance,
                     [&](JetInstance& its) { return end(its.backups().external(), grbit); });
}

}  // extern "C"
