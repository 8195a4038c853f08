#include "writers/ese/backup/backup_file_copy.hpp"

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

Status read_into(StreamingBackup& backup, BackupFile file, WriteBehind& to,
                 const CopiedBytes& copied) {
  for (;;) {
    const auto room = to.room();
    if (!room.ok()) return room.error();
    const auto some = backup.read(file, room.value());
    if (!some.ok()) return some.error();
    if (some.value() == 0) return Ok{};
    to.put(some.value());
    if (copied) copied(some.value());
  }
}

}  // namespace

Status as_backup_error(Status written) {
  if (written.ok() || written.error().code() != Errc::no_space) return written;
  return written.error().application_code() == 0
             ? ese_error(EseErr::disk_full, written.error().what())
             : written;
}

Status copy_backup_file(StreamingBackup& backup, const BytePath& from, WriteBehind& to,
                        const BytePath& place, const CopiedBytes& copied) {
  const auto opened = backup.open(from);
  if (!opened.ok()) return opened.error();
  Status done = to.begin(place);
  if (done.ok()) done = read_into(backup, opened.value().file, to, copied);
  // After a failed read it may be closed already.
  const Status closed = backup.close(opened.value().file);
  return done.ok() ? closed : as_backup_error(done);
}

Status copy_backup_file(StreamingBackup& backup, const BytePath& from, Files& files,
                        const BytePath& to, const CopiedBytes& copied) {
  WriteBehind stored(files);
  Status done = copy_backup_file(backup, from, stored, to, copied);
  if (done.ok()) done = as_backup_error(stored.settle());
  if (done.ok()) return done;
  if (const Status removed = stored.discard(); !removed.ok()) {
    return done.error().while_doing("'" + escape_path(to) + "' could not be removed either (" +
                                    removed.error().what() + ") after");
  }
  return done;
}

}  // namespace stillframe::ese
