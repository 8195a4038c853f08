#include "writers/ese/backup/backup_file_copy.hpp"

#include <cstdlib>
#include <memory>
#include <utility>

#include "framework/base/check.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kBufferBytes = 512 * 1024, kBufferAlignment = 4096;

struct FreeBuffer {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

Status read_into(StreamingBackup& backup, BackupFile file, File& to, const CopiedBytes& copied) {
  const std::unique_ptr<std::byte, FreeBuffer> memory(
      static_cast<std::byte*>(std::aligned_alloc(kBufferAlignment, kBufferBytes)));
  STILLFRAME_CHECK(memory != nullptr, "no memory for the buffer of a backup");
  const MutableBytes buffer(memory.get(), kBufferBytes);
  std::uint64_t at = 0;
  for (;;) {
    const auto some = backup.read(file, buffer);
    if (!some.ok()) return some.error();
    if (some.value() == 0) return to.sync();
    if (Status s = to.write(at, buffer.first(some.value())); !s.ok()) return s;
    at += some.value();
    if (copied) copied(some.value());
  }
}

// The file itself, open on both sides.
Status copy_open_file(StreamingBackup& backup, BackupFile file, Files& files, const BytePath& to,
                      const CopiedBytes& copied) {
  auto target = files.create(to);
  if (!target.ok()) return target.error();
  Status done = read_into(backup, file, *target.value(), copied);
  if (done.ok()) return done;
  target.value().reset();
  if (Status removed = files.remove(to); !removed.ok()) {
    return done.error().while_doing("'" + escape_path(to) + "' could not be removed either (" +
                                    removed.error().what() + ") after");
  }
  return done;
}

}  // namespace

Status copy_backup_file(StreamingBackup& backup, const BytePath& from, Files& files,
                        const BytePath& to, const CopiedBytes& copied) {
  const auto opened = backup.open(from);
  if (!opened.ok()) return opened.error();
  Status done = copy_open_file(backup, opened.value().file, files, to, copied);
  // After a failed read it may be closed already.
  const Status closed = backup.close(opened.value().file);
  if (!done.ok()) {
    return done.error().code() == Errc::no_space && done.error().application_code() == 0
               ? ese_error(EseErr::disk_full, done.error().what())
               : done;
  }
  return closed;
}

}  // namespace stillframe::ese
