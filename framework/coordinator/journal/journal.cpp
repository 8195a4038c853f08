#include "framework/coordinator/journal/journal.hpp"

#include <mutex>

#include "framework/coordinator/journal/rows.hpp"
#include "framework/coordinator/journal/schema.hpp"

namespace stillframe::coordinator {
namespace {

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(Database db) : db_(std::move(db)) {}

  Status record_snapshots(const std::vector<JournalledSnapshot>& snapshots) override {
    return in_transaction("recording snapshots", [&]() -> Status {
      for (const auto& snapshot : snapshots) {
        auto insert = db_.prepare("INSERT OR REPLACE INTO snapshots VALUES(?,?,?,?,?)");
        if (!insert.ok()) return insert.error();
        insert.value()
            .bind(1, snapshot.info.snapshot.to_string())
            .bind(2, snapshot.info.set.to_string())
            .bind(3, snapshot.session.to_string())
            .bind(4, std::int64_t{snapshot.auto_release})
            .bind(5, snapshot_to_row(snapshot.info));
        if (Status s = insert.value().run(); !s.ok()) return s;
      }
      return Ok{};
    });
  }

  Status forget_snapshot(const SnapshotId& snapshot) override {
    return run("forgetting snapshot " + snapshot.to_string(),
               "DELETE FROM snapshots WHERE snapshot = ?", {snapshot.to_string()});
  }

  Status forget_set(const SetId& set) override {
    return run("forgetting set " + set.to_string(), "DELETE FROM snapshots WHERE set_id = ?",
               {set.to_string()});
  }

  Result<std::vector<JournalledSnapshot>> snapshots() override {
    const std::lock_guard lock(mutex_);
    auto query = db_.prepare("SELECT session, auto_release, info FROM snapshots ORDER BY snapshot");
    if (!query.ok()) return query.error().while_doing("reading the journal");
    std::vector<JournalledSnapshot> found;
    for (;;) {
      auto row = query.value().step();
      if (!row.ok()) return row.error().while_doing("reading the journal");
      if (!row.value()) return found;
      auto session = SessionId::parse(query.value().text(0));
      auto info = snapshot_from_row(query.value().text(2));
      if (!session.ok()) return session.error().while_doing("reading the journal's snapshots");
      if (!info.ok()) return info.error().while_doing("reading the journal's snapshots");
      JournalledSnapshot& snapshot = found.emplace_back();
      snapshot.info = std::move(info).value();
      snapshot.session = session.value();
      snapshot.auto_release = query.value().number(1) != 0;
    }
  }

  Status record_evidence(const Evidence& evidence) override {
    return run("recording evidence of set " + evidence.set.to_string(),
               "INSERT OR REPLACE INTO evidence VALUES(?,?)",
               {evidence.set.to_string(), to_json(evidence)});
  }

  Result<Evidence> evidence(const SetId& set) override {
    const std::lock_guard lock(mutex_);
    auto query = db_.prepare("SELECT document FROM evidence WHERE set_id = ?");
    if (!query.ok()) return query.error();
    auto row = query.value().bind(1, set.to_string()).step();
    if (!row.ok()) return row.error();
    if (!row.value())
      return Error(Errc::not_found, "the journal has no evidence of set " + set.to_string());
    return parse_evidence(query.value().text(0));
  }

  Status record_receipt(const JournalledBackup& backup) override {
    const std::string id = backup.receipt.backup.to_string();
    return in_transaction("recording the receipt of backup " + id, [&]() -> Status {
      auto known = db_.prepare("SELECT receipt FROM backups WHERE backup = ?");
      if (!known.ok()) return known.error();
      auto row = known.value().bind(1, id).step();
      if (!row.ok()) return row.error();
      const std::string receipt = to_json(backup.receipt);
      if (row.value()) {
        if (known.value().text(0) == receipt) return Ok{};
        return Error(Errc::already_exists, "it has another receipt in the journal");
      }
      return insert_backup(id, receipt, backup);
    });
  }

