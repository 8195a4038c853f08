// What an external backup copied becomes databases again: JetExternalRestore, JetExternalRestore2.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "framework/io/file.hpp"
#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/backup/progress_meter.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/progress.hpp"
#include "writers/ese/jet/restore_map.hpp"
#include "writers/ese/jet/text.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese::jet {

namespace {

struct Asked {
  std::string checkpoint, logs, backup_logs;
  std::vector<RestoredPath> databases{};
  std::string base = "edb";
  Generation low{}, high{};
  // Where newer logs are: of an instance that runs, or of one that does not.
  std::string target_logs{}, target_checkpoint{};
  JET_PFNSTATUS status = nullptr;
};

Error invalid(const char* what) {
  return jet_error(JET_errInvalidParameter, what);
}

// ---- The target: an instance whose logs go on from the backup's

struct Target {
  std::optional<InstanceUse> running{};  // it stays so as long as this is held
  bool stopped = false;                  // its folders are those of the restore
};

Error bad_target(const std::string& why) {
  return jet_error(JET_errBadRestoreTargetInstance, "the target of the restore " + why);
}

Result<Target> running_target(const std::shared_ptr<JetInstance>& instance, const Asked& asked) {
  auto use = InstanceUse::enter(instance);
  if (!use.ok()) {
    if (jet_number(use.error()) == JET_errRestoreInProgress) return use.error();
    return bad_target("is an instance that does not run: " + use.error().what());
  }
  const InstanceOptions& options = instance->engine().options();
  if (options.base != asked.base) return bad_target("has logs of another name");
  if (options.circular) return Target{};  // its older logs are gone, so nothing goes on
  Target target;
  target.running.emplace(std::move(use).value());
  return target;
}

Result<Target> find_target(Files& files, const Asked& asked) {
  if (asked.target_logs.empty()) return Target{};
  for (const auto& instance : Process::get().instances()) {
    const std::string its = instance->parameters().text(JET_paramLogFilePath);
    if (absolute_path(its) == asked.target_logs) return running_target(instance, asked);
  }
  const auto logs = read_log_set(files, asked.target_logs, asked.base);
  if (!logs.ok() || (logs.value().chain.logs.empty() && logs.value().bad.empty())) {
    return bad_target("has no logs in '" + escape_path(asked.target_logs) + "'");
  }
  Target target;
  target.stopped = true;
  return target;
}

// ---- The restore

HardRestore restore_of(const Asked& asked, const Target& target) {
  const Parameters& process = Process::get().parameters();
  HardRestore restore;
  restore.databases = asked.databases;
  restore.set = asked.backup_logs;
  restore.base = asked.base;
  restore.low = asked.low;
  restore.high = asked.high;
  restore.logs = target.stopped ? asked.target_logs : asked.logs;
  restore.checkpoint = target.stopped ? asked.target_checkpoint : asked.checkpoint;
  restore.create_paths = process.number(JET_paramCreatePathIfNotExist) != 0;
  restore.page_bytes = static_cast<std::uint32_t>(process.number(JET_paramDatabasePageSize));
  return restore;
}

// Nobody else has these while the restore lasts. What is not there yet nobody has.
Status hold(const BytePath& path, JET_ERR taken, std::vector<PathLock>& held) {
  if (!exists(path)) return Ok{};
  auto lock = PathLock::take(path, taken);
  if (!lock.ok()) return lock.error();
  held.push_back(std::move(lock).value());
  return Ok{};
}

Result<std::vector<PathLock>> hold_all(const HardRestore& restore) {
  std::vector<PathLock> held;
  if (Status s = hold(restore.logs, JET_errLogFilePathInUse, held); !s.ok()) return s.error();
  if (restore.checkpoint != restore.logs) {
    Status s = hold(restore.checkpoint, JET_errSystemPathInUse, held);
    if (!s.ok()) return s.error();
  }
  for (const RestoredPath& each : restore.databases) {
    Status s = hold(each.file, JET_errDatabaseSharingViolation, held);
    if (!s.ok()) return s.error();
  }
  return held;
}

// Of the instance's log all that is finished now; what it logs from then on is its own. The checks
// come first, so that it does not begin a log for a restore that is refused.
Status follow_running(Files& files, HardRestore& restore, Instance& engine) {
  const auto current = static_cast<std::int32_t>(engine.log().header().fields.generation);
  restore.running_logs = engine.options().logs;
  restore.running_last = Generation{current - 1};
  if (Status s = check_restore(files, restore); !s.ok()) return s;
  const auto last = finish_log_for_restore(engine);
  if (!last.ok()) return last.error();
  restore.running_last = last.value();
  return Ok{};
}

Answer restore_with(Files& files, const Asked& asked, const Target& target) {
  HardRestore restore = restore_of(asked, target);
  const auto held = hold_all(restore);
  if (!held.ok()) return held.error();
  if (Status s = check_no_restore(files, restore.logs); !s.ok()) return s.error();
  if (target.running) {
    Status s = follow_running(files, restore, target.running->instance().engine());
    if (!s.ok()) return s.error();
  }
  ProgressMeter meter(progress_for(asked.status, JET_snpRestore));
  bool begun = false;
  const auto begin = [&] {
    if (!std::exchange(begun, true)) meter.begin();
  };
  restore.progress = [&](std::string_view what, std::uint64_t done, std::uint64_t total) {
    begin();
    if (what == "replaying") meter.advance(done, total, 0, 100);
  };
  const auto restored = restore_databases(files, restore);
  if (!restored.ok()) return restored.error();
  begin();
  meter.complete();
  return target.running ? Answer(JET_ERR{JET_wrnTargetInstanceRunning}) : success();
}

Status check_mode() {
  if (Process::get().mode() != Process::Mode::one_instance) return Ok{};
  return jet_error(JET_errRunningInOneInstanceMode,
                   "a process with one instance restores nothing beside it");
}

Answer restore(Asked asked) {
  if (asked.checkpoint.empty() || asked.logs.empty() || asked.backup_logs.empty()) {
    return invalid("a restore needs the paths of its checkpoint, its logs and the backup's logs");
  }
  if (asked.low < Generation::none || asked.high < Generation::none) {
    return invalid("there are no logs below 0");
  }
  if (asked.low > asked.high && asked.high != Generation::none) {
    return invalid("the first of the backup's logs is behind the last");
  }
  if (asked.target_logs.empty() != asked.target_checkpoint.empty()) {
    return invalid("a target has a path of its logs and one of its checkpoint");
  }
  for (std::string* path : {&asked.checkpoint, &asked.logs, &asked.backup_logs, &asked.target_logs,
                            &asked.target_checkpoint}) {
    *path = absolute_path(*path);
  }
  const auto files = posix_files();
  const auto target = find_target(*files, asked);
  if (!target.ok()) return target.error();
  return restore_with(*files, asked, target.value());
}

template <class Map>
Answer restore_mapped(Asked asked, const Map* map, std::int32_t count) {
  if (Status s = check_mode(); !s.ok()) return s.error();
  auto databases = restore_map_paths(map, count, LoggedPath::required);
  if (!databases.ok()) return databases.error();
  asked.databases = std::move(databases).value();
  return restore(std::move(asked));
}

// What the second form has more than the first.
template <class LogInfo, class Char>
Status take_target(Asked& asked, const LogInfo* range, const Char* name, const Char* logs,
                   const Char* checkpoint) {
  if (range == nullptr || range->cbSize != sizeof(LogInfo)) {
    return invalid("JET_LOGINFO is missing, or has another size");
  }
  if (name != nullptr) return invalid("a target is known by its paths, not by a name");
  std::basic_string<Char> base(range->szBaseName, JET_BASE_NAME_LENGTH + 1);
  base.resize(std::min(base.find(Char{0}), base.size()));
  asked.base = utf8(base.c_str());
  if (asked.base.size() != JET_BASE_NAME_LENGTH || asked.base.find('/') != std::string::npos) {
    return invalid("JET_LOGINFO has no base name of three characters");
  }
  asked.low = Generation{static_cast<std::int32_t>(range->ulGenLow)};
  asked.high = Generation{static_cast<std::int32_t>(range->ulGenHigh)};
  asked.target_logs = utf8(logs);
  asked.target_checkpoint = utf8(checkpoint);
  return Ok{};
}

template <class Map, class LogInfo, class Char>
Answer restore_for_target(Asked asked, const Map* map, std::int32_t count, const LogInfo* range,
                          const Char* name, const Char* logs, const Char* checkpoint) {
  if (Status s = check_mode(); !s.ok()) return s.error();
  if (Status s = take_target(asked, range, name, logs, checkpoint); !s.ok()) return s.error();
  return restore_mapped(std::move(asked), map, count);
}

template <class Char>
Asked asked_for(const Char* checkpoint, const Char* logs, const Char* backup_logs,
                JET_PFNSTATUS status) {
  Asked asked{utf8(checkpoint), utf8(logs), utf8(backup_logs)};
  asked.status = status;
  return asked;
}

Asked with_range(Asked asked, std::int32_t low, std::int32_t high) {
  asked.low = Generation{low};
  asked.high = Generation{high};
  return asked;
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetExternalRestoreA(JET_PCSTR szCheckpointFilePath, JET_PCSTR szLogPath,
                                    JET_RSTMAP_A* rgrstmap, int32_t crstfilemap,
                                    JET_PCSTR szBackupLogPath, int32_t genLow, int32_t genHigh,
                                    JET_PFNSTATUS pfn) {
  return answer([&] {
    const auto asked = asked_for(szCheckpointFilePath, szLogPath, szBackupLogPath, pfn);
    return restore_mapped(with_range(asked, genLow, genHigh), rgrstmap, crstfilemap);
  });
}
JET_ERR JET_API JetExternalRestoreW(JET_PCWSTR szCheckpointFilePath, JET_PCWSTR szLogPath,
                                    JET_RSTMAP_W* rgrstmap, int32_t crstfilemap,
                                    JET_PCWSTR szBackupLogPath, int32_t genLow, int32_t genHigh,
                                    JET_PFNSTATUS pfn) {
  return answer([&] {
    const auto asked = asked_for(szCheckpointFilePath, szLogPath, szBackupLogPath, pfn);
    return restore_mapped(with_range(asked, genLow, genHigh), rgrstmap, crstfilemap);
  });
}

JET_ERR JET_API JetExternalRestore2A(JET_PCSTR szCheckpointFilePath, JET_PCSTR szLogPath,
                                     JET_RSTMAP_A* rgrstmap, int32_t crstfilemap,
                                     JET_PCSTR szBackupLogPath, JET_LOGINFO_A* pLogInfo,
                                     JET_PCSTR szTargetInstanceName,
                                     JET_PCSTR szTargetInstanceLogPath,
                                     JET_PCSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn) {
  return answer([&] {
    return restore_for_target(asked_for(szCheckpointFilePath, szLogPath, szBackupLogPath, pfn),
                              rgrstmap, crstfilemap, pLogInfo, szTargetInstanceName,
                              szTargetInstanceLogPath, szTargetInstanceCheckpointPath);
  });
}
JET_ERR JET_API JetExternalRestore2W(JET_PCWSTR szCheckpointFilePath, JET_PCWSTR szLogPath,
                                     JET_RSTMAP_W* rgrstmap, int32_t crstfilemap,
                                     JET_PCWSTR szBackupLogPath, JET_LOGINFO_W* pLogInfo,
                                     JET_PCWSTR szTargetInstanceName,
                                     JET_PCWSTR szTargetInstanceLogPath,
                                     JET_PCWSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn) {
  return answer([&] {
    return restore_for_target(asked_for(szCheckpointFilePath, szLogPath, szBackupLogPath, pfn),
                              rgrstmap, crstfilemap, pLogInfo, szTargetInstanceName,
                              szTargetInstanceLogPath, szTargetInstanceCheckpointPath);
  });
}

}  // extern "C"
