#include "writers/ese/recovery/attached_databases.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/record_types.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kHeaderBytesMax = 2 * kPageBytesMax;

// Every new database begins with this one; a SetDbVersion record raises it.
constexpr std::uint32_t kFirstUpdateMajor = 20;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The parts of a Windows or POSIX path.
std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '\\' || c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  // A log must not lead out of the folder that the caller named.
  std::erase_if(
      parts, [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
  return parts;
}

// The name in `directory` that is `name` but for its case.
BytePath existing(Files& files, const BytePath& directory, const std::string& name) {
  const BytePath exact = directory + "/" + name;
  if (files.exists(exact)) return exact;
  const auto names = files.list(directory);
  if (!names.ok()) return exact;
  for (const std::string& candidate : names.value()) {
    if (lower(candidate) == lower(name)) return directory + "/" + candidate;
  }
  return exact;
}

std::size_t equal_parts_at_end(const std::string& path, const std::string& other) {
  const auto one = components(lower(path)), two = components(lower(other));
  const auto differ = std::mismatch(one.rbegin(), one.rend(), two.rbegin(), two.rend());
  return static_cast<std::size_t>(differ.first - one.rbegin());
}

Error refuse(EseErr err, const KnownDatabase& database, const AttachEvent& event,
             const std::string& why) {
  return ese_error(
      err, "'" + escape_path(database.file) + "', attached at " + to_text(event.at) + ": " + why);
}

Status check_state(const KnownDatabase& database, const AttachEvent& event) {
  switch (database.header->state) {
    case DbState::incremental_reseed_in_progress:
      return refuse(EseErr::database_incomplete_incremental_reseed, database, event,
                    "its pages are being replaced from another copy; finish that first");
    case DbState::revert_in_progress:
      return refuse(EseErr::database_incomplete_revert, database, event,
                    "it is being taken back to an earlier time; finish that first");
    case DbState::being_converted:
    case DbState::force_detach:
      return Error(Errc::not_supported, "'" + escape_path(database.file) + "' is in the state " +
                                            std::string(name_of(database.header->state)) +
                                            ", which only old engines know how to leave");
    case DbState::just_created:
    case DbState::dirty_shutdown:
    case DbState::clean_shutdown:
    case DbState::dirty_and_patched_shutdown:
      return Ok{};
  }
  return ese_error(EseErr::database_corrupted,
                   "'" + escape_path(database.file) + "' is in a state that does not exist");
}

// Why the file is not the one that is attached here; empty if it is.
std::string other_file(const DatabaseHeader& header, const AttachEvent& event) {
  if (header.sign_db != event.database) return "it is another database than the log's";
  if (header.sign_log.set() && event.log.set() && header.sign_log != event.log) {
    return "it belongs to another sequence of logs";
  }
  return {};
}

// There is no such file, or one whose creation was interrupted: the log has all of it, and what
// pages it got does not matter.
bool is_made_anew(const KnownDatabase& database, const AttachEvent& event) {
  if (!database.header) return true;
  return event.kind == AttachEvent::Kind::created && event.can_create &&
         database.header->state == DbState::just_created &&
         other_file(*database.header, event).empty();
}

}  // namespace

BytePath DatabasePlaces::place(Files& files, const std::string& logged_path,
                               const Signature& database, bool made) const {
  const BytePath file = original(files, logged_path, database, made);
  const auto copy = copies.find(file);
  return copy == copies.end() ? file : copy->second;
}

// A file that cannot be read is not known by its signature, and is met again as one that is
// missing.
BytePath DatabasePlaces::named(Files& files, const std::string& logged_path,
                               const Signature& database, bool made) const {
  for (const auto& [path, file] : by_path) {
    if (lower(path) == lower(logged_path)) return file;
  }
  for (const BytePath& file : by_signature) {
    const auto found = read_database_header(files, file);
    if (found.ok() && found.value() && found.value()->header.sign_db == database) return file;
  }
  if (!made || by_signature.empty()) return {};
  BytePath best;
  std::size_t longest = 0;
  for (const auto& [path, file] : by_path) {
    const std::size_t same = equal_parts_at_end(path, logged_path);
    if (same <= longest || files.exists(file)) continue;
    longest = same;
    best = file;
  }
  return best;
}

