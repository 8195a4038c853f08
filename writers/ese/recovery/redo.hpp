// Replays the records of a log on databases, through the page cache. Nothing reaches the files of
// the databases before finish().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/continued_log.hpp"
#include "writers/ese/recovery/log_lifecycle.hpp"
#include "writers/ese/recovery/quiet_position.hpp"
#include "writers/ese/recovery/recovered_database.hpp"
#include "writers/ese/recovery/recovery_plan.hpp"
#include "writers/ese/recovery/redo_sessions.hpp"
#include "writers/ese/recovery/undo.hpp"

namespace stillframe::ese {

struct RedoCounts {
  std::uint64_t records = 0;  // read
  std::uint64_t changes = 0;  // carried out, at least in part
  std::uint64_t already = 0;  // were on all their pages
  std::uint64_t skipped = 0;  // for databases or sessions that do not take part
  std::uint64_t undone = 0;   // changes of transactions that the log does not commit
};

class Redo {
 public:
  // Of the log that `undone` is of. All of them outlive it.
  Redo(Files& files, const RecoveryOptions& options, const UndoneTransactions& undone,
       std::uint32_t page_bytes);

  // From `start` on.
  Status begin(Lgpos start, const std::vector<Attachment>& attached, const LogFileHeader& log);
  // Errors name the record.
  Status apply(const LogRecord& record, const LogFileHeader& log);
  // The log has ended: takes back what was not committed, newest first, and makes the databases'
  // files what they are now. With `log` it is taken up again and says what was undone and that all
  // databases are consistent, unless that is said already.
  Status finish(const LogStreamEnd& end, ContinuedLog* log, bool ended_in_order);
  // Everything up to `at` was applied, and no transaction is open there: makes the files what a
  // crash would leave that came when all pages had just been written.
  Status pause(const QuietPosition& at);

  const RedoCounts& counts() const { return counts_; }
  const AttachedDatabases& databases() const { return databases_; }

 private:
  struct Held;  // the pages of a change
  // The log that made the changes is durable already.
  class DurableLog final : public WriteAhead {
    Status make_durable(Lgpos) override { return Ok{}; }
  };

  Status follow(const LogRecord& record, const LogFileHeader& log);
  Status put_away();
  Status take_out();

  Status apply_session(const LogRecord& record);
  Status apply_rollback(const LogRecord& record);
  Status apply_macro(const LogRecord& record);
  Status apply_page(const LogRecord& record);
  Status complete_version(const LogRecord& record);

  Status carry_out(ChangeRecords records, KnownDatabase& database, Dbid dbid, Procid procid);
  Result<Held> hold(ChangeRecords records, const KnownDatabase& database, Dbid dbid);
  Status apply_held(ChangeRecords records, Held& held, const ApplyContext& context);
  Status remember(ChangeRecords records, const Held& held, Dbid dbid, Procid procid);

  std::vector<Attachment> attachments();
  Status undo_open(const LogUndo& log, bool logged);
  // What recoveries before this one left in a database that they did not have.
  Status undo_left(const LogUndo& log);
  Status undo_one(const RedoVersion& version, Procid procid, const LogUndo& log);
  Status undo_session(Procid procid, RedoSession& session, const LogUndo& log);
  Status grow_to_owned();
  Status finish_database(KnownDatabase& database);
  Status pause_database(KnownDatabase& database, const QuietPosition& at);
  Result<Pgno> last_owned(Dbid dbid);

  Files& files_;
  const RecoveryOptions& options_;
  const UndoneTransactions& undone_;
  const std::uint32_t page_bytes_;
  AttachedDatabases databases_;
  LogLifecycle lifecycle_;
  RedoSessions sessions_;
  // Since a recovery began to undo in the log: the databases that it had changes of to undo.
  std::optional<std::set<Dbid>> undo_in_log_;
  RedoCounts counts_;
  DurableLog durable_;
  std::map<BytePath, std::unique_ptr<RecoveredDatabase>> stores_;  // outlive the cache
  PageCache cache_;
  std::map<Dbid, RecoveredDatabase*> in_cache_;
  Generation generation_ = Generation::none;
  Lgpos start_;
};

}  // namespace stillframe::ese
