#include "writers/ese/recovery/recover.hpp"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/io/support/crashing_files.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/log_writer.hpp"
#include "writers/ese/format/page.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"
#include "writers/ese/recovery/recover_copy.hpp"
#include "writers/ese/recovery/recovery_journal.hpp"

namespace stillframe::ese::tests {
namespace {

using stillframe::tests::CrashingFiles;

using Blob = std::vector<std::byte>;
using Nodes = std::vector<std::string>;

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint16_t kSegments = 24;
constexpr Dbid kDb{1};
constexpr Pgno kRoot{1};
constexpr Procid kFirst{5}, kSecond{6};
const BytePath kDatabase = "/db/TEST.edb", kLog = "/db/edb.log";

Blob blob(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// One generation of a log that makes a database of one tree and then works on it.
class TestLog {
 public:
  TestLog() {
    LogHeader& h = header.fields;
    h.generation = Generation{1};
    h.segment_bytes = 4096;
    h.header_segments = 1;
    h.file_segments = kSegments;
    h.page_bytes = kPageBytes;
    h.created.day = 1;
    h.major = 8;
    h.minor = 4000;
    h.update_major = 4;
    h.log.random = 77;
    h.file_type = FileType::log;
  }

  template <class R>
  Lgpos log(R record, const std::array<Bytes, part_count<R>()>& parts = {}) {
    const auto appended = writer_.append(encode_record(record, parts), LogTime{});
    EXPECT_TRUE(appended.has_value());
    return appended ? appended->at : Lgpos{};
  }

  void create() {
    CreateDbRecord record;
    record.dbid = kDb;
    record.database.random = 11;
    record.flags = CreateDbRecord::kVersions;
    const Blob versions(4), path = blob(std::string("C:\\data\\TEST.edb") + '\0');
    created_at = log(record, {versions, path});
    CreateMultipleExtentFdpRecord root;
    root.page = page(1);
    root.page.procid = kFirst;
    root.objid = Objid::root;
    root.owned_root = Pgno{2};
    root.available_root = Pgno{3};
    root.primary_pages = 30;
    root.page_flags = kPageNewRecord;
    begin(kFirst);
    log(root);
    commit(kFirst);
    log(CreateDbFinishRecord{RecordType::create_db_finish, kFirst, kDb});
  }
  void begin(Procid procid) {
    LevelRecord0 record;
    record.procid = procid;
    record.levels = 0x10;
    log(record);
  }
  void commit(Procid procid) {
    LevelRecord0 record;
    record.type = RecordType::commit0;
    record.procid = procid;
    log(record);
  }
  Lgpos insert(Procid procid, std::size_t line, std::string_view key, std::string_view data) {
    InsertRecord record;
    record.node = node(procid, line);
    const Blob suffix = blob(key), bytes = blob(data);
    return log(record, {Bytes{}, suffix, bytes});
  }
  Lgpos replace(Procid procid, std::size_t line, std::string_view old_data, std::string_view data) {
    ReplaceRecord record;
    record.node = node(procid, line);
    record.old_bytes = static_cast<std::uint16_t>(old_data.size());
    record.new_bytes = static_cast<std::uint16_t>(data.size());
    const Blob bytes = blob(data);
    return log(record, {bytes});
  }
  Lgpos flag_delete(Procid procid, std::size_t line) {
    LineRecord record;
    record.node = node(procid, line);
    return log(record);
  }

  // Takes a change of the node at `line` back, as a session does that rolls back.
  void undo(Procid procid, std::size_t line, std::uint32_t rceid) {
    UndoRecord record;
    record.node = node(procid, line);
    record.node.rceid = Rceid{rceid};
    log(record, {Bytes{}, Bytes{}});
  }
  void rollback(Procid procid) {
    LevelRecord record;
    record.type = RecordType::rollback;
    record.procid = procid;
    record.levels = 1;
    log(record);
  }
  // What the node was before the change `rceid`.
  void undo_info(Procid procid, std::uint32_t rceid, std::string_view key,
                 std::string_view old_data) {
    UndoInfoRecord record;
    record.node.page.procid = procid;
    record.node.page.dbid = kDb;
    record.node.page.page = kRoot;
    record.node.page.before = Dbtime::nil;
    record.node.rceid = Rceid{rceid};
    const Blob a = blob(key), b = blob(old_data);
    log(record, {a, Bytes{}, b});
  }

  // What a database that was shut down now would need of the log.
  void shut_down() {
    BareRecord mark;
    mark.type = RecordType::shutdown_mark;
    shutdown_at = log(mark);
    QuitRecord2 term;
    term.type = RecordType::term2;
    log(term);
  }

  void put_into(CrashingFiles& files, const BytePath& path = kLog) {
    Blob image = encode_log_header(header).value();
    image.resize(header.fields.file_bytes());
    for (const LogWriteStep& step : writer_.flush(FlushMode::close)) {
      for (const LogWrite& write : step) {
        std::copy(write.bytes.begin(), write.bytes.end(),
                  image.begin() + static_cast<std::ptrdiff_t>(write.offset));
      }
    }
    auto file = files.create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file.value()->write(0, image).ok());
    ASSERT_TRUE(file.value()->sync().ok());
    ASSERT_TRUE(files.sync_directory("/db").ok());
  }

  LogFileHeader header;
  Lgpos created_at, shutdown_at;

 private:
  PageRecordHeader page(std::int64_t step) {
    PageRecordHeader record;
    record.dbid = kDb;
    record.page = kRoot;
    record.before = Dbtime{dbtime_};
    record.dbtime = Dbtime{dbtime_ += step};
    record.level = 1;
    record.flags = PageRecordHeader::kVersioned | PageRecordHeader::kUnique;
    return record;
  }
  NodeRecordHeader node(Procid procid, std::size_t line) {
    NodeRecordHeader record;
    record.page = page(1);
    record.page.procid = procid;
    record.page.line = static_cast<std::uint16_t>(line);
    record.rceid = Rceid{++rceid_};
    record.fdp = kRoot;
    record.objid = Objid::root;
    return record;
  }

  LogSegmentWriter writer_{Generation{1}, kSegments};
  std::int64_t dbtime_ = 100;
  std::uint32_t rceid_ = 0;
};

RecoveryOptions options() {
  RecoveryOptions all;
  all.logs = "/db";
  all.base = "edb";
  all.databases.directory = "/db";
  all.cache_bytes = 64 * kPageBytes;
  all.identity.random = 4711;
  all.now.day = 3;
  return all;
}

Blob contents(Files& files, const BytePath& path) {
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return {};
  Blob bytes(file.value()->size().value());
  EXPECT_TRUE(file.value()->read(0, bytes).ok());
  return bytes;
}

DatabaseHeader header_of(Files& files) {
  auto found = find_header(contents(files, kDatabase), "test.edb");
  EXPECT_TRUE(found.ok());
  return found.ok() ? found.value().header : DatabaseHeader{};
}

Nodes nodes_of(const Blob& database, Pgno pgno = kRoot) {
  const std::size_t at = (static_cast<std::uint32_t>(pgno) + 1) * kPageBytes;
  if (database.size() < at + kPageBytes) return {"no such page"};
  const Bytes page = Bytes(database).subspan(at, kPageBytes);
  EXPECT_EQ(check_page_sum(page, static_cast<std::uint32_t>(pgno)), PageSum::good);
  Nodes nodes;
  const PageView view(page);
  for (std::size_t line = 0; line < view.lines(); ++line) {
    const NodeView node = view.node(line);
    const auto text = [](Bytes b) {
      return std::string(reinterpret_cast<const char*>(b.data()), b.size());
    };
    nodes.push_back((node.deleted() ? "-" : "") + text(node.key.suffix) + "=" + text(node.data));
  }
  return nodes;
}

// A committed transaction, and one that was under way when the log ends.
void work(TestLog& log) {
  log.create();
  log.begin(kFirst);
  log.insert(kFirst, 0, "apple", "red");
  log.insert(kFirst, 1, "pear", "green");
  log.insert(kFirst, 2, "plum", "blue");
  log.commit(kFirst);
  log.begin(kSecond);
  log.replace(kSecond, 0, "red", "yellow and red");
  log.flag_delete(kSecond, 1);
  log.insert(kSecond, 3, "quince", "yellow");
  log.replace(kSecond, 3, "yellow", "gold");
}

TEST(EseRecover, ReplaysWhatWasCommittedAndUndoesWhatWasNot) {
  CrashingFiles files;
  TestLog log;
  work(log);
  log.put_into(files);
  const auto report = recover(files, options());
  ASSERT_TRUE(report.ok()) << report.error().what();
  EXPECT_EQ(report.value().counts.undone, 4U);
  const Blob database = contents(files, kDatabase);
  EXPECT_EQ(nodes_of(database), (Nodes{"apple=red", "pear=green", "plum=blue", "-quince=yellow"}));
  EXPECT_EQ(database.size(), (30U + 2) * kPageBytes) << "as many pages as its extents say";
  const DatabaseHeader header = header_of(files);
  EXPECT_TRUE(header.clean());
  EXPECT_EQ(header.sign_db.random, 4711U) << "no log may be applied to it any more";
  EXPECT_FALSE(header.sign_log.set());
  EXPECT_EQ(header.gen_max_required, Generation::none);
  EXPECT_FALSE(files.exists(journal_path(kDatabase)));
}

TEST(EseRecover, ADatabaseThatTheLogShutsDownKeepsItsNameAndPosition) {
  CrashingFiles files;
  TestLog log;
  log.create();
  log.begin(kFirst);
  log.insert(kFirst, 0, "apple", "red");
  log.commit(kFirst);
  log.shut_down();
  log.put_into(files);
  const auto report = recover(files, options());
  ASSERT_TRUE(report.ok()) << report.error().what();
  const DatabaseHeader header = header_of(files);
  EXPECT_TRUE(header.clean());
  EXPECT_EQ(header.sign_db.random, 11U);
  EXPECT_EQ(header.lgpos_consistent, log.shutdown_at);
  EXPECT_EQ(nodes_of(contents(files, kDatabase)), Nodes{"apple=red"});

  const Blob before = contents(files, kDatabase);
  const auto again = recover(files, options());
  ASSERT_TRUE(again.ok()) << again.error().what();
  EXPECT_FALSE(again.value().plan.anything_to_do());
  EXPECT_EQ(contents(files, kDatabase), before);
}

TEST(EseRecover, ARecordThatDoesNotFitIsNamedAndNothingChanges) {
  CrashingFiles files;
  TestLog log;
  work(log);
  const Lgpos bad = log.replace(kSecond, 9, "x", "y");
  log.put_into(files);
  const auto refused = recover(files, options());
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is(refused.error(), EseErr::database_corrupted));
  EXPECT_NE(refused.error().what().find("Replace at " + to_text(bad)), std::string::npos)
      << refused.error().what();
  EXPECT_FALSE(files.exists(kDatabase));
  EXPECT_FALSE(files.exists(journal_path(kDatabase)));
}

TEST(EseRecover, AnUnknownRestIsRefusedByTheRecordThatSaysSo) {
  CrashingFiles files;
  TestLog log;
  work(log);
  ShrinkDbRecord shrink;
  shrink.dbid = kDb;
  shrink.last = Pgno{20};
  const Lgpos at = log.log(shrink);
  log.put_into(files);
  const auto refused = plan_recovery(files, options());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_supported);
  EXPECT_NE(refused.error().what().find("ShrinkDB at " + to_text(at)), std::string::npos)
      << refused.error().what();
}

