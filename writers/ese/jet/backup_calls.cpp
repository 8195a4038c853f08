// Backups into a folder: JetBackup, JetStopBackup.
#include <string>
#include <utility>

#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/jet/process.hpp"
#include "writers/ese/jet/progress.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

namespace {

constexpr JET_GRBIT kBackupBits = JET_bitBackupIncremental | JET_bitKeepOldLogs |
                                  JET_bitBackupAtomic | JET_bitBackupFullWithAllLogs;

// An end that began after this call entered did not know of the backup: whoever it asked to stop
// had not begun yet. So each step asks.
ProgressCallback watched(JetInstance& instance, ProgressCallback told) {
  return [&instance, told = std::move(told)](ProgressStep step, int percent) {
    if (instance.terminating()) instance.backups().stop();
    if (told) told(step, percent);
  };
}

Answer back_up(JetInstance& instance, const std::string& path, JET_GRBIT grbit,
               JET_PFNSTATUS status) {
  if ((grbit & ~kBackupBits) != 0) {
    return jet_error(JET_errInvalidGrbit, "JetBackup was given options that do not exist");
  }
  const bool logs_only = (grbit & JET_bitBackupIncremental) != 0;
  DirectoryBackup how;
  how.directory = absolute_path(path);
  how.contents = logs_only ? BackupContents::logs_only : BackupContents::full;
  how.atomic = (grbit & JET_bitBackupAtomic) != 0;
  how.create_path = instance.parameters().number(JET_paramCreatePathIfNotExist) != 0;
  how.progress = watched(instance, progress_for(status, JET_snpBackup));
  const Status done = back_up_to_directory(instance.backups().directory(), how);
  if (done.ok() || !instance.terminating()) return answer_of(done);
  if (!is(done.error(), EseErr::backup_abort_by_server)) return done.error();
  return jet_error(JET_errTermInProgress, "the instance is being ended: " + done.error().what());
}

// Not held up by what the instance does, nor by its end.
Answer stop_backup(JET_INSTANCE instance) {
  const auto found = Process::get().named_or_only(instance);
  if (!found.ok()) return found.error();
  found.value()->stop_backup();
  return success();
}

}  // namespace

}  // namespace stillframe::ese::jet

using namespace stillframe::ese::jet;

extern "C" {

JET_ERR JET_API JetBackupA(JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
  return JetBackupInstanceA(JET_instanceNil, szBackupPath, grbit, pfnStatus);
}
JET_ERR JET_API JetBackupW(JET_PCWSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
  return JetBackupInstanceW(JET_instanceNil, szBackupPath, grbit, pfnStatus);
}
JET_ERR JET_API JetBackupInstanceA(JET_INSTANCE instance, JET_PCSTR szBackupPath, JET_GRBIT grbit,
                                   JET_PFNSTATUS pfnStatus) {
  return in_instance(instance, [&](JetInstance& its) {
    return back_up(its, utf8(szBackupPath), grbit, pfnStatus);
  });
}
JET_ERR JET_API JetBackupInstanceW(JET_INSTANCE instance, JET_PCWSTR szBackupPath, JET_GRBIT grbit,
                                   JET_PFNSTATUS pfnStatus) {
  return in_instance(instance, [&](JetInstance& its) {
    return back_up(its, utf8(szBackupPath), grbit, pfnStatus);
  });
}

JET_ERR JET_API JetStopBackup(void) {
  return JetStopBackupInstance(JET_instanceNil);
}
JET_ERR JET_API JetStopBackupInstance(JET_INSTANCE instance) {
  return answer([&] { return stop_backup(instance); });
}

}  // extern "C"
