#include "writers/ese/jet/parameters.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

namespace {

using Scope = ParameterScope;

constexpr std::uint64_t kAny = 0xFFFFFFFF, kPathMost = 246;
constexpr std::uint32_t kVersionPageBytes = 64 << 10;
constexpr std::uint64_t kHistoricExtensions = 1, kShortNames = 2;
constexpr mode_t kFolderMode = 0750;

// By id. What the engine does with each: docs/jet_parity.md.
constexpr ParameterRule kRules[] = {
    {JET_paramSystemPath, ParameterKind::text, Scope::before_init, 0, 0, kPathMost, "."},
    {JET_paramTempPath, ParameterKind::text, Scope::before_init, 0, 0, kPathMost, "tmp.edb"},
    {JET_paramLogFilePath, ParameterKind::text, Scope::before_init, 0, 0, kPathMost, "."},
    {JET_paramBaseName, ParameterKind::text, Scope::before_init, 0, 3, 3, "edb"},
    {JET_paramEventSource, ParameterKind::text, Scope::any_time, 0, 0, kPathMost},
    {JET_paramMaxSessions, ParameterKind::number, Scope::before_init, 16, 0, 30000},
    {JET_paramMaxOpenTables, ParameterKind::number, Scope::before_init, 300, 0, 0x7FFFFFFF},
    {JET_paramMaxCursors, ParameterKind::number, Scope::before_init, 1024, 0, 0x7FFFFFFF},
    {JET_paramMaxVerPages, ParameterKind::number, Scope::before_init, 1024, 1, 0x7FFFFFFF},
    {JET_paramMaxTemporaryTables, ParameterKind::number, Scope::before_init, 20, 0, 0x7FFFFFFF},
    {JET_paramLogFileSize, ParameterKind::number, Scope::before_init, 5120, 64, 32768},
    {JET_paramLogBuffers, ParameterKind::number, Scope::before_init, 126, 1, 0x7FFFFFFF},
    {JET_paramWaitLogFlush, ParameterKind::number, Scope::any_time, 0, 0, kAny},
    {JET_paramLogCheckpointPeriod, ParameterKind::number, Scope::any_time, 1024, 0, kAny},
    {JET_paramLogWaitingUserMax, ParameterKind::number, Scope::any_time, 3, 0, kAny},
    {JET_paramCommitDefault, ParameterKind::number, Scope::any_time, 0, 0, JET_bitCommitLazyFlush},
    {JET_paramCircularLog, ParameterKind::number, Scope::before_init, 0, 0, 1},
    {JET_paramDbExtensionSize, ParameterKind::number, Scope::any_time, 256, 1, 0x7FFFFFFF},
    {JET_paramPageTempDBMin, ParameterKind::number, Scope::before_init, 0, 0, 0x7FFFFFFF},
    {JET_paramCacheSizeMax, ParameterKind::number, Scope::process_any_time, 8192, 1, 0x7FFFFFFF},
    {JET_paramCheckpointDepthMax, ParameterKind::number, Scope::before_init, 20971520, 0,
     0x7FFFFFFF},
    {JET_paramStartFlushThreshold, ParameterKind::number, Scope::process_any_time, 1, 0,
     0x7FFFFFFF},
    {JET_paramStopFlushThreshold, ParameterKind::number, Scope::process_any_time, 2, 0, 0x7FFFFFFF},
    {JET_paramRecovery, ParameterKind::text, Scope::before_init, 0, 0, 3, "on"},
    {JET_paramEnableOnlineDefrag, ParameterKind::number, Scope::any_time, 0xFFFF, 0, kAny},
    {JET_paramCacheSize, ParameterKind::number, Scope::read_only, 0, 0, kAny},
    {JET_paramEnableIndexChecking, ParameterKind::number, Scope::any_time, 1, 0, 2},
    {JET_paramIgnoreLogVersion, ParameterKind::number, Scope::any_time, 0, 0, 1},
    {JET_paramDeleteOldLogs, ParameterKind::number, Scope::before_init, 0, 0, 1},
    {JET_paramEventSourceKey, ParameterKind::text, Scope::any_time, 0, 0, kPathMost},
    {JET_paramNoInformationEvent, ParameterKind::number, Scope::any_time, 0, 0, 1},
    {JET_paramEventLoggingLevel, ParameterKind::number, Scope::any_time, 100, 0, 100},
    {JET_paramDeleteOutOfRangeLogs, ParameterKind::number, Scope::before_init, 0, 0, 0},
    {JET_paramAccessDeniedRetryPeriod, ParameterKind::number, Scope::process_any_time, 10000, 0,
     kAny},
    {JET_paramCacheSizeMin, ParameterKind::number, Scope::process_any_time, 1, 1, 0x7FFFFFFF},
    {JET_paramLogFileFailoverPath, ParameterKind::text, Scope::before_init, 0, 0, kPathMost},
    {JET_paramPreferredVerPages, ParameterKind::number, Scope::any_time, 922, 0, 0x7FFFFFFF},
    {JET_paramDatabasePageSize, ParameterKind::number, Scope::process_before, 8192, 2048, 32768},
    {JET_paramBackupChunkSize, ParameterKind::number, Scope::any_time, 16, 0, kAny},
    {JET_paramBackupOutstandingReads, ParameterKind::number, Scope::any_time, 8, 0, kAny},
    {JET_paramLogFileCreateAsynch, ParameterKind::number, Scope::before_init, 1, 0, 1},
    {JET_paramErrorToString, ParameterKind::text, Scope::read_only, 0, 0, 0},
    {JET_paramZeroDatabaseDuringBackup, ParameterKind::number, Scope::before_init, 0, 0, 0},
    {JET_paramCleanupMismatchedLogFiles, ParameterKind::number, Scope::before_init, 0, 0, 0},
    {JET_paramOSSnapshotTimeout, ParameterKind::number, Scope::process_any_time, 70000, 0,
     0x7FFFFFFF},
    {JET_paramExceptionAction, ParameterKind::number, Scope::process_any_time, 2, 2, 2},
    {JET_paramCreatePathIfNotExist, ParameterKind::number, Scope::any_time, 0, 0, 1},
    {JET_paramOneDatabasePerSession, ParameterKind::number, Scope::any_time, 0, 0, 1},
    {JET_paramMaxDatabasesPerInstance, ParameterKind::number, Scope::read_only, 7, 7, 7},
    {JET_paramMaxInstances, ParameterKind::number, Scope::process_before, 16, 1, 10240},
    {JET_paramAlternateDatabaseRecoveryPath, ParameterKind::text, Scope::before_init, 0, 0,
     kPathMost},
    {JET_paramEnableFileCache, ParameterKind::number, Scope::process_before, 1, 1, 1},
    {JET_paramVerPageSize, ParameterKind::number, Scope::read_only, kVersionPageBytes, 0, kAny},
    {JET_paramKeyMost, ParameterKind::number, Scope::read_only, 0, 0, kAny},
    {JET_paramLegacyFileNames, ParameterKind::number, Scope::before_init, 3, 0, 3},
};

bool is_text(const ParameterRule& rule) {
  return rule.kind == ParameterKind::text;
}

Error out_of_range(const ParameterRule& rule, const std::string& value) {
  return jet_error(JET_errInvalidParameter,
                   "parameter " + std::to_string(rule.id) + " cannot be " + value);
}

Status check_number(const ParameterRule& rule, std::uint64_t number) {
  const bool power_of_two = (number & (number - 1)) == 0;
  if (rule.id == JET_paramDatabasePageSize && !power_of_two) {
    return out_of_range(rule, std::to_string(number));
  }
  if (number >= rule.least && number <= rule.most) return Ok{};
  return out_of_range(rule, std::to_string(number));
}

Status check_text(const ParameterRule& rule, const std::string& text) {
  if (text.size() < rule.least || text.size() > rule.most) {
    return out_of_range(rule, "a text of " + std::to_string(text.size()) + " bytes");
  }
  if (rule.id == JET_paramBaseName && text.find('/') != std::string::npos) {
    return out_of_range(rule, "a path");
  }
  if (rule.id == JET_paramRecovery && text != "on" && text != "On" && text != "ON") {
    return jet_error(JET_errFeatureNotAvailable,
                     "an instance without a log is not offered: parameter Recovery stays on");
  }
  if (rule.id == JET_paramAlternateDatabaseRecoveryPath && !text.empty()) {
    return jet_error(JET_errFeatureNotAvailable,
                     "recovery looks for databases where the log says; use restore maps");
  }
  return Ok{};
}

Status make_or_refuse(const Parameters& own, const BytePath& folder, JET_ERR missing) {
  std::error_code failed;
  if (std::filesystem::is_directory(folder, failed)) return Ok{};
  if (own.number(JET_paramCreatePathIfNotExist) != 0) {
    if (Status s = make_directories(folder, kFolderMode); s.ok()) return s;
  }
  return jet_error(missing, "'" + escape_path(folder) +
                                "' is not a folder; make it, or set "
                                "JET_paramCreatePathIfNotExist");
}

}  // namespace

