// JetGetDatabaseFileInfo and JetGetLogFileInfo: what a file is, without an instance.
#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include <sys/stat.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/files.hpp"
#include "writers/ese/format/checkpoint.hpp"
#include "writers/ese/format/log_header.hpp"
#include "writers/ese/jet/file_info.hpp"
#include "writers/ese/jet/parameters.hpp"
#include "writers/ese/jet/path_lock.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr std::size_t kHeaderBytesMost = 64 << 10;

constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks

JET_LOGTIME time_of(const LogTime& time) {
  return std::bit_cast<JET_LOGTIME>(time);
}
JET_LGPOS position_of(const Lgpos& at) {
  return {at.ib, at.isec, static_cast<std::int32_t>(at.generation)};
}
JET_SIGNATURE signature_of(const Signature& signature) {
  JET_SIGNATURE result{signature.random, time_of(signature.created), {}};
  std::copy(signature.computer.begin(), signature.computer.end(), result.szComputerName);
  return result;
}
JET_BKINFO backup_of(const BackupInfo& info, BackupKind kind) {
  JET_BKINFO result{position_of(info.mark), time_of(info.time),
                    static_cast<std::uint32_t>(info.low), static_cast<std::uint32_t>(info.high)};
  result.bklogtimeMark.fOSSnapshot = kind == BackupKind::os_snapshot ? 1 : 0;
  return result;
}

void fill_base(const DatabaseHeader& from, JET_DBINFOMISC7& to) {
  to.ulVersion = from.version;
  to.ulUpdate = from.update_major;
  to.signDb = signature_of(from.sign_db);
  to.dbstate = static_cast<std::uint32_t>(from.state);
  to.lgposConsistent = position_of(from.lgpos_consistent);
  to.logtimeConsistent = time_of(from.time_consistent);
  to.logtimeAttach = time_of(from.time_attach);
  to.lgposAttach = position_of(from.lgpos_attach);
  to.logtimeDetach = time_of(from.time_detach);
  to.lgposDetach = position_of(from.lgpos_detach);
  to.signLog = signature_of(from.sign_log);
  to.bkinfoFullPrev = backup_of(from.full_previous, from.full_kind);
  to.bkinfoIncPrev = backup_of(from.incremental_previous, from.incremental_kind);
  to.bkinfoFullCur = backup_of(from.full_current, BackupKind::streaming);
  to.dwMajorVersion = from.os_major;
  to.dwMinorVersion = from.os_minor;
  to.dwBuildNumber = from.os_build;
  to.lSPNumber = from.os_service_pack;
  to.cbPageSize = from.page_bytes;
}

void fill_history(const DatabaseHeader& from, JET_DBINFOMISC7& to) {
  to.genMinRequired = static_cast<std::uint32_t>(from.gen_min_required);
  to.genMaxRequired = static_cast<std::uint32_t>(from.gen_max_required);
  to.logtimeGenMaxCreate = time_of(from.time_gen_max_create);
  to.ulRepairCount = from.repair_count;
  to.logtimeRepair = time_of(from.time_repair);
  to.ulRepairCountOld = from.repair_count_before;
  const auto count = [](const EventCount& event, std::uint32_t& now, JET_LOGTIME& last,
                        std::uint32_t& before) {
    now = event.count;
    last = time_of(event.last);
    before = event.count_before;
  };
  count(from.ecc_fixed, to.ulECCFixSuccess, to.logtimeECCFixSuccess, to.ulECCFixSuccessOld);
  count(from.ecc_failed, to.ulECCFixFail, to.logtimeECCFixFail, to.ulECCFixFailOld);
  count(from.checksum_failed, to.ulBadChecksum, to.logtimeBadChecksum, to.ulBadChecksumOld);
  to.genCommitted = static_cast<std::uint32_t>(from.gen_max_committed);
  to.bkinfoCopyPrev = backup_of(from.copy_previous, from.copy_kind);
  to.bkinfoDiffPrev = backup_of(from.differential_previous, from.differential_kind);
  count(from.incremental_reseed, to.ulIncrementalReseedCount, to.logtimeIncrementalReseed,
        to.ulIncrementalReseedCountOld);
  count(from.page_patch, to.ulPagePatchCount, to.logtimePagePatch, to.ulPagePatchCountOld);
  to.logtimeChecksumPrev = time_of(from.scan_previous);
  to.logtimeChecksumStart = time_of(from.scan_start);
  to.cpgDatabaseChecked = static_cast<std::uint32_t>(from.scan_pgno);
  to.logtimeLastReAttach = time_of(from.time_last_reattach);
  to.lgposLastReAttach = position_of(from.lgpos_last_reattach);
}

