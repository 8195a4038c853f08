// jet.h for C++20: what is begun ends with its object, columns and keys have types, and what went
// wrong is an Error whose application_code() is the JET error. Nothing throws but std::bad_alloc.
// The rules are those of the C header: a session and all that is of it are used by one thread at a
// time. docs/ese/cpp.md goes through it; samples/address_book uses it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ese/definition.hpp>
#include <stillframe/ese/jet_status.hpp>
#include <stillframe/ese/table.hpp>

namespace stillframe::jet {

namespace detail {

// Shared by the session with its transactions and databases, in whichever order they go: the
// session's own end is what closes it, and after that its number is told to be invalid.
struct SessionState {
  JET_SESID session;
  std::vector<std::uint64_t> open;  // transactions, outermost first
  std::uint64_t begun = 0;
};

}  // namespace detail

// Taken back unless commit() was called. One that is begun inside another one counts only if that
// is committed too; they end in the opposite order of their beginning.
class [[nodiscard]] Transaction {
 public:
  explicit Transaction(std::shared_ptr<detail::SessionState> state)
      : state_(std::move(state)), number_(++state_->begun) {
    state_->open.push_back(number_);
  }
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() { (void)rollback(); }

  // `grbit`: JET_bitCommitLazyFlush for one that need not be durable at once. If it fails, nothing
  // has happened and the transaction is still there.
  Status commit(JET_GRBIT grbit = 0) {
    if (!is_open()) return not_open();
    if (state_->open.back() != number_) {
      return detail::error_of(JET_errInTransaction, "a transaction inside this one is still open");
    }
    Status committed =
        detail::status_of(JetCommitTransaction(state_->session, grbit), "JetCommitTransaction");
    if (committed.ok()) state_->open.pop_back();
    return committed;
  }
  // With all that was begun inside.
  Status rollback() {
    if (!is_open()) return not_open();
    Status done = Ok{};
    while (done.ok() && is_open()) {
      done = detail::status_of(JetRollback(state_->session, 0), "JetRollback");
      state_->open.pop_back();
    }
    return done;
  }

 private:
  bool is_open() const {
    return state_ != nullptr &&
           std::find(state_->open.begin(), state_->open.end(), number_) != state_->open.end();
  }
  static Status not_open() {
    return detail::error_of(JET_errNotInTransaction, "the transaction has ended");
  }

  std::shared_ptr<detail::SessionState> state_;  // null when moved from
  std::uint64_t number_;
};

class Database {
 public:
  Database(std::shared_ptr<detail::SessionState> state, JET_DBID database)
      : state_(std::move(state)), database_(database) {}
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) = delete;
  ~Database() {
    if (state_ != nullptr) JetCloseDatabase(state_->session, database_, 0);
  }

  Result<Table> create_table(const TableDefinition& definition) {
    JET_TABLEID table = JET_tableidNil;
    const JET_ERR err = definition.create(state_->session, database_, table);
    return table_of(detail::status_of(err, "JetCreateTableColumnIndex"), table, definition.name());
  }
  // `grbit`: any JET_bitTable.
  Result<Table> open_table(const std::string& name, JET_GRBIT grbit = 0) {
    JET_TABLEID table = JET_tableidNil;
    const JET_ERR err =
        JetOpenTableA(state_->session, database_, name.c_str(), nullptr, 0, grbit, &table);
    return table_of(detail::status_of(err, "JetOpenTable"), table, name);
  }
  Status delete_table(const std::string& name) {
    return detail::status_of(JetDeleteTableA(state_->session, database_, name.c_str()),
                             "JetDeleteTable");
  }
  JET_DBID handle() const noexcept { return database_; }

 private:
  Result<Table> table_of(const Status& opened, JET_TABLEID table, const std::string& name) {
    if (!opened.ok()) return opened.error().while_doing("table '" + name + "'");
    return Table(state_->session, table, name);
  }

  std::shared_ptr<detail::SessionState> state_;  // null when moved from
  JET_DBID database_;
};

// Its end takes back what is not committed and closes what was opened in it.
class Session {
 public:
  explicit Session(JET_SESID session)
      : state_(std::make_shared<detail::SessionState>(detail::SessionState{session, {}, 0})) {}
  Session(Session&&) noexcept = default;
  Session& operator=(Session&&) = delete;
  ~Session() {
    if (state_ != nullptr) JetEndSession(state_->session, 0);
  }

