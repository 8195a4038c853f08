// What an instance does with its files from one start to the next.
#include <array>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/ese/support/instance_checks.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/schema.hpp"
#include "writers/ese/tables/cursor.hpp"

namespace stillframe::ese {
namespace {

using tests::bookmark_of;
using tests::CrashingFiles;
using tests::expect_good_log;
using tests::expect_sound;
using tests::header_of;
using tests::little;
using tests::number_of;
using tests::small_instance;
using tests::started;

const BytePath kDatabase = "/db/one.edb", kOther = "/db/two.edb", kCheckpoint = "/log/edb.chk";

TableSpec numbers() {
  TableSpec spec;
  spec.name = "numbers";
  spec.columns = {{.name = "id", .type = ColumnType::long_int, .flags = kColumnNotNull},
                  {.name = "text", .type = ColumnType::long_binary}};
  spec.indexes = {{.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}}};
  return spec;
}

void create_table(Instance& instance, InstanceDatabase& database) {
  auto session = instance.open_session();
  ASSERT_TRUE(session.ok());
  const auto transaction = session.value().begin();
  auto made = database.catalog().create_table(*transaction, numbers());
  ASSERT_TRUE(made.ok()) << made.error().what();
  const Status done = transaction->commit();
  ASSERT_TRUE(done.ok()) << done.error().what();
}

Status insert(TableObject& table, OpenTransaction& transaction, int id, std::size_t bytes) {
  const Value text(bytes, static_cast<std::byte>(id));
  const auto key =
      TableRows(table, transaction).insert({{ColumnId{1}, {little(id)}}, {ColumnId{256}, {text}}});
  return key.ok() ? Status(Ok{}) : Status(key.error());
}

void fill(Instance& instance, InstanceDatabase& database, int first, int last,
          std::size_t bytes = 100) {
  auto session = instance.open_session();
  ASSERT_TRUE(session.ok());
  const auto transaction = session.value().begin();
  auto use = database.catalog().open_table(*transaction, "numbers");
  ASSERT_TRUE(use.ok()) << use.error().what();
  for (int id = first; id < last; ++id) {
    const Status done = insert(use.value().table(), *transaction, id, bytes);
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  const Status done = transaction->commit();
  ASSERT_TRUE(done.ok()) << done.error().what();
}

std::vector<int> rows_of(Instance& instance, InstanceDatabase& database) {
  std::vector<int> rows;
  auto session = instance.open_session();
  const auto transaction = session.value().begin();
  auto use = database.catalog().open_table(*transaction, "numbers");
  if (!use.ok()) {
    ADD_FAILURE() << use.error().what();
    return rows;
  }
  const auto definition = use.value().table().last_definition();
  Cursor cursor(use.value().table(), *transaction);
  Status moved = cursor.first();
  for (; moved.ok() && cursor.on_row(); moved = cursor.next()) {
    const auto id = cursor.values(*definition->find_column(ColumnId{1}, false));
    if (!id.ok()) ADD_FAILURE() << id.error().what();
    if (!id.ok()) break;
    rows.push_back(number_of(id.value()[0]));
  }
  EXPECT_TRUE(moved.ok());
  return rows;
}

std::vector<int> from_to(int first, int last) {
  std::vector<int> rows;
  for (int id = first; id < last; ++id) rows.push_back(id);
  return rows;
}

InstanceDatabase& created(Instance& instance, const BytePath& path) {
  auto database = instance.create_database(path);
  EXPECT_TRUE(database.ok()) << database.error().what();
  return *database.value();
}

InstanceDatabase& attached(Instance& instance, const BytePath& path) {
  auto database = instance.attach_database(path);
  EXPECT_TRUE(database.ok()) << database.error().what();
  return *database.value();
}

// In all leaves that are in use.
std::size_t deleted_nodes(Files& files, const BytePath& path, std::size_t page_bytes) {
  auto file = files.open(path, FileAccess::read);
  const DatabaseStore pages(std::move(file).value(), page_bytes);
  std::vector<std::byte> bytes(page_bytes);
  std::size_t deleted = 0;
  for (std::uint32_t pgno = 1; pgno <= static_cast<std::uint32_t>(pages.last_page()); ++pgno) {
    EXPECT_TRUE(pages.read_pages(Pgno{pgno}, bytes).ok());
    const PageView page(bytes);
    if (page.dbtime() == Dbtime{} || !page.leaf() || page.has(kPageEmpty)) continue;
    for (std::size_t line = 0; line < page.lines(); ++line) {
      deleted += (page.node_flags(line) & kNodeDeleted) != 0 ? 1 : 0;
    }
  }
  return deleted;
}

void stop(Instance& instance) {
  const Status stopped = instance.stop();
  ASSERT_TRUE(stopped.ok()) << stopped.error().what();
}

class InstanceTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  InstanceTest() : options_(small_instance(GetParam())) {}

  CrashingFiles files_;
  InstanceOptions options_;
};
std::string instance_page_bytes(const testing::TestParamInfo<std::uint32_t>& info) {
  return std::to_string(info.param) + "Bytes";
}
INSTANTIATE_TEST_SUITE_P(Pages, InstanceTest, testing::Values(2048, 4096, 8192, 16384, 32768),
                         instance_page_bytes);

TEST_P(InstanceTest, AFirstRunLeavesACleanDatabaseAndAnOrderlyLog) {
  const auto instance = started(files_, options_);
  ASSERT_NE(instance, nullptr);
  EXPECT_FALSE(instance->recovered().has_value());
  InstanceDatabase& database = created(*instance, kDatabase);
  EXPECT_EQ(header_of(files_, kDatabase).state, DbState::dirty_shutdown);
  create_table(*instance, database);
  fill(*instance, database, 0, 200);
  const Signature log = instance->log().header().fields.log;
  stop(*instance);

  const DatabaseHeader header = header_of(files_, kDatabase);
  EXPECT_TRUE(header.clean());
  EXPECT_EQ(header.update_major, 20U);
  EXPECT_EQ(header.sign_log, log);
  EXPECT_FALSE(header.lgpos_consistent.none());
  EXPECT_EQ(header.lgpos_consistent, header.lgpos_detach);
  EXPECT_EQ(header.gen_max_required, Generation::none);
  expect_sound(files_, kDatabase);
  expect_good_log(files_, options_);
}

// As Windows lays out a new one.
TEST_P(InstanceTest, ANewDatabaseHasTheSystemTablesWhereReadersLookForThem) {
  const auto instance = started(files_, options_);
  created(*instance, kDatabase);
  stop(*instance);
  EXPECT_EQ(expect_sound(files_, kDatabase).tables, 3U);
  auto file = files_.open(kDatabase, FileAccess::read);
  const DatabaseStore pages(std::move(file).value(), GetParam());
  const auto schema = read_schema(pages, 20);
  ASSERT_TRUE(schema.ok()) << schema.error().what();
  EXPECT_EQ(schema.value().find("MSysObjects")->root, Pgno{4});
  EXPECT_EQ(schema.value().find("MSysObjectsShadow")->root, Pgno{24});
  EXPECT_EQ(schema.value().find("MSysObjids")->objid, Objid{6});
}

TEST_P(InstanceTest, TheNextRunFindsWhatTheLastOneLeft) {
  {
    const auto instance = started(files_, options_);
    InstanceDatabase& database = created(*instance, kDatabase);
    create_table(*instance, database);
    fill(*instance, database, 0, 50);
    stop(*instance);
  }
  const Signature identity = header_of(files_, kDatabase).sign_db;
  const auto instance = started(files_, options_);
  ASSERT_NE(instance, nullptr);
  ASSERT_TRUE(instance->recovered().has_value());
  EXPECT_FALSE(instance->recovered()->plan.anything_to_do());
  EXPECT_TRUE(instance->recovered()->plan.ended_in_order);
  InstanceDatabase& database = attached(*instance, kDatabase);
  EXPECT_EQ(rows_of(*instance, database), from_to(0, 50));
  fill(*instance, database, 50, 80);
  stop(*instance);
  EXPECT_EQ(header_of(files_, kDatabase).sign_db, identity);
  expect_sound(files_, kDatabase);
  expect_good_log(files_, options_);
}

// Without stop(): what is in the log is carried out, what is not committed is undone, and the log
// goes on, so the database stays the same one.
TEST_P(InstanceTest, ARunThatDoesNotEndIsRecoveredAndItsLogContinued) {
  {
    const auto instance = started(files_, options_);
    InstanceDatabase& database = created(*instance, kDatabase);
    create_table(*instance, database);
    fill(*instance, database, 0, 50, 3000);
    auto session = instance->open_session();
    const auto open = session.value().begin();
    auto use = database.catalog().open_table(*open, "numbers");
    for (int id = 50; id < 120; ++id) ASSERT_TRUE(insert(use.value().table(), *open, id, 9).ok());
    for (int id = 0; id < 10; ++id) {
      ASSERT_TRUE(TableRows(use.value().table(), *open).remove(bookmark_of(id)).ok());
    }
    ASSERT_TRUE(instance->flush().ok());
    // Dropped with its transaction open: rolling back is what a crash does not do.
    CrashingFiles& files = files_;
    files.stop_at(1);
  }
  std::mt19937_64 random(1);
  const auto after = files_.after_crash(random, 4096);
  const Signature identity = header_of(*after, kDatabase).sign_db;
  const auto instance = started(*after, options_);
  ASSERT_NE(instance, nullptr);
  ASSERT_TRUE(instance->recovered().has_value());
  EXPECT_GT(instance->recovered()->counts.undone, 79U);
  const DatabaseHeader header = header_of(*after, kDatabase);
  EXPECT_TRUE(header.clean());
  EXPECT_EQ(header.sign_db, identity);
  EXPECT_EQ(header.sign_log, instance->log().header().fields.log);
  expect_sound(*after, kDatabase);
  InstanceDatabase& database = attached(*instance, kDatabase);
  EXPECT_EQ(rows_of(*instance, database), from_to(0, 50));
  fill(*instance, database, 50, 60);
  stop(*instance);
  expect_sound(*after, kDatabase);
  expect_good_log(*after, options_);
}

TEST_P(InstanceTest, SeveralDatabasesShareOneLog) {
  const auto instance = started(files_, options_);
  InstanceDatabase& one = created(*instance, kDatabase);
  InstanceDatabase& two = created(*instance, kOther);
  EXPECT_NE(one.id(), two.id());
  create_table(*instance, one);
  create_table(*instance, two);
  fill(*instance, one, 0, 40);
  fill(*instance, two, 100, 160);
  ASSERT_TRUE(instance->detach_database(kDatabase).ok());
  EXPECT_TRUE(header_of(files_, kDatabase).clean());
  expect_sound(files_, kDatabase);
  fill(*instance, two, 160, 200);
  InstanceDatabase& again = attached(*instance, kDatabase);
  EXPECT_EQ(rows_of(*instance, again), from_to(0, 40));
  EXPECT_EQ(rows_of(*instance, two), from_to(100, 200));
  stop(*instance);
  expect_sound(files_, kDatabase);
  expect_sound(files_, kOther);
  expect_good_log(files_, options_);
}

TEST_P(InstanceTest, DeletedRowsGoForGoodInEveryDatabase) {
  const auto instance = started(files_, options_);
  for (const BytePath& path : {kDatabase, kOther}) {
    InstanceDatabase& database = created(*instance, path);
    create_table(*instance, database);
    fill(*instance, database, 0, 300, 200);
    auto session = instance->open_session();
    const auto transaction = session.value().begin();
    auto use = database.catalog().open_table(*transaction, "numbers");
    for (int id = 0; id < 300; ++id) {
      ASSERT_TRUE(TableRows(use.value().table(), *transaction).remove(bookmark_of(id)).ok());
    }
    ASSERT_TRUE(transaction->commit().ok());
  }
  for (int round = 0; round < 3; ++round) {
    const Status done = instance->maintain();
    ASSERT_TRUE(done.ok()) << done.error().what();
  }
  stop(*instance);
  for (const BytePath& path : {kDatabase, kOther}) {
    expect_sound(files_, path);
    EXPECT_EQ(deleted_nodes(files_, path, GetParam()), 0U) << path;
  }
}

TEST_P(InstanceTest, TheCheckpointFollowsTheLogAndOldLogsGoIfTheyAreCircular) {
  options_.circular = true;
  const auto instance = started(files_, options_);
  InstanceDatabase& database = created(*instance, kDatabase);
  create_table(*instance, database);
  for (int i = 0; i < 60; ++i) {
    fill(*instance, database, i * 20, i * 20 + 20, 500);
    const Status done = instance->maintain();
    ASSERT_TRUE(done.ok()) << done.error().what();
    const Lgpos end = instance->log().end(), checkpoint = instance->checkpoint();
    const auto segments = [&](Lgpos at) {
      return static_cast<std::uint64_t>(at.generation) * (options_.log_bytes / 4096) + at.isec;
    };
    EXPECT_LE(segments(end) - segments(checkpoint), options_.checkpoint_depth / 4096 + 1);
  }
  EXPECT_GT(instance->log().header().fields.generation, Generation{4});
  EXPECT_FALSE(files_.exists("/log/edb00001.log"));
  files_.stop_at(1);
  std::mt19937_64 random(2);
  const auto after = files_.after_crash(random, 512);
  const auto again = started(*after, options_);
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->recovered()->plan.from_checkpoint);
  InstanceDatabase& found = attached(*again, kDatabase);
  EXPECT_EQ(rows_of(*again, found), from_to(0, 1200));
  stop(*again);
  expect_sound(*after, kDatabase);
}

