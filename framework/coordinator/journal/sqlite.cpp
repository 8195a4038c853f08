#include "framework/coordinator/journal/sqlite.hpp"

#include <sqlite3.h>

namespace stillframe::coordinator {
namespace {

Errc code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_FULL:
      return Errc::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::in_progress;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Errc::access_denied;
    default:
      return Errc::io;
  }
}

Error last_error(sqlite3* db, std::string_view task) {
  return Error(code_of(sqlite3_extended_errcode(db)), sqlite3_errmsg(db)).while_doing(task);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::string_view text) {
  // A failed bind leaves NULL, which every column's NOT NULL then refuses when the statement runs.
  sqlite3_bind_text(statement_.get(), index, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return last_error(db_, sqlite3_sql(statement_.get()));
  }
}

Status Statement::run() {
  for (;;) {
    auto row = step();
    if (!row.ok()) return row.error();
    if (!row.value()) return Ok{};
  }
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr
             ? std::string()
             : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Database::Close::operator()(sqlite3* db) const noexcept {
  sqlite3_close_v2(db);
}

Result<Database> Database::open(const BytePath& file) {
  sqlite3* raw = nullptr;
  // Full mutex: the journal has its own, but an unused one costs nothing and forgives mistakes.
  const int code =
      sqlite3_open_v2(file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  Database db(raw);
  if (raw == nullptr) return Error(Errc::out_of_resources, "SQLite has no memory for a handle");
  if (code != SQLITE_OK) return last_error(raw, "opening " + escape_path(file));
  return db;
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return last_error(db_.get(), sql.substr(0, 60));
  return Ok{};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK)
    return last_error(db_.get(), sql);
  return Statement(db_.get(), statement);
}

Result<Transaction> Transaction::begin(Database& db) {
  if (Status s = db.execute("BEGIN IMMEDIATE"); !s.ok()) return s.error();
  return Transaction(db);
}

Transaction::~Transaction() {
  if (db_ != nullptr) (void)db_->execute("ROLLBACK");
}

Status Transaction::commit() {
  if (Status s = db_->execute("COMMIT"); !s.ok()) return s.error();
  db_ = nullptr;
  return Ok{};
}

}  // namespace stillframe::coordinator