TEST(EseRecover, ReplaysTheUndoThatASessionLogged) {
  CrashingFiles files;
  TestLog log;
  log.create();
  log.begin(kFirst);
  log.insert(kFirst, 0, "apple", "red");   // 1
  log.insert(kFirst, 1, "pear", "green");  // 2
  log.commit(kFirst);
  log.begin(kSecond);
  log.replace(kSecond, 0, "red", "a longer text");  // 3
  log.flag_delete(kSecond, 1);                      // 4
  log.undo(kSecond, 1, 4);
  log.undo(kSecond, 0, 3);
  log.rollback(kSecond);
  log.put_into(files);
  const auto report = recover(files, options());
  ASSERT_TRUE(report.ok()) << report.error().what();
  EXPECT_EQ(report.value().counts.undone, 0U);
  EXPECT_EQ(nodes_of(contents(files, kDatabase)), (Nodes{"apple=red", "pear=green"}));
}

TEST(EseRecover, ARollbackThatUndoesTooLittleIsNamed) {
  CrashingFiles files;
  TestLog log;
  work(log);
  log.rollback(kSecond);
  log.put_into(files);
  const auto refused = recover(files, options());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().what().find("leaves 4 changes"), std::string::npos)
      << refused.error().what();
}

// Calls a recovered database dirty again, as if its pages had been written just before the crash.
void call_dirty(CrashingFiles& files, const TestLog& log) {
  auto file = files.open(kDatabase, FileAccess::write);
  ASSERT_TRUE(file.ok());
  DatabaseHeader header = header_of(files);
  header.state = DbState::dirty_shutdown;
  header.sign_db.random = 11;
  header.lgpos_attach = log.created_at;
  header.gen_min_required = header.gen_max_required = Generation{1};
  Blob page(kPageBytes);
  seal_header(header, page);
  ASSERT_TRUE(file.value()->write(0, page).ok());
  ASSERT_TRUE(file.value()->write(kPageBytes, page).ok());
}