TEST_P(InstanceTest, AnOpenTransactionKeepsTheCheckpointBack) {
  const auto instance = started(files_, options_);
  InstanceDatabase& database = created(*instance, kDatabase);
  create_table(*instance, database);
  auto session = instance->open_session();
  const auto open = session.value().begin();
  const Lgpos before = instance->log().end();
  {
    auto use = database.catalog().open_table(*open, "numbers");
    ASSERT_TRUE(insert(use.value().table(), *open, -1, 5).ok());
  }
  fill(*instance, database, 0, 100, 500);
  ASSERT_TRUE(instance->flush().ok());
  EXPECT_LE(instance->checkpoint(), before);
  ASSERT_TRUE(open->commit().ok());
  ASSERT_TRUE(instance->flush().ok());
  EXPECT_GT(instance->checkpoint(), before);
  stop(*instance);
}

// A commit that nobody waited for goes with the crash, while the checkpoint is behind what it ends:
// the log would never say what became of the transaction.
TEST_P(InstanceTest, ACheckpointBehindATransactionKnowsHowItEnded) {
  const auto instance = started(files_, options_);
  InstanceDatabase& database = created(*instance, kDatabase);
  create_table(*instance, database);
  auto sessions = std::array{instance->open_session(), instance->open_session()};
  const auto early = sessions[0].value().begin();
  auto use = database.catalog().open_table(*early, "numbers");
  ASSERT_TRUE(insert(use.value().table(), *early, 1, 5).ok());
  const Lgpos between = instance->log().end();
  const auto late = sessions[1].value().begin();
  ASSERT_TRUE(insert(use.value().table(), *late, 2, 5).ok());
  ASSERT_TRUE(instance->flush().ok());
  ASSERT_TRUE(early->commit(CommitMode::lazy).ok());
  ASSERT_TRUE(instance->flush().ok());
  ASSERT_GE(instance->checkpoint(), between);
  files_.stop_at(1);
  std::mt19937_64 random(2);
  const auto after = files_.after_crash(random, 512);
  const auto again = started(*after, options_);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(rows_of(*again, attached(*again, kDatabase)), from_to(1, 2));
  stop(*again);
  expect_good_log(*after, options_);
}

