// Databases come and go.
#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/recovery/attached_databases.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kNumberFirst = 1, kNumberLast = 200;
constexpr std::uint32_t kFormatUpdate = 20;  // of new databases: what every reader knows
constexpr const char* kUnnamedEnding = ".creating";
constexpr std::uint32_t kDatabasePagesMin = 32;

Procid own_session(Dbid id) {
  return Procid{static_cast<std::uint8_t>(id)};
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

Status check_attachable(const DatabaseHeader& header, const BytePath& path,
                        std::uint32_t page_bytes) {
  if (header.full_current.low != Generation::none) {
    return ese_error(
        EseErr::soft_recovery_on_backup_database,
        quoted_path(path) + " is a copy from a backup; restore it with that one's logs");
  }
  if (header.state == DbState::just_created) {
    return ese_error(EseErr::database_dirty_shutdown,
                     "the creation of " + quoted_path(path) + " was interrupted; create it again");
  }
  if (!header.clean()) {
    return ese_error(EseErr::database_dirty_shutdown,
                     quoted_path(path) + " is in the state " + std::string(name_of(header.state)) +
                         "; it needs the logs that it was last used with: recover it with them");
  }
  if (header.page_size() == page_bytes) return Ok{};
  return ese_error(EseErr::page_size_mismatch,
                   quoted_path(path) + " has pages of " + std::to_string(header.page_size()) +
                       " bytes, those of this instance have " + std::to_string(page_bytes));
}

}  // namespace

// ---- What all of them share

Result<Dbid> Instance::free_number() const {
  for (std::uint8_t number = kNumberFirst; number <= kNumberLast; ++number) {
    if (!attachments_.number_taken(Dbid{number})) return Dbid{number};
  }
  return Error(Errc::limit_reached, "an instance has at most 200 databases");
}

Attachment Instance::attachment_of(const InstanceDatabase& database, Lgpos consistent) const {
  Attachment attachment;
  attachment.entry.dbid = database.id();
  attachment.entry.flags = AttachmentEntry::kUtf16;
  attachment.entry.consistent = consistent;
  attachment.entry.database = database.header().sign_db;
  attachment.entry.dbtime = database.header().dbtime_dirtied;
  attachment.entry.objid_last = database.header().objid_last;
  attachment.name = to_logged_utf16(database.path());
  return attachment;
}

InstanceDatabase* Instance::keep(std::unique_ptr<InstanceDatabase> database) {
  databases_.push_back(std::move(database));
  return databases_.back().get();
}

Status Instance::settle(InstanceDatabase& database) {
  return attachments_.settle_attached(database.id(), options_.clock());
}

Status Instance::log_detachment(InstanceDatabase& database) {
  const std::string path = to_logged_utf16(database.path());
  DetachDbRecord record;
  record.dbid = database.id();
  record.flags = DetachDbRecord::kUtf16;
  const auto logged = log_->append(encode_record(record, {bytes_of(path)}), LogRoom::reserve,
                                   [&](Lgpos at) { attachments_.detach(database.id(), at); });
  return logged.ok() ? log_->make_durable(logged.value().at) : Status(logged.error());
}

// Of a database that never came to be one: the log says that it is gone. If even that fails, the
// next start finds it as it would after a crash, and until then its record keeps the checkpoint
// back.
void Instance::give_up(std::unique_ptr<InstanceDatabase> database) {
  database->close_contents();
  if (log_detachment(*database).ok()) {
    attachments_.settle_detached(database->id());
  } else {
    broken_.push_back(std::move(database));
  }
}

Status Instance::append_durably(Bytes record) {
  const auto logged = log_->append(record);
  return logged.ok() ? log_->make_durable(logged.value().at) : Status(logged.error());
}

// ---- Creating

// The file comes before the record that speaks of it, and says of itself that it is not whole; it
// gets its name once it does.
Result<std::unique_ptr<InstanceDatabase>> Instance::make_file(const BytePath& path, Dbid id) {
  if (files_.exists(path)) {
    const auto there = read_database_header(files_, path);
    const bool interrupted =
        there.ok() && there.value() && there.value()->header.state == DbState::just_created;
    if (!interrupted) {
      return ese_error(EseErr::database_duplicate, quoted_path(path) + " is there already");
    }
    if (Status s = files_.remove(path); !s.ok()) return s.error();
  }
  const BytePath unnamed = path + kUnnamedEnding;
  if (files_.exists(unnamed)) {
    if (Status s = files_.remove(unnamed); !s.ok()) return s.error();
  }
  DatabaseHeader header;
  header.page_bytes = options_.page_bytes;
  header.update_major = header.create_update = kFormatUpdate;
  header.create_version = kDatabaseVersion;
  header.sign_db = new_signature();
  header.sign_log = log_->header().fields.log;
  header.dbid = static_cast<std::uint32_t>(id);
  const Generation now = log_->header().fields.generation;
  set_state(header, DbState::just_created, now, now);
  {
    auto file = files_.create(unnamed);
    if (!file.ok()) return file.error();
    DatabaseStore store(std::move(file).value(), options_.page_bytes);
    if (Status s = store.write_header(header); !s.ok()) return s.error();
  }
  if (Status s = files_.rename(unnamed, path); !s.ok()) return s.error();
  if (Status s = files_.sync_directory(parent_path(path)); !s.ok()) return s.error();
  auto file = files_.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  auto store = open_store(std::move(file).value());
  return std::make_unique<InstanceDatabase>(id, path, std::move(store), header);
}

