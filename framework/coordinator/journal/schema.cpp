#include "framework/coordinator/journal/schema.hpp"

namespace stillframe::coordinator {
namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE snapshots(
  snapshot TEXT NOT NULL PRIMARY KEY, set_id TEXT NOT NULL, session TEXT NOT NULL,
  auto_release INTEGER NOT NULL, info TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX snapshots_by_set ON snapshots(set_id);
CREATE TABLE evidence(set_id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE backups(
  backup TEXT NOT NULL PRIMARY KEY, type INTEGER NOT NULL, chain_owner TEXT NOT NULL,
  receipt TEXT NOT NULL, outcome TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE backup_components(
  backup TEXT NOT NULL, writer_class TEXT NOT NULL, instance_name TEXT NOT NULL,
  logical_path TEXT NOT NULL, name TEXT NOT NULL, stamp TEXT NOT NULL, label INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  PRIMARY KEY(backup, writer_class, instance_name, logical_path, name)) WITHOUT ROWID;
CREATE TABLE restores(
  session TEXT NOT NULL, writer_class TEXT NOT NULL, instance_name TEXT NOT NULL,
  logical_path TEXT NOT NULL, name TEXT NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY(session, writer_class, instance_name, logical_path, name)) WITHOUT ROWID;
)sql";

Result<std::int64_t> read_number(Database& db, const char* sql) {
  auto query = db.prepare(sql);
  if (!query.ok()) return query.error();
  auto row = query.value().step();
  if (!row.ok()) return row.error();
  return query.value().number(0);
}

Status check_pages(Database& db) {
  auto query = db.prepare("PRAGMA quick_check(1)");
  if (!query.ok()) return query.error();
  auto row = query.value().step();
  if (!row.ok()) return row.error();
  const std::string verdict = query.value().text(0);
  if (verdict != "ok") return Error(Errc::corrupt, verdict);
  return Ok{};
}

Status create(Database& db) {
  auto transaction = Transaction::begin(db);
  if (!transaction.ok()) return transaction.error();
  if (Status s = db.execute(kTables); !s.ok()) return s;
  // Both pragmas live in the file's header and are part of the transaction.
  if (Status s = db.execute("PRAGMA application_id = " + std::to_string(kJournalApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(kJournalVersion));
      !s.ok())
    return s;
  return transaction.value().commit();
}

}  // namespace

Status prepare_schema(Database& db) {
  // A rollback journal with EXTRA also syncs the directory after the journal is gone: a commit that
  // returned survives a power cut. WAL would need a shared-memory file and can lose the last
  // commit.
  if (Status s = db.execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;"
                            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF");
      !s.ok())
    return s;
  if (Status s = check_pages(db); !s.ok()) return s;

  auto tables = read_number(db, "SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.error();
  if (tables.value() == 0) return create(db);

  auto application = read_number(db, "PRAGMA application_id");
  if (!application.ok()) return application.error();
  if (application.value() != kJournalApplicationId)
    return Error(Errc::corrupt, "it is a SQLite database, but of another program");
  auto version = read_number(db, "PRAGMA user_version");
  if (!version.ok()) return version.error();
  if (version.value() > kJournalVersion)
    return Error(Errc::future_version,
                 "it was written by a later Stillframe (journal version " +
                     std::to_string(version.value()) + ", this program knows up to " +
                     std::to_string(kJournalVersion) + "); run that version or a newer one");
  if (version.value() < 1)
    return Error(Errc::corrupt, "its version is " + std::to_string(version.value()));
  return Ok{};
}

}  // namespace stillframe::coordinator
