#include "tests/bench/ese/sqlite_store.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <sqlite3.h>

#include "framework/base/path.hpp"

namespace stillframe::ese::bench {

namespace {

constexpr int kBusyMs = 60'000;
constexpr std::size_t kPageBytes = 4096;

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Error failure(sqlite3* connection, const std::string& doing) {
  return Error(Errc::io, "SQLite, " + doing + ": " + sqlite3_errmsg(connection));
}

Status execute(sqlite3* connection, const std::string& sql) {
  if (sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return Ok{};
  return failure(connection, sql);
}

Result<Connection> connect(const BytePath& path, const StoreOptions& options) {
  sqlite3* raw = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, kFlags, nullptr);
  Connection connection(raw);
  if (opened != SQLITE_OK) return failure(raw, "opening '" + path + "'");
  sqlite3_busy_timeout(raw, kBusyMs);
  const std::size_t pages = options.checkpoint_bytes / kPageBytes;
  for (const std::string& sql :
       {std::string("PRAGMA journal_mode=WAL"), std::string("PRAGMA synchronous=FULL"),
        "PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024),
        "PRAGMA wal_autocheckpoint=" + std::to_string(std::min<std::size_t>(pages, 1U << 30))}) {
    if (Status s = execute(raw, sql); !s.ok()) return s.error();
  }
  return connection;
}

class SqliteSession final : public MeasuredSession {
 public:
  explicit SqliteSession(Connection connection) : connection_(std::move(connection)) {}

  Status prepare() {
    for (const auto& [statement, sql] :
         {std::pair{&begin_, "BEGIN"}, std::pair{&begin_write_, "BEGIN IMMEDIATE"},
          std::pair{&commit_, "COMMIT"},
          std::pair{&insert_, "INSERT INTO rows(key, value) VALUES(?1, ?2)"},
          std::pair{&update_, "UPDATE rows SET value = ?2 WHERE key = ?1"},
          std::pair{&read_, "SELECT value FROM rows WHERE key = ?1"},
          std::pair{&scan_, "SELECT value FROM rows WHERE key >= ?1 ORDER BY key LIMIT ?2"}}) {
      sqlite3_stmt* raw = nullptr;
      if (sqlite3_prepare_v2(connection_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) {
        return failure(connection_.get(), sql);
      }
      statement->reset(raw);
    }
    return Ok{};
  }

  Status begin() override { return step(begin_); }
  Status commit() override { return step(commit_); }
  Status insert(const Row& row) override { return change(insert_, row); }
  Status update(const Row& row) override { return change(update_, row); }

  Status read(Bytes key, MutableBytes value) override {
    bind(read_, 1, key);
    const bool found = sqlite3_step(read_.get()) == SQLITE_ROW;
    if (found) copy_column(read_, value);
    sqlite3_reset(read_.get());
    return found ? Status(Ok{}) : Status(Error(Errc::not_found, "there is no such row"));
  }

  Result<std::uint64_t> scan(Bytes key, std::uint64_t rows, std::uint64_t& sum) override {
    bind(scan_, 1, key);
    sqlite3_bind_int64(scan_.get(), 2, static_cast<sqlite3_int64>(rows));
    std::uint64_t seen = 0;
    int stepped = SQLITE_DONE;
    std::array<std::byte, kValueBytes> value;
    while ((stepped = sqlite3_step(scan_.get())) == SQLITE_ROW) {
      copy_column(scan_, value);
      sum += load_le<std::uint64_t>(value.data());
      ++seen;
    }
    sqlite3_reset(scan_.get());
    if (stepped != SQLITE_DONE) return failure(connection_.get(), "scanning");
    return seen;
  }

  Status insert_alone(const Row& row) override {
    if (Status s = step(begin_write_); !s.ok()) return s;
    if (Status s = insert(row); !s.ok()) return s;
    return commit();
  }

 private:
  static void bind(const Statement& statement, int at, Bytes bytes) {
    sqlite3_bind_blob(statement.get(), at, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_STATIC);
  }

  static void copy_column(const Statement& statement, MutableBytes to) {
    const auto* from = static_cast<const std::byte*>(sqlite3_column_blob(statement.get(), 0));
    const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), 0));
    std::copy_n(from, std::min(bytes, to.size()), to.begin());
  }

  Status step(const Statement& statement) {
    const int stepped = sqlite3_step(statement.get());
    sqlite3_reset(statement.get());
    return stepped == SQLITE_DONE
               ? Status(Ok{})
               : Status(failure(connection_.get(), sqlite3_sql(statement.get())));
  }

  Status change(const Statement& statement, const Row& row) {
    bind(statement, 1, row.key);
    bind(statement, 2, row.value);
    return step(statement);
  }

  Connection connection_;  // before the statements, which go first
  Statement begin_, begin_write_, commit_, insert_, update_, read_, scan_;
};

class SqliteStore final : public MeasuredStore {
 public:
  std::string_view name() const override { return "SQLite"; }

  Status open(const StoreOptions& options, After after) override {
    options_ = options;
    path_ = join_path(options.folder, "rows.sqlite");
    auto connection = connect(path_, options);
    if (!connection.ok()) return connection.error();
    connection_ = std::move(connection).value();
    if (after == After::crash) {
      return execute(connection_.get(), "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    return execute(connection_.get(),
                   "CREATE TABLE IF NOT EXISTS rows(key BLOB PRIMARY KEY, value BLOB) "
                   "WITHOUT ROWID");
  }

  Status close() override {
    connection_.reset();
    return Ok{};
  }

  Result<std::unique_ptr<MeasuredSession>> session() override {
    auto connection = connect(path_, options_);
    if (!connection.ok()) return connection.error();
    auto session = std::make_unique<SqliteSession>(std::move(connection).value());
    if (Status s = session->prepare(); !s.ok()) return s.error();
    return std::unique_ptr<MeasuredSession>(std::move(session));
  }

 private:
  StoreOptions options_;
  BytePath path_;
  Connection connection_;
};

}  // namespace

std::unique_ptr<MeasuredStore> make_sqlite_store() {
  return std::make_unique<SqliteStore>();
}

}  // namespace stillframe::ese::bench
