// A process that works on databases and is killed at any moment, also while it recovers from the
// last time. Whatever it said is durable is there, in all databases and of all threads alike, and
// nothing of a transaction that did not commit.
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "framework/base/child_process.hpp"
#include "tests/ese/instance/killed_work.hpp"
#include "tests/ese/support/instance_checks.hpp"
#include "tests/ese/support/kept_results.hpp"
#include "tests/support/scale.hpp"
#include "writers/ese/tables/cursor.hpp"

extern char** environ;

namespace stillframe::ese {
namespace {

using stillframe::tests::scaled;
using namespace std::chrono_literals;
using namespace tests;

constexpr std::size_t kLineBytesMax = 200;
constexpr int kKillsOfFolder = 6;

Deadline in_a_minute() {
  return Deadline(system_clock().now() + 60s);
}

class KilledInstance {
 public:
  KilledInstance(std::uint64_t seed, KeptResults& kept)
      : random_(seed), work_(make_folder(), seed), seed_(seed), kept_(kept) {}
  ~KilledInstance() { std::filesystem::remove_all(folder_); }
  KilledInstance(const KilledInstance&) = delete;
  KilledInstance& operator=(const KilledInstance&) = delete;

  void create() {
    ASSERT_TRUE(files_->make_directory(work_.options().logs).ok());
    const auto instance = started(*files_, work_.options());
    ASSERT_NE(instance, nullptr);
    for (std::size_t db = 0; db < kWorkDatabases; ++db) {
      auto database = instance->create_database(work_.database(db));
      ASSERT_TRUE(database.ok()) << database.error().what();
      auto session = instance->open_session();
      const auto transaction = session.value().begin();
      {
        auto made = database.value()->catalog().create_table(*transaction, KilledWork::table());
        ASSERT_TRUE(made.ok()) << made.error().what();
        if (db == 0) {
          const auto row = TableRows(made.value().table(), *transaction)
                               .insert({{kWorkId, {little(KilledWork::kSumId)}}});
          ASSERT_TRUE(row.ok()) << row.error().what();
        }
      }
      ASSERT_TRUE(transaction->commit().ok());
    }
    const Status stopped = instance->stop();
    ASSERT_TRUE(stopped.ok()) << stopped.error().what();
  }

  // Kills it some time after it began to commit, or before that.
  void run_and_kill() {
    ChildOptions options;
    options.command = {KILL_WORKER, folder_, std::to_string(seed_)};
    for (char** each = environ; *each != nullptr; ++each) {
      const std::string text = *each;
      options.environment.emplace_back(text.substr(0, text.find('=')),
                                       text.substr(text.find('=') + 1));
    }
    auto child = ChildProcess::start(options);
    ASSERT_TRUE(child.ok()) << child.error().what();
    if (random_() % 3 == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60'000));
    } else {
      const std::uint64_t commits = 1 + random_() % 60;
      for (std::uint64_t i = 0; i < commits && read_line(*child.value()); ++i) continue;
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 2000));
    }
    child.value()->kill_group();
    while (read_line(*child.value())) continue;
    const auto ended = child.value()->wait(in_a_minute());
    ASSERT_TRUE(ended.ok()) << ended.error().what();
    ASSERT_EQ(ended.value().signal, SIGKILL)
        << to_string(ended.value()) << ": " << child.value()->complaints();
  }

  void examine() {
    {
      const auto instance = started(*files_, work_.options());
      ASSERT_NE(instance, nullptr);
      std::vector<std::map<std::int32_t, Row>> found;
      for (std::size_t db = 0; db < kWorkDatabases; ++db) found.push_back(read(*instance, db));
      if (!testing::Test::HasFailure()) compare(found);
      const Status stopped = instance->stop();
      ASSERT_TRUE(stopped.ok()) << stopped.error().what();
    }
    for (std::size_t db = 0; db < kWorkDatabases; ++db) {
      expect_sound(*files_, work_.database(db));
      kept_.keep(*files_, work_.database(db), testing::Test::HasFailure());
    }
    if (!work_.options().circular) expect_good_log(*files_, work_.options());
  }

  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t found() const { return found_; }

 private:
  struct Row {
    std::int32_t number = 0, sum = 0;
    Value blob;
  };

  BytePath make_folder() {
    folder_ = testing::TempDir() + "ese-kill.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    return folder_;
  }

  // False when the process has ended. What it says is owed.
  bool read_line(ChildProcess& child) {
    const auto line = child.read_line(kLineBytesMax, in_a_minute());
    if (!line.ok()) {
      EXPECT_EQ(line.error().code(), Errc::disconnected) << line.error().what();
      return false;
    }
    std::istringstream text(line.value());
    std::size_t thread = 0;
    std::int32_t number = 0, lazy = 0;
    text >> thread >> number;
    owed_.at(thread) = std::max(owed_.at(thread), number);
    for (std::int32_t& owed : owed_) {
      text >> lazy;
      owed = std::max(owed, lazy);
    }
    EXPECT_TRUE(text) << line.value();
    ++acknowledged_;
    return true;
  }