TEST(EseRecover, WhatWasWrittenBeforeItsCommitIsUndoneWithItsUndoInfo) {
  CrashingFiles files;
  TestLog log;
  log.create();
  log.begin(kFirst);
  log.insert(kFirst, 0, "apple", "red");  // 1
  log.commit(kFirst);
  log.begin(kSecond);
  log.replace(kSecond, 0, "red", "yellow and red");  // 2
  log.undo_info(kSecond, 2, "apple", "red");
  TestLog committed = log;
  log.put_into(files);
  // The page as it was with the change: all is replayed, and the transaction commits.
  committed.commit(kSecond);
  CrashingFiles with_change;
  committed.put_into(with_change);
  ASSERT_TRUE(recover(with_change, options()).ok());
  const Blob changed = contents(with_change, kDatabase);
  ASSERT_EQ(nodes_of(changed), Nodes{"apple=yellow and red"});
  auto file = files.create(kDatabase);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file.value()->write(0, changed).ok());
  call_dirty(files, log);

  const auto report = recover(files, options());
  ASSERT_TRUE(report.ok()) << report.error().what();
  EXPECT_EQ(report.value().counts.changes, 0U) << "everything was on the page";
  EXPECT_EQ(report.value().counts.undone, 1U);
  EXPECT_EQ(nodes_of(contents(files, kDatabase)), Nodes{"apple=red"});
}

