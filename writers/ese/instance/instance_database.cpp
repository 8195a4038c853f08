#include "writers/ese/instance/instance_database.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/format/newest_log.hpp"

namespace stillframe::ese {

InstanceDatabase::InstanceDatabase(Dbid id, BytePath path, std::unique_ptr<DatabaseStore> store,
                                   const DatabaseHeader& header)
    : id_(id), path_(std::move(path)), store_(std::move(store)), header_(header) {}

DatabaseHeader InstanceDatabase::header() const {
  const std::lock_guard lock(header_mutex_);
  return header_;
}

// ---- The header

// Numbers in it may be older than those on pages only as far back as the checkpoint: redo counts on
// from the larger of the two.
Status InstanceDatabase::write_header() {
  header_.dbtime_dirtied = std::max(header_.dbtime_dirtied, last_dbtime());
  header_.objid_last = std::max(header_.objid_last, last_objid());
  return store_->write_header(header_);
}

Status InstanceDatabase::become_dirty(Lgpos at, Generation generation, LogTime created,
                                      LogTime now) {
  const std::lock_guard lock(header_mutex_);
  set_state(header_, DbState::dirty_shutdown, at.generation, generation);
  set_newest_log(header_, generation, created);
  header_.lgpos_attach = at;
  header_.time_attach = now;
  header_.lgpos_detach = Lgpos{};
  header_.time_detach = LogTime{};
  header_.dbid = static_cast<std::uint32_t>(id_);
  header_.gen_recovering = Generation::none;
  header_.full_current = header_.snapshot_current = BackupInfo{};
  // A map of flushes that other engines keep beside the file does not know of what is written now.
  header_.sign_header_flush = header_.sign_flush_map_flush = Signature{};
  return write_header();
}

Status InstanceDatabase::become_clean(Lgpos consistent, LogTime now) {
  const std::lock_guard lock(header_mutex_);
  set_state(header_, DbState::clean_shutdown, Generation::none, Generation::none);
  header_.lgpos_consistent = header_.lgpos_detach = header_.lgpos_last_resize = consistent;
  header_.time_consistent = header_.time_detach = now;
  return write_header();
}

Status InstanceDatabase::begin_generation(Generation generation, LogTime created) {
  const std::lock_guard lock(header_mutex_);
  if (header_.state != DbState::dirty_shutdown) return Ok{};
  set_newest_log(header_, generation, created);
  return write_header();
}

Status InstanceDatabase::need_logs_from(Generation oldest) {
  const std::lock_guard lock(header_mutex_);
  if (header_.state != DbState::dirty_shutdown || header_.gen_min_required >= oldest) return Ok{};
  header_.gen_min_required = header_.gen_min_consistent = oldest;
  return write_header();
}

Status InstanceDatabase::remember_backup(const BackupRecord2& record) {
  const std::lock_guard lock(header_mutex_);
  stamp_backup(header_, record);
  return write_header();
}

// ---- Its contents

void InstanceDatabase::make_parts(const SharedParts& parts, Dbtime last) {
  open_ = std::make_unique<OpenDatabase>(id_, *store_, parts.cache, parts.log, parts.versions,
                                         std::max(last, Dbtime::first));
  dbtimes_ = open_.get();
  space_ = std::make_unique<TreeSpace>(*open_, TreeId{Pgno{1}, Objid::root, true, false}, nullptr);
}

CatalogParts InstanceDatabase::catalog_parts(const SharedParts& parts, Procid session) {
  return {*open_, *space_, parts.transactions, session, header_.update_major};
}

Status InstanceDatabase::create_contents(const SharedParts& parts, Procid session,
                                         std::uint32_t pages) {
  make_parts(parts, Dbtime::first);
  OpenTransaction transaction(parts.transactions, parts.log, session);
  if (Status s = TreeSpace::create_root(*open_, transaction, pages); !s.ok()) return s;
  auto catalog = Catalog::create(catalog_parts(parts, session), transaction);
  if (!catalog.ok()) return catalog.error();
  catalog_ = std::move(catalog).value();
  objids_ = catalog_.get();
  return transaction.commit(CommitMode::lazy);
}

Status InstanceDatabase::open_contents(const SharedParts& parts, Procid session) {
  make_parts(parts, header().dbtime_dirtied);
  auto catalog = Catalog::open(catalog_parts(parts, session));
  if (!catalog.ok()) return catalog.error();
  catalog_ = std::move(catalog).value();
  objids_ = catalog_.get();
  return Ok{};
}

void InstanceDatabase::close_contents() {
  const Dbtime dbtime = last_dbtime();
  const Objid objid = last_objid();
  dbtimes_ = nullptr;
  objids_ = nullptr;
  catalog_.reset();
  space_.reset();
  open_.reset();
  const std::lock_guard lock(header_mutex_);
  header_.dbtime_dirtied = std::max(header_.dbtime_dirtied, dbtime);
  header_.objid_last = std::max(header_.objid_last, objid);
}

Dbtime InstanceDatabase::last_dbtime() const noexcept {
  const OpenDatabase* database = dbtimes_;
  return database == nullptr ? Dbtime{} : database->last_dbtime();
}

Objid InstanceDatabase::last_objid() const noexcept {
  const Catalog* catalog = objids_;
  return catalog == nullptr ? Objid{} : catalog->last_objid();
}

}  // namespace stillframe::ese