std::unique_ptr<DatabaseStore> Instance::open_store(std::unique_ptr<File> file) const {
  auto store = std::make_unique<DatabaseStore>(std::move(file), options_.page_bytes);
  store->on_damage([this](Pgno pgno, const Error& error) {
    events_.tell(EngineEvent::page_damaged, EventLevel::error, error.what(),
                 {{"page", std::to_string(static_cast<std::uint32_t>(pgno))}});
  });
  return store;
}

Status Instance::log_creation(InstanceDatabase& database) {
  const std::string path = to_logged_utf16(database.path());
  const Attachment attachment = attachment_of(database, Lgpos{});
  if (Status s = attachments_.check_room(attachment); !s.ok()) return s;
  CreateDbRecord record;
  record.procid = own_session(database.id());
  record.dbid = database.id();
  record.database = database.header().sign_db;
  record.flags = CreateDbRecord::kVersions | CreateDbRecord::kUtf16;
  std::vector<std::byte> versions(2 * sizeof(std::uint16_t));
  store_le(versions.data(), static_cast<std::uint16_t>(kDatabaseVersion));
  store_le(versions.data() + sizeof(std::uint16_t), static_cast<std::uint16_t>(kFormatUpdate));
  const auto logged =
      log_->append(encode_record(record, {Bytes(versions), bytes_of(path)}), LogRoom::normal,
                   [&](Lgpos at) { attachments_.attach(database, attachment, at); });
  return logged.ok() ? Status(Ok{}) : Status(logged.error());
}

Result<InstanceDatabase*> Instance::create_database(const BytePath& path) {
  const std::lock_guard admin(admin_mutex_);
  const auto task = [&](const Error& error) {
    return error.while_doing("creating " + quoted_path(path));
  };
  if (Status s = check_no_backup("a new database"); !s.ok()) return task(s.error());
  const auto id = free_number();
  if (!id.ok()) return id.error();
  auto made = make_file(path, id.value());
  if (!made.ok()) return task(made.error());
  std::unique_ptr<InstanceDatabase> database = std::move(made).value();
  if (Status s = database->shelter_pages(files_); !s.ok()) return task(s.error());
  if (Status s = log_creation(*database); !s.ok()) return task(s.error());
  const Procid session = own_session(id.value());
  Status done = database->create_contents(parts(), session,
                                          std::max(kDatabasePagesMin, options_.database_pages));
  const CreateDbFinishRecord finish{RecordType::create_db_finish, session, id.value()};
  if (done.ok()) done = append_durably(encode_record(finish));
  if (!done.ok()) {
    // The file stays, and says that it was not finished.
    give_up(std::move(database));
    return task(done.error());
  }
  // It exists, whatever becomes of its header: recovery would make it from the log.
  if (Status s = settle(*database); !s.ok()) {
    broken_.push_back(std::move(database));
    return task(s.error());
  }
  tell_database(EngineEvent::database_created, path, " was created");
  return keep(std::move(database));
}

void Instance::tell_database(EngineEvent event, const BytePath& path, const char* what) const {
  events_.tell(event, EventLevel::info, quoted_path(path) + what,
               {{"database", escape_path(path)}});
}

// ---- Attaching

Result<std::unique_ptr<InstanceDatabase>> Instance::open_file(const BytePath& path, Dbid id) {
  const auto found = read_database_header(files_, path);
  if (!found.ok()) return found.error();
  if (!found.value()) {
    return ese_error(EseErr::database_not_found, "there is no database " + quoted_path(path));
  }
  DatabaseHeader header = found.value()->header;
  if (Status s = check_attachable(header, path, options_.page_bytes); !s.ok()) return s.error();
  // Positions in another sequence of logs mean nothing in this one.
  const Signature log = log_->header().fields.log;
  if (header.sign_log != log) {
    header.lgpos_consistent = Lgpos{};
    forget_backups(header);
  }
  header.sign_log = log;
  auto file = files_.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  auto store = open_store(std::move(file).value());
  if (found.value()->copies != HeaderCopies::equal) {
    if (Status s = store->write_header(found.value()->header); !s.ok()) return s.error();
  }
  return std::make_unique<InstanceDatabase>(id, path, std::move(store), header);
}