struct Start {
  std::vector<std::byte> bytes;
  std::uint64_t file_bytes = 0;
};

Result<Start> read_start(const BytePath& path) {
  auto file = posix_files()->open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  Start start;
  start.file_bytes = size.value();
  start.bytes.resize(std::min<std::uint64_t>(size.value(), kHeaderBytesMost));
  if (Status s = file.value()->read(0, start.bytes); !s.ok()) return s.error();
  return start;
}

std::uint32_t file_type(const Start& start, const BytePath& path) {
  if (const auto found = find_header(start.bytes, path); found.ok()) {
    const FileType type = found.value().header.file_type;
    return static_cast<std::uint32_t>(type == FileType::unset ? FileType::database : type);
  }
  if (decode_log_header(start.bytes, path).ok()) return JET_filetypeLog;
  if (decode_checkpoint_file(start.bytes, path).ok()) return JET_filetypeCheckpoint;
  return JET_filetypeUnknown;
}

Result<DatabaseHeader> header_of(const Start& start, const BytePath& path) {
  const auto found = find_header(start.bytes, path);
  if (found.ok()) return found.value().header;
  const std::uint32_t type = file_type(start, path);
  if (type != JET_filetypeLog && type != JET_filetypeCheckpoint) return found.error();
  return jet_error(JET_errFileInvalidType, "'" + escape_path(path) + "' is no database");
}

// As far as the database's own pages go, whatever the file was made longer by.
Result<std::uint64_t> bytes_on_disk(const BytePath& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return posix_error(errno, "examine", path);
  return static_cast<std::uint64_t>(about.st_blocks) * kBlockBytes;
}

Answer database_file_info(const std::string& name, void* result, std::uint32_t bytes,
                          std::uint32_t level) {
  if (name.empty()) return jet_error(JET_errInvalidParameter, "no file is named");
  const BytePath path = absolute_path(name);
  const auto start = read_start(path);
  if (!start.ok()) return start.error();
  switch (level) {
    case JET_DbInfoFilesize:
      return answer_of(put_value(start.value().file_bytes, result, bytes));
    case JET_DbInfoFilesizeOnDisk: {
      const auto on_disk = bytes_on_disk(path);
      return on_disk.ok() ? answer_of(put_value(on_disk.value(), result, bytes)) : on_disk.error();
    }
    case JET_DbInfoFileType:
      return answer_of(put_value(file_type(start.value(), path), result, bytes));
    case JET_DbInfoDBInUse: {
      const auto taken = PathLock::is_taken(path);
      if (!taken.ok()) return taken.error();
      return answer_of(put_value(std::uint32_t{taken.value()}, result, bytes));
    }
    case JET_DbInfoPageSize:
    case JET_DbInfoMisc: {
      const auto header = header_of(start.value(), path);
      if (!header.ok()) return header.error();
      if (level == JET_DbInfoMisc) {
        return answer_of(fill_database_info(header.value(), result, bytes));
      }
      const auto page_bytes = static_cast<std::uint32_t>(header.value().page_size());
      return answer_of(put_value(page_bytes, result, bytes));
    }
    default:
      return jet_error(JET_errInvalidParameter, "files are not told of on this level");
  }
}

