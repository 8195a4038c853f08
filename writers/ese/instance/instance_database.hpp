// One database that an instance has attached: its header, its pages and its catalog.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/engine/database_store.hpp"
#include "writers/ese/engine/open_database.hpp"
#include "writers/ese/engine/tree_space.hpp"
#include "writers/ese/format/backup_stamp.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/tables/catalog.hpp"

namespace stillframe::ese {

// What an instance has for all of its databases.
struct SharedParts {
  PageCache& cache;
  LogStream& log;
  VersionStore& versions;
  Transactions& transactions;
};

class InstanceDatabase {
 public:
  // `store` is the file of `path`, and `header` what is, or will be, in it.
  InstanceDatabase(Dbid id, BytePath path, std::unique_ptr<DatabaseStore> store,
                   const DatabaseHeader& header);

  Dbid id() const noexcept { return id_; }
  const BytePath& path() const noexcept { return path_; }
  DatabaseStore& store() noexcept { return *store_; }
  DatabaseHeader header() const;

  // ---- The header, in the file too when these return. Any thread.

  // Its pages are sheltered from here on. Before it has contents.
  Status shelter_pages(Files& files) { return store_->shelter_pages(files); }

  // Attached at `at`; the newest log is `generation`.
  Status become_dirty(Lgpos at, Generation generation, LogTime created, LogTime now);
  // Shut down in good order at `consistent`. All pages are in the file, and durable.
  Status become_clean(Lgpos consistent, LogTime now);
  // A generation began. Nothing to say for a file that is not dirty.
  Status begin_generation(Generation generation, LogTime created);
  // No older log is needed any more.
  Status need_logs_from(Generation oldest);
  // A backup of it has succeeded, as this record says, which is durable in the log.
  Status remember_backup(const BackupRecord2& record);

  // ---- Its contents.

  // A new one: pages 1 to `pages`, and a catalog.
  Status create_contents(const SharedParts& parts, Procid session, std::uint32_t pages);
  Status open_contents(const SharedParts& parts, Procid session);
  // Forgets the pages in memory; nobody uses the database.
  void close_contents();

  OpenDatabase& open() noexcept { return *open_; }
  Catalog& catalog() noexcept { return *catalog_; }
  // The end of what it owns now; the file has these pages at least.
  Result<Pgno> last_owned_page() { return space_->last_owned(); }
  bool has_catalog() const noexcept { return catalog_ != nullptr; }
  // The newest numbers that were given out.
  Dbtime last_dbtime() const noexcept;
  Objid last_objid() const noexcept;

 private:
  void make_parts(const SharedParts& parts, Dbtime last);
  CatalogParts catalog_parts(const SharedParts& parts, Procid session);
  Status write_header();

  const Dbid id_;
  const BytePath path_;
  const std::unique_ptr<DatabaseStore> store_;
  mutable std::mutex header_mutex_;
  DatabaseHeader header_;
  std::unique_ptr<OpenDatabase> open_;
  std::unique_ptr<TreeSpace> space_;
  std::unique_ptr<Catalog> catalog_;
  // For who asks for numbers while the contents are being opened.
  std::atomic<const OpenDatabase*> dbtimes_{nullptr};
  std::atomic<const Catalog*> objids_{nullptr};
};

}  // namespace stillframe::ese