Status Instance::log_attachment(InstanceDatabase& database) {
  const DatabaseHeader header = database.header();
  const std::string path = to_logged_utf16(database.path());
  const Attachment attachment = attachment_of(database, header.lgpos_consistent);
  if (Status s = attachments_.check_room(attachment); !s.ok()) return s;
  AttachDbRecord record;
  record.procid = own_session(database.id());
  record.dbid = database.id();
  record.consistent = header.lgpos_consistent;
  record.database = header.sign_db;
  record.log = header.sign_log;
  record.flags = AttachDbRecord::kUtf16;
  const auto logged =
      log_->append(encode_record(record, {bytes_of(path)}), LogRoom::normal,
                   [&](Lgpos at) { attachments_.attach(database, attachment, at); });
  return logged.ok() ? log_->make_durable(logged.value().at) : Status(logged.error());
}

Result<InstanceDatabase*> Instance::attach_database(const BytePath& path) {
  const std::lock_guard admin(admin_mutex_);
  const auto task = [&](const Error& error) {
    return error.while_doing("attaching " + quoted_path(path));
  };
  if (Status s = check_no_backup("a database to attach"); !s.ok()) return task(s.error());
  if (attachments_.find(path) != nullptr) {
    return ese_error(EseErr::database_duplicate, quoted_path(path) + " is attached already");
  }
  const auto id = free_number();
  if (!id.ok()) return id.error();
  auto opened = open_file(path, id.value());
  if (!opened.ok()) return task(opened.error());
  std::unique_ptr<InstanceDatabase> database = std::move(opened).value();
  Status done = database->shelter_pages(files_);
  if (done.ok()) done = log_attachment(*database);
  if (done.ok()) done = settle(*database);
  if (done.ok()) done = database->open_contents(parts(), own_session(id.value()));
  if (done.ok()) {
    tell_database(EngineEvent::database_attached, path, " is attached");
    return keep(std::move(database));
  }
  // Nothing of it has changed but its header, which may say that it needs the log; so it goes as
  // it would after work. If that fails too, the next start sees to it.
  const bool attached = attachments_.find(path) != nullptr;
  if (attached && !close_database(*database).ok()) broken_.push_back(std::move(database));
  return task(done.error());
}

// ---- Detaching

Status Instance::detach_database(const BytePath& path) {
  const std::lock_guard admin(admin_mutex_);
  if (Status s = check_no_backup("a database to detach"); !s.ok()) return s;
  InstanceDatabase* database = attachments_.find(path);
  if (database == nullptr) {
    return ese_error(EseErr::database_not_found, quoted_path(path) + " is not attached");
  }
  const auto in_use = [&](const char* why) {
    return ese_error(EseErr::database_in_use, quoted_path(path) + " cannot be detached: " + why);
  };
  if (database->catalog().in_use()) return in_use("a session has a table of it open");
  if (Status s = clean_up(); !s.ok()) return s;
  if (versions_.versions_of(database->id()) > 0) {
    return in_use("a transaction that is open may have to see or undo what was changed");
  }
  Status closed = close_database(*database);
  if (closed.ok() || !database->has_catalog()) {
    const auto own = std::find_if(databases_.begin(), databases_.end(),
                                  [&](const auto& each) { return each.get() == database; });
    if (!closed.ok()) broken_.push_back(std::move(*own));
    databases_.erase(own);
  }
  if (!closed.ok()) return closed.error().while_doing("detaching " + quoted_path(path));
  tell_database(EngineEvent::database_detached, path, " is detached");
  return closed;
}

Status Instance::close_database(InstanceDatabase& database) {
  if (Status s = cache_->write_changed(); !s.ok()) return s;
  if (Status s = database.store().sync(); !s.ok()) return s;
  const auto marked =
      log_->append(encode_record(BareRecord{RecordType::shutdown_mark}), LogRoom::reserve);
  if (!marked.ok()) return marked.error();
  if (Status s = log_detachment(database); !s.ok()) return s;
  database.close_contents();
  if (Status s = database.become_clean(marked.value().at, options_.clock()); !s.ok()) return s;
  attachments_.settle_detached(database.id());
  return remove_shelter(files_, database.path());
}

}  // namespace stillframe::ese