TEST(Instance, RefusesToStopOrDetachWhileItIsUsed) {
  CrashingFiles files;
  const auto instance = started(files, small_instance(4096));
  InstanceDatabase& database = created(*instance, kDatabase);
  create_table(*instance, database);
  auto session = instance->open_session();
  {
    const auto open = session.value().begin();
    auto use = database.catalog().open_table(*open, "numbers");
    EXPECT_EQ(instance->stop().error().code(), Errc::in_use);
    EXPECT_TRUE(is(instance->detach_database(kDatabase).error(), EseErr::database_in_use));
    ASSERT_TRUE(insert(use.value().table(), *open, 1, 5).ok());
    ASSERT_TRUE(open->rollback().ok());
  }
  EXPECT_TRUE(instance->detach_database(kDatabase).ok());
  EXPECT_TRUE(is(instance->detach_database(kDatabase).error(), EseErr::database_not_found));
  stop(*instance);
}

TEST(Instance, RefusesFilesThatItMustNotTouch) {
  CrashingFiles files;
  const InstanceOptions options = small_instance(4096);
  {
    const auto instance = started(files, options);
    created(*instance, kDatabase);
    EXPECT_TRUE(is(instance->create_database(kDatabase).error(), EseErr::database_duplicate));
    EXPECT_TRUE(is(instance->attach_database(kDatabase).error(), EseErr::database_duplicate));
    EXPECT_TRUE(is(instance->attach_database("/db/none").error(), EseErr::database_not_found));
    stop(*instance);
  }
  InstanceOptions larger = options;
  larger.page_bytes = 8192;
  EXPECT_TRUE(is(Instance::start(files, larger).error(), EseErr::page_size_mismatch));
  larger.logs = "/other";
  const auto other = started(files, larger);
  EXPECT_TRUE(is(other->attach_database(kDatabase).error(), EseErr::page_size_mismatch));
}

