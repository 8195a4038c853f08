#include "writers/ese/interlock/restore_interlock.hpp"

#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/instance/start_gate.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr const char* kUnfinishedEnding = ".new";

std::string record_name(const BytePath& logs) {
  return escape_path(restore_record_path(logs));
}

Error in_state(const BytePath& logs, const std::string& what) {
  return {Errc::wrong_state, "'" + record_name(logs) + "' " + what};
}

bool replaceable(RestoreState state) {
  return state == RestoreState::failed || state == RestoreState::recovered;
}

Error in_progress(const BytePath& logs, const std::string& why) {
  return ese_error(EseErr::restore_in_progress, "a restore is registered, '" + record_name(logs) +
                                                    "' " + why + ": " + restore_way_out(logs));
}

}  // namespace

BytePath restore_record_path(const BytePath& logs) {
  return join_path(logs, kRestoreRecordName);
}

std::string restore_way_out(const BytePath& logs) {
  return "complete it or restore again; if nobody will, 'esectl restore resume " +
         escape_path(logs) + "' recovers what was put in place, 'esectl restore abandon " +
         escape_path(logs) + "' forgets the restore";
}

Result<std::optional<RestoreRecord>> read_restore_record(Files& files, const BytePath& logs) {
  const BytePath path = restore_record_path(logs);
  if (!files.exists(path)) return std::optional<RestoreRecord>();
  const auto bytes = read_whole(files, path, kRestoreRecordBytesMax);
  if (!bytes.ok()) return bytes.error();
  const std::string_view text(reinterpret_cast<const char*>(bytes.value().data()),
                              bytes.value().size());
  auto record = decode_restore_record(text, escape_path(path));
  if (!record.ok()) return record.error();
  return std::optional<RestoreRecord>(std::move(record).value());
}

Status check_no_restore(Files& files, const BytePath& logs) {
  const auto found = read_restore_record(files, logs);
  if (!found.ok()) return in_progress(logs, "cannot be read (" + found.error().what() + ")");
  if (!found.value()) return Ok{};
  return in_progress(logs, "says " + std::string(name_of(found.value()->state)));
}

Status write_restore_record(Files& files, const BytePath& logs, const RestoreRecord& record) {
  const auto text = encode_restore_record(record);
  if (!text.ok()) return text.error();
  const BytePath path = restore_record_path(logs), unfinished = path + kUnfinishedEnding;
  if (files.exists(unfinished)) {
    if (Status s = files.remove(unfinished); !s.ok()) return s;
  }
  {
    const auto file = files.create(unfinished);
    if (!file.ok()) return file.error();
    const auto* bytes = reinterpret_cast<const std::byte*>(text.value().data());
    if (Status s = file.value()->write(0, {bytes, text.value().size()}); !s.ok()) return s;
    if (Status s = file.value()->sync(); !s.ok()) return s;
  }
  if (Status s = files.rename(unfinished, path); !s.ok()) return s;
  return files.sync_directory(logs);
}

Status remove_restore_record(Files& files, const BytePath& logs) {
  if (Status s = files.remove(restore_record_path(logs)); !s.ok()) return s;
  return files.sync_directory(logs);
}

// ---- The restore's own changes

Status register_restore(Files& files, const RestoreRecord& record) {
  const auto found = read_restore_record(files, record.logs);
  const bool over = found.ok() && found.value() && replaceable(found.value()->state);
  if (!over) {
    if (Status s = check_no_restore(files, record.logs); !s.ok()) return s;
  }
  Status written = write_restore_record(files, record.logs, record);
  return written.ok() ? written : written.error().while_doing("registering a restore");
}

Status complete_restore(Files& files, const BytePath& logs, RestoreId id, std::uint32_t result) {
  auto found = read_restore_record(files, logs);
  if (!found.ok()) return found.error();
  if (!found.value() || found.value()->id != id) {
    return in_state(logs, "is not there any more, or of another restore");
  }
  RestoreRecord record = std::move(*found.value());
  if (record.state != RestoreState::registered) {
    return in_state(logs, "says " + std::string(name_of(record.state)) + " already");
  }
  record.state = result == 0 ? RestoreState::copied : RestoreState::failed;
  record.result = result;
  Status written = write_restore_record(files, logs, record);
  return written.ok() ? written : written.error().while_doing("completing a restore");
}

// ---- An administrator's

Status resume_restore(Files& files, const BytePath& logs) {
  auto found = read_restore_record(files, logs);
  if (!found.ok()) return found.error();
  if (!found.value()) return in_state(logs, "is not there: no restore is registered");
  RestoreRecord record = std::move(*found.value());
  const bool waits =
      record.state == RestoreState::registered || record.state == RestoreState::failed;
  if (!waits) {
    return in_state(
        logs, "says " + std::string(name_of(record.state)) + ": the next start goes on by itself");
  }
  record.state = RestoreState::copied;
  record.result = 0;
  return write_restore_record(files, logs, record);
}

Status abandon_restore(Files& files, const BytePath& logs) {
  if (!files.exists(restore_record_path(logs))) {
    return in_state(logs, "is not there: no restore is registered");
  }
  const auto found = read_restore_record(files, logs);
  if (!found.ok() && found.error().code() == Errc::not_supported) return found.error();
  return remove_restore_record(files, logs);
}

}  // namespace stillframe::ese
