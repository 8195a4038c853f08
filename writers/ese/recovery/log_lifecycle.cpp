#include "writers/ese/recovery/log_lifecycle.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_parts.hpp"

namespace stillframe::ese {

namespace {

// Since this version the log has every page of a new database; before, the engine made them by
// running its own code.
bool logs_creation(const LogHeader& log) {
  return std::array{log.major, log.minor, log.update_major} >=
         std::array<std::uint32_t, 3>{8, 4000, 3};
}

std::string path_of(Bytes bytes, bool utf16) {
  return logged_path({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, utf16);
}

Error not_replayed(const LogRecord& record, const std::string& why) {
  return Error(Errc::not_supported,
               record_name(record.type()) + " at " + to_text(record.at) + ": " + why);
}

}  // namespace

bool LogLifecycle::changes_attachments(RecordType type) {
  switch (type) {
    case RecordType::create_db:
    case RecordType::attach_db:
    case RecordType::detach_db:
    case RecordType::term:
    case RecordType::term2:
    case RecordType::recovery_quit:
    case RecordType::recovery_quit2:
      return true;
    default:  // most do not
      return false;
  }
}

Status LogLifecycle::begin(const std::vector<Attachment>& attached, const LogFileHeader& log) {
  for (const Attachment& attachment : attached) {
    AttachEvent event;
    event.kind = AttachEvent::Kind::listed;
    event.dbid = attachment.entry.dbid;
    event.path = attachment.path();
    event.at = attachment.entry.attach;
    event.consistent = attachment.entry.consistent;
    event.database = attachment.entry.database;
    event.log = log.fields.log;
    event.page_bytes = log.fields.page_size();
    event.dbtime = attachment.entry.dbtime;
    event.objid_last = attachment.entry.objid_last;
    if (Status done = databases_->attach(event, log.fields.generation); !done.ok()) return done;
  }
  return Ok{};
}

Status LogLifecycle::create(const LogRecord& record, const LogFileHeader& log) {
  const auto created = decode_record<CreateDbRecord>(record.bytes);
  AttachEvent event;
  event.kind = AttachEvent::Kind::created;
  event.dbid = created.fixed.dbid;
  event.path = path_of(created.parts[1], (created.fixed.flags & CreateDbRecord::kUtf16) != 0);
  event.at = record.at;
  event.database = created.fixed.database;
  event.log = log.fields.log;
  event.page_bytes = log.fields.page_size();
  event.can_create = logs_creation(log.fields);
  return databases_->attach(event, log.fields.generation);
}

Status LogLifecycle::attach(const LogRecord& record, const LogFileHeader& log) {
  const auto attached = decode_record<AttachDbRecord>(record.bytes);
  AttachEvent event;
  event.dbid = attached.fixed.dbid;
  event.path = path_of(attached.parts[0], (attached.fixed.flags & AttachDbRecord::kUtf16) != 0);
  event.at = record.at;
  event.consistent = attached.fixed.consistent;
  event.database = attached.fixed.database;
  event.log = log.fields.log;
  event.page_bytes = log.fields.page_size();
  return databases_->attach(event, log.fields.generation);
}

// Before Windows Vista there were no marks of shutdowns in the log: a database was consistent where
// it was detached.
Status LogLifecycle::detach(const LogRecord& record, const LogFileHeader& log) {
  constexpr std::uint32_t kNoMarksUpdate = 6;  // 7.3704.6 of Windows XP and 2003
  const bool marks = log.fields.major > 7 || log.fields.update_major > kNoMarksUpdate;
  const Lgpos consistent = marks ? shutdown_ : record.at;
  shutdowns_.insert(record.at);
  databases_->detach(decode<DetachDbRecord>(record.bytes).dbid, consistent);
  return Ok{};
}

void LogLifecycle::set_version(const LogRecord& record) {
  const auto version = decode<SetDbVersionRecord>(record.bytes);
  KnownDatabase* database = databases_->attached(version.dbid);
  if (database == nullptr) return;
  DatabaseHeader& header = *database->header;
  const std::array now{header.version, header.update_major, header.update_minor};
  const std::array then{version.major, version.update_major, version.update_minor};
  if (then <= now) return;
  header.version = version.major;
  header.update_major = version.update_major;
  header.update_minor = version.update_minor;
}

void LogLifecycle::stamp(const LogRecord& record) {
  const auto backup = decode_record<BackupRecord2>(record.bytes).fixed;
  KnownDatabase* database = databases_->attached(backup.dbid);
  const bool update = BackupPhase{backup.phase} == BackupPhase::update;
  if (!update || database == nullptr || record.at <= database->attached_at) return;
  stamp_backup(*database->header, backup);
}

Status LogLifecycle::resize(const LogRecord& record) {
  const Dbid dbid{std::to_integer<std::uint8_t>(record.bytes[1])};
  const KnownDatabase* database = databases_->attached(dbid);
  const bool done = database == nullptr || record.at <= database->attached_at ||
                    record.at <= database->header->lgpos_last_resize;
  if (done) return Ok{};
  return not_replayed(record, "'" + escape_path(database->file) +
                                  "' gets smaller here, which this program does not replay");
}

Status LogLifecycle::follow(const LogRecord& record, const LogFileHeader& log) {
  const RecordKind* kind = record_kind(record.type());
  if (kind != nullptr && kind->record_class == RecordClass::refused) {
    return not_replayed(record, "engines so old write it that Windows does not replay it either");
  }
  switch (record.type()) {
    case RecordType::create_db:
      return create(record, log);
    case RecordType::attach_db:
      return attach(record, log);
    case RecordType::create_db_finish:
      databases_->finish_creation(decode<CreateDbFinishRecord>(record.bytes).dbid);
      return Ok{};
    case RecordType::detach_db:
      return detach(record, log);
    case RecordType::shutdown_mark:
      shutdown_ = record.at;
      shutdowns_.insert(record.at);
      return Ok{};
    case RecordType::term:
    case RecordType::term2:
    case RecordType::recovery_quit:
    case RecordType::recovery_quit2:
      databases_->detach_all(shutdown_);
      return Ok{};
    case RecordType::backup2:
      stamp(record);
      return Ok{};
    case RecordType::set_db_version:
      set_version(record);
      return Ok{};
    case RecordType::shrink_db:
    case RecordType::shrink_db2:
    case RecordType::shrink_db3:
    case RecordType::trim_db:
      return resize(record);
    case RecordType::begin_distributed:
    case RecordType::prepare_commit:
    case RecordType::prepare_rollback:
      return not_replayed(record,
                          "distributed transactions need their coordinator to be undone "
                          "or committed");
    default:  // the rest changes pages, or nothing
      return Ok{};
  }
}

}  // namespace stillframe::ese