TEST(Instance, ADatabaseOfOtherLogsIsTakenInWhenItIsClean) {
  CrashingFiles files;
  InstanceOptions options = small_instance(4096);
  {
    const auto instance = started(files, options);
    create_table(*instance, created(*instance, kDatabase));
    stop(*instance);
  }
  options.logs = "/other";
  {
    const auto instance = started(files, options);
    fill(*instance, attached(*instance, kDatabase), 0, 10);
    EXPECT_EQ(header_of(files, kDatabase).sign_log, instance->log().header().fields.log);
    files.stop_at(1);
  }
  std::mt19937_64 random(3);
  const auto after = files.after_crash(random, 4096);
  const auto instance = started(*after, options);
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(rows_of(*instance, attached(*instance, kDatabase)), from_to(0, 10));
  stop(*instance);
  expect_sound(*after, kDatabase);
}

// Its pause is longer than the test: whoever needs room has to wake it.
TEST(Instance, AWriterThatIsFasterThanTheBackgroundWaitsForIt) {
  CrashingFiles files;
  InstanceOptions options = small_instance(4096);
  options.background_pause = std::chrono::hours(1);
  options.version_bytes = 128 << 10;
  const auto instance = started(files, options);
  InstanceDatabase& database = created(*instance, kDatabase);
  create_table(*instance, database);
  for (int first = 0; first < 4000 && !HasFailure(); first += 100) {
    fill(*instance, database, first, first + 100, 20);
  }
  EXPECT_EQ(rows_of(*instance, database), from_to(0, 4000));
  stop(*instance);
}