const ParameterRule* find_parameter(std::uint32_t id) {
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules),
                                   [&](const ParameterRule& rule) { return rule.id == id; });
  return found == std::end(kRules) ? nullptr : found;
}

Parameters::Parameters(const Parameters& other) {
  const std::lock_guard lock(other.mutex_);
  numbers_ = other.numbers_;
  texts_ = other.texts_;
}

Status Parameters::set(const ParameterRule& rule, std::uint64_t number, const std::string& text) {
  Status fits = is_text(rule) ? check_text(rule, text) : check_number(rule, number);
  if (!fits.ok()) return fits;
  const std::lock_guard lock(mutex_);
  if (is_text(rule)) {
    texts_[rule.id] = text;
  } else {
    numbers_[rule.id] = number;
  }
  return Ok{};
}

std::uint64_t Parameters::number(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = numbers_.find(id);
  return found != numbers_.end() ? found->second : find_parameter(id)->usual;
}

std::string Parameters::text(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = texts_.find(id);
  return found != texts_.end() ? found->second : find_parameter(id)->usual_text;
}

BytePath absolute_path(const std::string& path) {
  if (path.empty()) return {};
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed ? path : tidy_path(absolute.string());
}

InstanceOptions options_from(const Parameters& own, const Parameters& process) {
  InstanceOptions options;
  options.logs = absolute_path(own.text(JET_paramLogFilePath));
  options.system = absolute_path(own.text(JET_paramSystemPath));
  if (options.system == options.logs) options.system.clear();
  options.base = own.text(JET_paramBaseName);
  const std::uint64_t names = own.number(JET_paramLegacyFileNames);
  options.extensions =
      (names & kHistoricExtensions) != 0 ? LogExtensions::log_chk : LogExtensions::jtx_jcp;
  options.eight_digits = (names & kShortNames) == 0;
  options.log_bytes =
      static_cast<std::uint32_t>((own.number(JET_paramLogFileSize) + 3) / 4 * 4 << 10);
  options.circular = own.number(JET_paramCircularLog) != 0;
  options.page_bytes = static_cast<std::uint32_t>(process.number(JET_paramDatabasePageSize));
  options.database_pages = static_cast<std::uint32_t>(own.number(JET_paramDbExtensionSize));
  options.cache_bytes = process.number(JET_paramCacheSizeMax) * options.page_bytes;
  options.version_bytes = own.number(JET_paramMaxVerPages) * kVersionPageBytes;
  options.checkpoint_depth = own.number(JET_paramCheckpointDepthMax);
  return options;
}

Status prepare_folders(const Parameters& own) {
  const auto folder = [&](std::uint32_t id) { return absolute_path(own.text(id)); };
  Status system = make_or_refuse(own, folder(JET_paramSystemPath), JET_errInvalidSystemPath);
  if (!system.ok()) return system;
  return make_or_refuse(own, folder(JET_paramLogFilePath), JET_errInvalidLogDirectory);
}

}  // namespace stillframe::ese::jet