BytePath DatabasePlaces::original(Files& files, const std::string& logged_path,
                                  const Signature& database, bool made) const {
  BytePath file = named(files, logged_path, database, made);
  if (!file.empty()) return file;
  if (as_logged) return logged_path;
  if (named_only) return {};
  const std::vector<std::string> parts = components(logged_path);
  if (parts.empty()) return directory + "/unnamed";
  // Databases in folders of their own may have equal names: as much of the path as is there.
  for (std::size_t from = 0; from + 1 < parts.size(); ++from) {
    BytePath at = directory;
    for (std::size_t i = from; i < parts.size(); ++i) at = existing(files, at, parts[i]);
    if (files.exists(at)) return at;
  }
  return existing(files, directory, parts.back());
}

Result<std::optional<HeaderFound>> read_database_header(Files& files, const BytePath& path) {
  if (!files.exists(path)) return std::optional<HeaderFound>();
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> start(std::min<std::uint64_t>(size.value(), kHeaderBytesMax));
  if (Status read = file.value()->read(0, start); !read.ok()) return read.error();
  auto found = find_header(start, escape_path(path));
  if (!found.ok()) return found.error();
  return std::optional(found.value());
}

Result<std::optional<HeaderFound>> DatabasePlaces::header(Files& files,
                                                          const BytePath& file) const {
  const auto copy = streamed.find(file);
  if (copy == streamed.end()) return read_database_header(files, file);
  return std::optional(HeaderFound{copy->second.header, HeaderCopies::equal});
}

Result<std::size_t> AttachedDatabases::find_or_open(const AttachEvent& event) {
  const bool made = event.kind == AttachEvent::Kind::created;
  const BytePath file = places_.place(*files_, event.path, event.database, made);
  for (std::size_t i = 0; i < known_.size(); ++i) {
    const bool same = file.empty() ? known_[i].logged_path == event.path : known_[i].file == file;
    if (same) return i;
  }
  auto header = file.empty() ? std::optional<HeaderFound>() : places_.header(*files_, file);
  if (!header.ok()) return header.error();
  KnownDatabase database;
  database.logged_path = event.path;
  database.file = file;
  if (header.value()) {
    database.header = header.value()->header;
    database.copies = header.value()->copies;
  }
  known_.push_back(std::move(database));
  return known_.size() - 1;
}

void AttachedDatabases::take(KnownDatabase& database, std::size_t index, const AttachEvent& event,
                             Generation generation) {
  DatabaseHeader& header = *database.header;
  if (header.clean() || header.state == DbState::just_created) {
    set_state(header, DbState::dirty_shutdown, generation, generation);
  }
  header.state = DbState::dirty_shutdown;
  header.lgpos_attach = event.at;
  header.lgpos_detach = Lgpos{};
  header.dbid = static_cast<std::uint32_t>(event.dbid);
  header.dbtime_dirtied = std::max(header.dbtime_dirtied, event.dbtime);
  header.objid_last = std::max(header.objid_last, event.objid_last);
  database.aside.clear();
  database.attached = database.took_part = true;
  database.attached_at = event.at;
  database.consistent = event.consistent;
  by_dbid_[event.dbid] = index;
}