  std::map<std::int32_t, Row> read(Instance& instance, std::size_t db) {
    std::map<std::int32_t, Row> rows;
    auto database = instance.attach_database(work_.database(db));
    if (!database.ok()) ADD_FAILURE() << database.error().what();
    if (!database.ok()) return rows;
    auto session = instance.open_session();
    const auto transaction = session.value().begin();
    auto use = database.value()->catalog().open_table(*transaction, kWorkTable);
    if (!use.ok()) ADD_FAILURE() << use.error().what();
    if (!use.ok()) return rows;
    const auto definition = use.value().table().last_definition();
    Cursor cursor(use.value().table(), *transaction);
    Status moved = cursor.first();
    const auto one = [&](ColumnId id) {
      const auto values = cursor.values(*definition->find_column(id, false));
      if (!values.ok()) ADD_FAILURE() << values.error().what();
      return values.ok() && !values.value().empty() ? values.value()[0] : Value(4);
    };
    for (; moved.ok() && cursor.on_row(); moved = cursor.next()) {
      rows[number_of(one(kWorkId))] = {number_of(one(kWorkNumber)), number_of(one(kWorkSum)),
                                       one(kWorkBlob)};
    }
    if (!moved.ok()) ADD_FAILURE() << moved.error().what();
    return rows;
  }

  void compare(const std::vector<std::map<std::int32_t, Row>>& found) {
    for (std::size_t thread = 0; thread < kWorkThreads; ++thread) {
      const auto mark = found[0].find(KilledWork::mark_of(thread));
      const std::int32_t last = mark == found[0].end() ? 0 : mark->second.number;
      ASSERT_GE(last, owed_[thread]) << "a durable commit of thread " << thread << " is missing";
      ASSERT_GE(last, done_[thread]);
      while (done_[thread] < last) carry_out(thread, ++done_[thread]);
    }
    for (std::size_t db = 0; db < kWorkDatabases; ++db) {
      std::map<std::int32_t, std::int32_t> numbers;
      for (const auto& [id, row] : found[db]) {
        if (db == 0 && id == KilledWork::kSumId) continue;
        numbers[id] = row.number;
        EXPECT_EQ(row.blob == work_.blob(id, row.number), true) << "row " << id << " of " << db;
      }
      EXPECT_EQ(numbers, rows_[db]) << "database " << db;
    }
    EXPECT_EQ(found[0].at(KilledWork::kSumId).sum, committed_);
    found_ += static_cast<std::uint64_t>(committed_);
  }

  void carry_out(std::size_t thread, std::int32_t number) {
    const PlannedTransaction planned = work_.transaction(thread, number);
    if (planned.ending == Ending::rolled_back) return;
    for (const PlannedChange& change : planned.changes) {
      if (change.remove) {
        rows_[change.database].erase(change.id);
      } else {
        rows_[change.database][change.id] = number;
      }
    }
    for (auto& rows : rows_) rows[KilledWork::mark_of(thread)] = number;
    ++committed_;
  }

  std::mt19937_64 random_;
  BytePath folder_;
  const KilledWork work_;
  const std::uint64_t seed_;
  KeptResults& kept_;
  std::unique_ptr<Files> files_ = posix_files();
  // Numbers of transactions, by thread: that have to be there, that are in the model.
  std::array<std::int32_t, kWorkThreads> owed_{}, done_{};
  std::array<std::map<std::int32_t, std::int32_t>, kWorkDatabases> rows_;  // who wrote them last
  std::int32_t committed_ = 0;
  std::uint64_t acknowledged_ = 0, found_ = 0;
};

std::uint64_t seed_of_run() {
  const char* text = std::getenv("STILLFRAME_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

TEST(InstanceKill, EveryCommitOfAKilledProcessIsThereAndNothingElse) {
  const std::uint64_t seed = seed_of_run(), kills = scaled(30);
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  KeptResults kept;
  std::uint64_t done = 0, acknowledged = 0, found = 0;
  for (std::uint64_t folder = 0; done < kills && !HasFailure(); ++folder) {
    SCOPED_TRACE("folder " + std::to_string(folder));
    KilledInstance instance(seed + folder, kept);
    instance.create();
    for (int kill = 0; kill < kKillsOfFolder && done < kills && !HasFailure(); ++kill, ++done) {
      instance.run_and_kill();
      // Now and then it has to cope with what it left alone.
      const bool again = random() % 4 == 0 && kill + 1 < kKillsOfFolder && done + 1 < kills;
      if (!again && !HasFailure()) instance.examine();
    }
    acknowledged += instance.acknowledged();
    found += instance.found();
  }
  std::cout << "seed " << seed << ": killed " << done << " times, " << acknowledged
            << " durable commits acknowledged, " << found << " transactions looked at\n";
}

}  // namespace
}  // namespace stillframe::ese