// A crash at any operation of a creation leaves the whole database, or what creating replaces.
TEST(Instance, AnInterruptedCreationLeavesTheDatabaseOrNone) {
  bool whole = false;
  for (std::uint64_t stop_at = 1; !whole; ++stop_at) {
    SCOPED_TRACE("stopped at operation " + std::to_string(stop_at));
    CrashingFiles files;
    const InstanceOptions options = small_instance(4096);
    bool done = false;
    {
      const auto instance = started(files, options);
      files.stop_at(stop_at);
      done = instance->create_database(kDatabase).ok();
      files.stop_at(1);
    }
    std::mt19937_64 random(stop_at);
    const auto after = files.after_crash(random, 512);
    const auto instance = started(*after, options);
    ASSERT_NE(instance, nullptr);
    auto database = instance->attach_database(kDatabase);
    if (!database.ok()) {
      EXPECT_FALSE(done) << database.error().what();
      database = instance->create_database(kDatabase);
      ASSERT_TRUE(database.ok()) << database.error().what();
    }
    create_table(*instance, *database.value());
    fill(*instance, *database.value(), 0, 5);
    stop(*instance);
    expect_sound(*after, kDatabase);
    ASSERT_FALSE(HasFailure());
    whole = done;
  }
}

}  // namespace
}  // namespace stillframe::ese