Status AttachedDatabases::judge(KnownDatabase& database, const AttachEvent& event,
                                Generation generation) {
  const DatabaseHeader& header = *database.header;
  if (Status state = check_state(database, event); !state.ok()) return state;
  database.aside = other_file(header, event);
  if (!database.aside.empty()) return Ok{};
  if (header.state == DbState::just_created && event.kind != AttachEvent::Kind::created) {
    database.aside = "its creation was not finished";
    return Ok{};
  }
  const bool right = header.lgpos_consistent == event.consistent || header.lgpos_consistent.none();
  if (!right && header.lgpos_consistent > event.consistent && header.lgpos_consistent > event.at) {
    database.aside = "it was shut down in good order later, at " + to_text(header.lgpos_consistent);
    return Ok{};
  }
  if (!right) {
    return refuse(EseErr::consistent_time_mismatch, database, event,
                  "the log was written for a database that was consistent at " +
                      to_text(event.consistent) + ", this one was at " +
                      to_text(header.lgpos_consistent) +
                      "; one of them is of another history of the same database");
  }
  if (header.lgpos_attach > event.at) {
    database.aside = "it was attached later, at " + to_text(header.lgpos_attach);
    return Ok{};
  }
  if (header.gen_min_required != Generation::none && header.gen_min_required < generation) {
    return refuse(EseErr::required_log_files_missing, database, event,
                  "it needs the logs from generation " + hexadecimal(header.gen_min_required) +
                      " on, but they begin with " + hexadecimal(generation));
  }
  const bool copied = header.full_current.low != Generation::none;
  if (copied && !places_.streamed.contains(database.file)) {
    return refuse(EseErr::soft_recovery_on_backup_database, database, event,
                  "it is a copy from a streamed backup; restore it with the logs of that backup");
  }
  if (header.page_size() != event.page_bytes) {
    return refuse(EseErr::page_size_mismatch, database, event,
                  "its pages have " + std::to_string(header.page_size()) +
                      " bytes, those of the "
                      "logs " +
                      std::to_string(event.page_bytes));
  }
  return Ok{};
}

Status AttachedDatabases::attach(const AttachEvent& event, Generation generation) {
  const auto found = find_or_open(event);
  if (!found.ok()) return found.error();
  KnownDatabase& database = known_[found.value()];
  by_dbid_.erase(event.dbid);
  forget_absent(event.dbid);
  database.attached = false;
  database.absent_as.reset();
  if (database.file.empty()) {
    database.aside = "it is not one of those that are named";
    database.absent_as = event.dbid;
    return Ok{};
  }
  if (!database.header && event.kind != AttachEvent::Kind::created) {
    database.aside = "the file is not there";
    database.absent_as = event.dbid;
    return Ok{};
  }
  if (!database.header && !event.can_create) {
    return Error(Errc::not_supported,
                 "CreateDB at " + to_text(event.at) + " makes '" + escape_path(database.file) +
                     "', which is not there: logs before 8.4000.3 do not say how; bring the file");
  }
  if (is_made_anew(database, event)) {
    DatabaseHeader header;
    header.sign_db = event.database;
    header.sign_log = event.log;
    header.page_bytes = event.page_bytes;
    header.create_version = kDatabaseVersion;
    header.update_major = header.create_update = kFirstUpdateMajor;
    database.header = header;
    database.created = database.unfinished = true;
  }
  if (Status judged = judge(database, event, generation); !judged.ok()) return judged;
  if (database.aside.empty()) take(database, found.value(), event, generation);
  return Ok{};
}

void AttachedDatabases::finish_creation(Dbid dbid) {
  if (KnownDatabase* database = attached(dbid)) database->unfinished = false;
}

void AttachedDatabases::forget_absent(Dbid dbid) {
  for (KnownDatabase& known : known_) {
    if (known.absent_as == dbid) known.absent_as.reset();
  }
}

void AttachedDatabases::detach(Dbid dbid, Lgpos consistent) {
  forget_absent(dbid);
  KnownDatabase* database = attached(dbid);
  if (database == nullptr) return;
  DatabaseHeader& header = *database->header;
  set_state(header, DbState::clean_shutdown, {}, {});
  header.lgpos_consistent = header.lgpos_detach = header.lgpos_last_resize = consistent;
  header.gen_recovering = Generation::none;
  database->attached = false;
  by_dbid_.erase(dbid);
}

void AttachedDatabases::detach_all(Lgpos consistent) {
  for (KnownDatabase& known : known_) known.absent_as.reset();
  while (!by_dbid_.empty()) {
    const Dbid dbid = by_dbid_.begin()->first;
    detach(dbid, consistent);
    by_dbid_.erase(dbid);
  }
}

KnownDatabase* AttachedDatabases::attached(Dbid dbid) {
  const auto found = by_dbid_.find(dbid);
  return found == by_dbid_.end() ? nullptr : &known_[found->second];
}

}  // namespace stillframe::ese