  // `grbit`: JET_bitTransactionReadOnly.
  Result<Transaction> begin(JET_GRBIT grbit = 0) {
    Status begun =
        detail::status_of(JetBeginTransaction2(state_->session, grbit), "JetBeginTransaction");
    if (!begun.ok()) return begun.error();
    return Transaction(state_);
  }
  // `grbit`: JET_bitDbOverwriteExisting.
  Result<Database> create_database(const BytePath& path, JET_GRBIT grbit = 0) {
    JET_DBID database = JET_dbidNil;
    const JET_ERR err =
        JetCreateDatabaseA(state_->session, path.c_str(), nullptr, &database, grbit);
    return database_of(detail::status_of(err, "JetCreateDatabase"), database, path);
  }
  // Attaches it first if it is not attached. `grbit`: JET_bitDbReadOnly.
  Result<Database> open_database(const BytePath& path, JET_GRBIT grbit = 0) {
    JET_DBID database = JET_dbidNil;
    Status opened = detail::status_of(JetAttachDatabaseA(state_->session, path.c_str(), grbit),
                                      "JetAttachDatabase");
    if (opened.ok()) {
      opened = detail::status_of(
          JetOpenDatabaseA(state_->session, path.c_str(), nullptr, &database, grbit),
          "JetOpenDatabase");
    }
    return database_of(opened, database, path);
  }
  JET_SESID handle() const noexcept { return state_->session; }

 private:
  Result<Database> database_of(const Status& opened, JET_DBID database, const BytePath& path) {
    if (!opened.ok()) return opened.error().while_doing("database '" + path + "'");
    return Database(state_, database);
  }

  std::shared_ptr<detail::SessionState> state_;  // null when moved from
};

// What is 0 is left to the engine.
struct InstanceOptions {
  BytePath folder;  // of logs and checkpoint; made if it is not there
  std::uint32_t log_file_kb = 0;
  // So much of the log a recovery has to read at most, about, and so much stays after a backup.
  std::uint32_t checkpoint_depth_kb = 0;
  std::uint32_t cache_pages_max = 0;
  std::uint32_t sessions_max = 0;
  bool circular_log = false;
};

// A running engine. Its end, by stop() or with the object, is orderly either way.
class Instance {
 public:
  // Recovers first what a crash has left behind. The name is this instance's own in the process.
  static Result<Instance> start(const std::string& name, const InstanceOptions& options) {
    JET_INSTANCE created = JET_instanceNil;
    Status made =
        detail::status_of(JetCreateInstanceA(&created, name.c_str()), "JetCreateInstance");
    if (!made.ok()) return made.error().while_doing("instance '" + name + "'");
    Instance instance(created);
    Status begun = instance.set(options);
    if (begun.ok()) {
      begun = detail::status_of(JetInit(&instance.instance_), "JetInit");
      if (!begun.ok()) instance.instance_ = JET_instanceNil;  // a JetInit that fails ends it
    }
    if (!begun.ok()) return begun.error().while_doing("instance '" + name + "'");
    return instance;
  }
  Instance(Instance&& other) noexcept
      : instance_(std::exchange(other.instance_, JET_instanceNil)) {}
  Instance& operator=(Instance&&) = delete;
  // Takes back what is still open in its sessions.
  ~Instance() {
    if (instance_ != JET_instanceNil) JetTerm2(instance_, JET_bitTermAbrupt);
  }

  Result<Session> session() {
    JET_SESID session = JET_sesidNil;
    Status begun = detail::status_of(JetBeginSessionA(instance_, &session, nullptr, nullptr),
                                     "JetBeginSession");
    if (!begun.ok()) return begun.error();
    return Session(session);
  }
  // Refused (-1059) while a transaction is open; then the instance runs on.
  Status stop() {
    Status stopped = detail::status_of(JetTerm2(instance_, JET_bitTermComplete), "JetTerm");
    if (stopped.ok()) instance_ = JET_instanceNil;
    return stopped;
  }
  JET_INSTANCE handle() const noexcept { return instance_; }

 private:
  explicit Instance(JET_INSTANCE instance) : instance_(instance) {}

  Status set(const InstanceOptions& options) {
    struct Setting {
      std::uint32_t parameter;
      JET_API_PTR number;
      const char* text;
    };
    const char* folder = options.folder.c_str();
    for (const Setting& each :
         {Setting{JET_paramCreatePathIfNotExist, 1, nullptr},
          Setting{JET_paramSystemPath, 0, folder}, Setting{JET_paramLogFilePath, 0, folder},
          Setting{JET_paramLogFileSize, options.log_file_kb, nullptr},
          Setting{JET_paramCheckpointDepthMax, JET_API_PTR{options.checkpoint_depth_kb} * 1024,
                  nullptr},
          Setting{JET_paramCacheSizeMax, options.cache_pages_max, nullptr},
          Setting{JET_paramMaxSessions, options.sessions_max, nullptr},
          Setting{JET_paramCircularLog, options.circular_log, nullptr}}) {
      if (each.number == 0 && each.text == nullptr) continue;
      const JET_ERR err =
          JetSetSystemParameterA(&instance_, JET_sesidNil, each.parameter, each.number, each.text);
      if (Status s = detail::status_of(err, "JetSetSystemParameter"); !s.ok()) return s;
    }
    return Ok{};
  }

  JET_INSTANCE instance_;  // nil when stopped or moved from
};

}  // namespace stillframe::jet