TEST(EseRecover, ATransactionIsNotUndoneWithoutItsOldData) {
  CrashingFiles files;
  TestLog log;
  work(log);
  log.put_into(files);
  ASSERT_TRUE(recover(files, options()).ok());
  call_dirty(files, log);
  const Blob before = contents(files, kDatabase);
  const auto refused = recover(files, options());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().what().find("does not say what was before"), std::string::npos)
      << refused.error().what();
  EXPECT_EQ(contents(files, kDatabase), before);
}

TEST(EseRecoverPlan, MissingAndForeignLogsAreRefused) {
  CrashingFiles files;
  TestLog log;
  work(log);
  log.put_into(files);
  ASSERT_TRUE(recover(files, options()).ok());
  const DatabaseHeader whole = header_of(files);
  const auto refusal = [&](const std::function<void(DatabaseHeader&)>& change) {
    auto file = files.open(kDatabase, FileAccess::write);
    DatabaseHeader header = whole;
    header.state = DbState::dirty_shutdown;
    header.sign_db.random = 11;
    header.lgpos_attach = log.created_at;
    header.gen_min_required = header.gen_max_required = header.gen_max_committed = Generation{1};
    change(header);
    Blob page(kPageBytes);
    seal_header(header, page);
    EXPECT_TRUE(file.value()->write(0, page).ok());
    EXPECT_TRUE(file.value()->write(kPageBytes, page).ok());
    auto plan = plan_recovery(files, options());
    return plan.ok() ? Error(Errc::internal, "it was not refused") : plan.error();
  };
  EXPECT_TRUE(is(refusal([](auto& h) { h.gen_max_required = Generation{2}; }),
                 EseErr::required_log_files_missing));
  EXPECT_TRUE(is(refusal([](auto& h) { h.gen_max_committed = Generation{3}; }),
                 EseErr::committed_log_files_missing));
  EXPECT_TRUE(
      is(refusal([](auto& h) { h.time_gen_max_create.day = 9; }), EseErr::invalid_log_sequence));
  EXPECT_TRUE(is(refusal([](auto& h) {
                   h.update_major = 150;
                   h.time_gen_max_required.day = 9;
                 }),
                 EseErr::invalid_log_sequence));
  EXPECT_TRUE(is(refusal([](auto& h) { h.full_current.low = Generation{1}; }),
                 EseErr::soft_recovery_on_backup_database));
  EXPECT_TRUE(is(refusal([](auto& h) { h.state = DbState::revert_in_progress; }),
                 EseErr::database_incomplete_revert));
  EXPECT_TRUE(
      is(refusal([](auto& h) { h.sign_log.random = 5; }), EseErr::attached_database_mismatch));
  EXPECT_TRUE(
      is(refusal([](auto& h) { h.sign_db.random = 5; }), EseErr::attached_database_mismatch));
  EXPECT_EQ(refusal([](auto&) {}).code(), Errc::internal);
}