  Status component_completed(const BackupId& backup, const JournalledComponent& c) override {
    const std::lock_guard lock(mutex_);
    auto update = db_.prepare(
        "UPDATE backup_components SET completed = 1 WHERE backup = ? AND writer_class = ? AND "
        "instance_name = ? AND logical_path = ? AND name = ?");
    if (!update.ok()) return update.error();
    update.value()
        .bind(1, backup.to_string())
        .bind(2, c.writer_class.to_string())
        .bind(3, c.instance_name)
        .bind(4, c.name.logical_path)
        .bind(5, c.name.name);
    return update.value().run();
  }

  Status record_outcome(const BackupId& backup, const std::string& outcome) override {
    return run("recording the outcome of backup " + backup.to_string(),
               "UPDATE backups SET outcome = ?2 WHERE backup = ?1", {backup.to_string(), outcome});
  }

  Result<JournalledBackup> backup(const BackupId& id) override {
    const std::lock_guard lock(mutex_);
    auto query =
        db_.prepare("SELECT type, chain_owner, receipt, outcome FROM backups WHERE backup = ?");
    if (!query.ok()) return query.error();
    auto row = query.value().bind(1, id.to_string()).step();
    if (!row.ok()) return row.error();
    if (!row.value())
      return Error(Errc::not_found, "the journal knows no backup " + id.to_string());
    auto receipt = parse_receipt(query.value().text(2));
    if (!receipt.ok()) return receipt.error();
    JournalledBackup backup;
    backup.receipt = std::move(receipt).value();
    backup.type = static_cast<BackupType>(query.value().number(0));
    backup.chain_owner = query.value().text(1);
    backup.outcome = query.value().text(3);
    if (Status s = read_components(id, backup.components); !s.ok()) return s.error();
    return backup;
  }

  Status record_restore(const JournalledRestore& restore) override {
    const std::lock_guard lock(mutex_);
    auto insert = db_.prepare("INSERT OR REPLACE INTO restores VALUES(?,?,?,?,?,?,?,?)");
    if (!insert.ok()) return insert.error();
    insert.value()
        .bind(1, restore.session.to_string())
        .bind(2, restore.component.writer_class.to_string())
        .bind(3, restore.component.instance_name)
        .bind(4, restore.component.name.logical_path)
        .bind(5, restore.component.name.name)
        .bind(6, static_cast<std::int64_t>(restore.state))
        .bind(7, restore.since.since_epoch().count())
        .bind(8, restore_to_row(restore));
    return insert.value().run();
  }

  Status forget_restore(const SessionId& session, const BackupComponent& component) override {
    return run("forgetting the restore of " + component.name.full(),
               "DELETE FROM restores WHERE session = ? AND writer_class = ? AND instance_name = ? "
               "AND logical_path = ? AND name = ?",
               {session.to_string(), component.writer_class.to_string(), component.instance_name,
                component.name.logical_path, component.name.name});
  }

  Result<std::vector<JournalledRestore>> restores() override {
    const std::lock_guard lock(mutex_);
    auto query = db_.prepare("SELECT session, state, since, document FROM restores ORDER BY since");
    if (!query.ok()) return query.error();
    std::vector<JournalledRestore> found;
    for (;;) {
      auto row = query.value().step();
      if (!row.ok()) return row.error();
      if (!row.value()) return found;
      auto restore = restore_from_row(query.value().text(3));
      if (!restore.ok()) return restore.error().while_doing("reading the journal's restores");
      auto session = SessionId::parse(query.value().text(0));
      if (!session.ok()) return session.error().while_doing("reading the journal's restores");
      restore.value().session = session.value();
      restore.value().state = static_cast<JournalledRestore::State>(query.value().number(1));
      restore.value().since = WallTime(Duration(query.value().number(2)));
      found.push_back(std::move(restore).value());
    }
  }