Answer log_file_info(const std::string& name, void* result, std::uint32_t bytes,
                     std::uint32_t level) {
  if (name.empty()) return jet_error(JET_errInvalidParameter, "no file is named");
  const BytePath path = absolute_path(name);
  const auto start = read_start(path);
  if (!start.ok()) return start.error();
  if (level != JET_LogInfoMisc && level != JET_LogInfoMisc2) {
    return jet_error(JET_errInvalidParameter, "logs are not told of on this level");
  }
  const auto header = decode_log_header(start.value().bytes, path);
  if (!header.ok()) return header.error();
  const LogHeader& log = header.value().fields;
  JET_LOGINFOMISC2 info{};
  info.ulGeneration = static_cast<std::uint32_t>(log.generation);
  info.signLog = signature_of(log.log);
  info.logtimeCreate = time_of(log.created);
  info.logtimePreviousGeneration = time_of(log.created_previous);
  info.ulFlags = log.flags;
  info.ulVersionMajor = log.major;
  info.ulVersionMinor = log.minor;
  info.ulVersionUpdate = log.update_major;
  info.cbSectorSize = log.segment_bytes;
  info.cbHeader = log.header_segments;
  info.cbFile = log.file_segments;
  info.cbDatabasePageSize = log.page_size();
  info.lgposCheckpoint = position_of(log.checkpoint);
  if (level == JET_LogInfoMisc2) return answer_of(put_value(info, result, bytes));
  JET_LOGINFOMISC base{};
  std::memcpy(&base, &info, sizeof base);  // the one is the beginning of the other
  return answer_of(put_value(base, result, bytes));
}

}  // namespace

Status fill_database_info(const DatabaseHeader& header, void* result, std::uint32_t bytes) {
  constexpr std::array kSizes = {sizeof(JET_DBINFOMISC),  sizeof(JET_DBINFOMISC2),
                                 sizeof(JET_DBINFOMISC3), sizeof(JET_DBINFOMISC4),
                                 sizeof(JET_DBINFOMISC5), sizeof(JET_DBINFOMISC6),
                                 sizeof(JET_DBINFOMISC7)};
  if (result == nullptr) return jet_error(JET_errInvalidParameter, "there is no place for it");
  if (std::find(kSizes.begin(), kSizes.end(), bytes) == kSizes.end()) {
    return jet_error(JET_errInvalidBufferSize, "no JET_DBINFOMISC has this size");
  }
  JET_DBINFOMISC7 info{};
  fill_base(header, info);
  fill_history(header, info);
  std::memcpy(result, &info, bytes);  // each is the beginning of the next
  return Ok{};
}

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetGetDatabaseFileInfoA(JET_PCSTR szDatabaseName, void* pvResult, uint32_t cbMax,
                                        uint32_t InfoLevel) {
  return answer(
      [&] { return database_file_info(utf8(szDatabaseName), pvResult, cbMax, InfoLevel); });
}
JET_ERR JET_API JetGetDatabaseFileInfoW(JET_PCWSTR szDatabaseName, void* pvResult, uint32_t cbMax,
                                        uint32_t InfoLevel) {
  return answer(
      [&] { return database_file_info(utf8(szDatabaseName), pvResult, cbMax, InfoLevel); });
}
JET_ERR JET_API JetGetLogFileInfoA(JET_PCSTR szLog, void* pvResult, uint32_t cbMax,
                                   uint32_t InfoLevel) {
  return answer([&] { return log_file_info(utf8(szLog), pvResult, cbMax, InfoLevel); });
}
JET_ERR JET_API JetGetLogFileInfoW(JET_PCWSTR szLog, void* pvResult, uint32_t cbMax,
                                   uint32_t InfoLevel) {
  return answer([&] { return log_file_info(utf8(szLog), pvResult, cbMax, InfoLevel); });
}

}  // extern "C"
