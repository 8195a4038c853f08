#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/sdk/interlock_file.hpp"

namespace stillframe {
namespace {

constexpr std::string_view kTemporaryPrefix = ".restore.env.";

BytePath record_path(const BytePath& dir) {
  return dir + "/" + kInterlockName;
}

std::string way_out(const BytePath& dir) {
  const std::string target = "'" + escape_path(dir) + "'";
  return "finish it with `stillframe restore resume " + target +
         "` or take it back with `stillframe restore abandon " + target + "`";
}

Error interlocked(const BytePath& dir, const std::string& why) {
  return Error(Errc::interlocked,
               "'" + escape_path(record_path(dir)) + "' " + why + "; " + way_out(dir));
}

// What killed processes left beside the record.
void remove_leftovers(const BytePath& dir) {
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, Close> entries(::opendir(dir.c_str()));
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(kTemporaryPrefix)) {
      ::unlinkat(::dirfd(entries.get()), entry->d_name, 0);
    }
  }
}

// A file of its own name with the record in it, synced.
Status write_beside(const BytePath& path, const std::string& text, const InterlockSteps& at) {
  auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file.ok()) return file.error();
  at("created");
  if (Status s = write_all(file.value().get(), text, path); !s.ok()) return s;
  at("written");
  return sync_file(file.value().get(), path);
}

// One system call decides: link() never replaces, rename() always does.
Status give_name(const BytePath& from, const BytePath& dir, bool replace) {
  const BytePath to = record_path(dir);
  if (replace) {
    if (::rename(from.c_str(), to.c_str()) == 0) return Ok{};
    return posix_error(errno, "rename to", to);
  }
  if (::link(from.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST) return interlocked(dir, "holds an earlier restore");
    return posix_error(errno, "link to", to);
  }
  return Ok{};
}

}  // namespace

Status place_interlock(const BytePath& dir, const InterlockRecord& record, bool replace,
                       const InterlockSteps& at) {
  const std::string text = write_interlock_text(record);
  if (auto check = parse_interlock_text(text); !check.ok()) {
    return Error(Errc::invalid_argument, "interlock record: " + check.error().what());
  }
  const BytePath temporary =
      dir + "/" + std::string(kTemporaryPrefix) + uuid_to_string(generate_uuid());
  Status status = write_beside(temporary, text, at);
  if (status.ok()) {
    at("synced");
    status = give_name(temporary, dir, replace);
  }
  if (!status.ok() || !replace) ::unlink(temporary.c_str());
  if (!status.ok()) return status;
  at("placed");
  if (Status s = sync_directory(dir); !s.ok()) return s;
  at("done");
  return Ok{};
}

Status register_interlock(const BytePath& dir, const InterlockRecord& record) {
  remove_leftovers(dir);
  return place_interlock(dir, record, false, [](std::string_view) {});
}

Result<InterlockRecord> read_interlock(const BytePath& dir) {
  const BytePath path = record_path(dir);
  auto text = read_file(path, kInterlockBytesMax);
  if (!text.ok()) return text.error();
  auto record = parse_interlock_text(text.value());
  if (!record.ok()) return record.error().while_doing("reading '" + escape_path(path) + "'");
  return record;
}

Status update_interlock(const BytePath& dir, const InterlockRecord& record) {
  if (auto there = read_interlock(dir); !there.ok()) return there.error();
  return place_interlock(dir, record, true, [](std::string_view) {});
}

Status remove_interlock(const BytePath& dir) {
  const BytePath path = record_path(dir);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return posix_error(errno, "remove", path);
  remove_leftovers(dir);
  return sync_directory(dir);
}

Status startup_gate(const BytePath& dir) {
  auto record = read_interlock(dir);
  if (!record.ok()) {
    if (record.error().code() == Errc::not_found) return Ok{};
    return interlocked(dir, "cannot be trusted (" + record.error().what() + ")");
  }
  switch (record.value().state) {
    case InterlockRecord::State::registered:
      return interlocked(dir, "says that a restore is half done");
    case InterlockRecord::State::failed:
      return interlocked(dir, "says that a restore failed (" + record.value().failure + ")");
    case InterlockRecord::State::copied:
      // Every file is in place and there is no engine to recover: this start completes the restore.
      record.value().state = InterlockRecord::State::recovered;
      if (Status s = update_interlock(dir, record.value()); !s.ok()) return s;
      return remove_interlock(dir);
    case InterlockRecord::State::recovered:
      return remove_interlock(dir);
  }
  return interlocked(dir, "is in a state this program does not know");
}

}  // namespace stillframe