 private:
  // Transaction bodies run with mutex_ held and must not call public functions.
  template <class Body>
  Status in_transaction(const std::string& task, const Body& body) {
    const std::lock_guard lock(mutex_);
    auto transaction = Transaction::begin(db_);
    if (!transaction.ok()) return transaction.error().while_doing(task);
    if (Status s = body(); !s.ok()) return s.error().while_doing(task);
    if (Status s = transaction.value().commit(); !s.ok()) return s.error().while_doing(task);
    return Ok{};
  }

  Status run(const std::string& task, std::string_view sql,
             const std::vector<std::string>& parameters) {
    const std::lock_guard lock(mutex_);
    auto statement = db_.prepare(sql);
    if (!statement.ok()) return statement.error().while_doing(task);
    for (std::size_t i = 0; i < parameters.size(); ++i)
      statement.value().bind(static_cast<int>(i) + 1, parameters[i]);
    if (Status s = statement.value().run(); !s.ok()) return s.error().while_doing(task);
    return Ok{};
  }

  Status insert_backup(const std::string& id, const std::string& receipt,
                       const JournalledBackup& backup) {
    auto insert = db_.prepare("INSERT INTO backups VALUES(?,?,?,?,?)");
    if (!insert.ok()) return insert.error();
    insert.value()
        .bind(1, id)
        .bind(2, static_cast<std::int64_t>(backup.type))
        .bind(3, backup.chain_owner)
        .bind(4, receipt)
        .bind(5, backup.outcome);
    if (Status s = insert.value().run(); !s.ok()) return s;
    for (const auto& c : backup.components) {
      auto row = db_.prepare("INSERT INTO backup_components VALUES(?,?,?,?,?,?,?,?)");
      if (!row.ok()) return row.error();
      row.value()
          .bind(1, id)
          .bind(2, c.writer_class.to_string())
          .bind(3, c.instance_name)
          .bind(4, c.name.logical_path)
          .bind(5, c.name.name)
          .bind(6, c.stamp)
          .bind(7, static_cast<std::int64_t>(c.label))
          .bind(8, std::int64_t{c.completed});
      if (Status s = row.value().run(); !s.ok()) return s;
    }
    return Ok{};
  }

  Status read_components(const BackupId& id, std::vector<JournalledComponent>& into) {
    auto query = db_.prepare(
        "SELECT writer_class, instance_name, logical_path, name, stamp, label, completed "
        "FROM backup_components WHERE backup = ?");
    if (!query.ok()) return query.error();
    query.value().bind(1, id.to_string());
    for (;;) {
      auto row = query.value().step();
      if (!row.ok()) return row.error();
      if (!row.value()) return Ok{};
      auto writer_class = WriterClassId::parse(query.value().text(0));
      if (!writer_class.ok()) return writer_class.error();
      JournalledComponent& c = into.emplace_back();
      c.writer_class = writer_class.value();
      c.instance_name = query.value().text(1);
      c.name = {query.value().text(2), query.value().text(3)};
      c.stamp = query.value().text(4);
      c.label = static_cast<Consistency>(query.value().number(5));
      c.completed = query.value().number(6) != 0;
    }
  }

  std::mutex mutex_;
  Database db_;
};

Error with_way_out(const Error& error, const BytePath& file) {
  const Error named = error.while_doing("journal " + escape_path(file));
  if (error.code() == Errc::corrupt)
    return Error(Errc::corrupt,
                 named.what() +
                     "; move the file aside and start again: persistent snapshots are found again "
                     "through their providers, receipts and chains are not, so take full backups "
                     "next");
  if (error.code() == Errc::in_progress)
    return Error(Errc::in_progress,
                 named.what() +
                     "; another coordinator uses this state folder: stop it or choose "
                     "another folder");
  return named;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const BytePath& file) {
  auto db = Database::open(file);
  if (!db.ok()) return with_way_out(db.error(), file);
  if (Status s = prepare_schema(db.value()); !s.ok()) return with_way_out(s.error(), file);
  return std::unique_ptr<Journal>(std::make_unique<SqliteJournal>(std::move(db).value()));
}

}  // namespace stillframe::coordinator