TEST(EseRecoverCopies, TheOriginalStaysAsItIs) {
  CrashingFiles files;
  TestLog log;
  work(log);
  log.put_into(files);
  const auto made = recover_copies(files, options(), "/out");
  ASSERT_TRUE(made.ok()) << made.error().what();
  ASSERT_EQ(made.value().made.size(), 1U);
  EXPECT_FALSE(files.exists(kDatabase));
  EXPECT_EQ(nodes_of(contents(files, made.value().made[0])).size(), 4U);
  const auto again = recover_copies(files, options(), "/out");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::already_exists);
}

// Killed at every operation that changes something, with what a disk may then hold, and run again:
// the outcome is the same.
TEST(EseRecover, IsTheSameAfterACrashAtAnyPoint) {
  CrashingFiles whole;
  TestLog log;
  work(log);
  log.put_into(whole);
  std::mt19937_64 start(1);
  const auto prepared = [&] { return whole.after_crash(start, 512); };
  const auto reference = prepared();
  const std::uint64_t before = reference->operations();
  ASSERT_TRUE(recover(*reference, options()).ok());
  const std::uint64_t operations = reference->operations() - before;
  const Blob expected = contents(*reference, kDatabase);
  ASSERT_GT(operations, 10U);
  ASSERT_EQ(nodes_of(expected).size(), 4U);
  for (std::uint64_t seed = 1; seed <= stillframe::tests::scaled(4); ++seed) {
    for (std::uint64_t stop = 1; stop <= operations; ++stop) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", stop " + std::to_string(stop));
      std::mt19937_64 random(seed * 1000 + stop);
      const auto files = prepared();
      files->stop_at(stop);
      EXPECT_FALSE(recover(*files, options()).ok());
      // The next run may be killed as well.
      const auto second = files->after_crash(random, seed % 2 == 0 ? 512 : 4096);
      second->stop_at(1 + random() % operations);
      (void)recover(*second, options());
      const auto third = second->after_crash(random, 512);
      const auto done = recover(*third, options());
      ASSERT_TRUE(done.ok()) << done.error().what();
      EXPECT_TRUE(contents(*third, kDatabase) == expected) << "the database differs";
      EXPECT_FALSE(third->exists(journal_path(kDatabase)));
    }
  }
}

}  // namespace
}  // namespace stillframe::ese::tests
