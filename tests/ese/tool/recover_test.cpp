// esectl recover on what a run of the engine leaves that does not end: a database with a part of
// its changes, some of them of a transaction that never committed, and the logs.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/instance/instance.hpp"
#include "writers/ese/tables/table_rows.hpp"

namespace stillframe::ese::tool {
namespace {

using nlohmann::json;
using tests::little;

constexpr int kRows = 600;  // committed, over several generations of logs
namespace fs = std::filesystem;

Status insert(TableObject& table, OpenTransaction& transaction, int first, int last) {
  for (int id = first; id < last; ++id) {
    const Value bytes(400, static_cast<std::byte>(id));
    const auto key = TableRows(table, transaction)
                         .insert({{ColumnId{1}, {little(id)}}, {ColumnId{256}, {bytes}}});
    if (!key.ok()) return key.error();
  }
  return Ok{};
}

class EsectlRecover : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(run_ / "logs");
    const auto files = posix_files();
    InstanceOptions options;
    options.logs = run_ / "logs";
    options.log_bytes = 128 << 10;
    options.page_bytes = 4096;
    options.database_pages = 48;
    options.reserves = 0;
    options.background_pause = std::chrono::milliseconds(0);
    options.clock = log_time_now;
    options.random = random_number;
    auto instance = Instance::start(*files, options);
    ASSERT_TRUE(instance.ok()) << instance.error().what();
    work(*instance.value());
  }

  // Copied in the middle, as a crash would leave it.
  void work(Instance& instance) {
    auto database = instance.create_database(run_ / "logs/mail.edb");
    ASSERT_TRUE(database.ok()) << database.error().what();
    auto first = instance.open_session(), second = instance.open_session();
    const auto making = first.value().begin();
    TableSpec spec;
    spec.name = "rows";
    spec.columns = {{.name = "id", .type = ColumnType::long_int},
                    {.name = "bytes", .type = ColumnType::long_binary}};
    spec.indexes = {{.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}}};
    {
      auto made = database.value()->catalog().create_table(*making, spec);
      ASSERT_TRUE(made.ok()) << made.error().what();
    }
    ASSERT_TRUE(making->commit().ok());
    const auto open = first.value().begin(), committed = second.value().begin();
    {
      auto use = database.value()->catalog().open_table(*open, "rows");
      auto other = database.value()->catalog().open_table(*committed, "rows");
      ASSERT_TRUE(insert(use.value().table(), *open, -10, 0).ok());
      ASSERT_TRUE(insert(other.value().table(), *committed, 0, kRows).ok());
    }
    ASSERT_TRUE(committed->commit().ok());
    ASSERT_TRUE(instance.flush().ok());
    for (const auto& entry : fs::directory_iterator(run_ / "logs")) {
      if (entry.path().extension() == ".pages") continue;
      fs::copy(entry.path(), set_.path());
    }
    ASSERT_TRUE(open->rollback().ok());
  }

  static std::map<std::string, std::string> contents(const std::string& folder) {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ifstream file(entry.path(), std::ios::binary);
      all[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return all;
  }
  std::map<std::string, std::string> contents() const { return contents(set_.path()); }

  Answer recover(std::vector<std::string> more) {
    more.insert(more.begin(), {"recover", "--json", set_.path()});
    return esectl(more);
  }
  static std::set<std::string> keys(const json& object) {
    std::set<std::string> all;
    for (const auto& [key, value] : object.items()) all.insert(key);
    return all;
  }
  static void expect_plan(const json& answer) {
    EXPECT_TRUE(answer["from_checkpoint"].is_boolean());
    EXPECT_GT(answer["records"], kRows);
    EXPECT_TRUE(answer["notes"].is_array());
    ASSERT_EQ(answer["databases"].size(), 1U);
    EXPECT_EQ(answer["databases"][0]["action"], "redo");
    for (const char* text : {"start", "last_generation", "log_end", "log_end_position"}) {
      EXPECT_TRUE(answer[text].is_string()) << text;
    }
  }
  static void expect_recovered(const std::string& database) {
    const json verified = esectl({"verify", "--json", database}).json();
    EXPECT_EQ(verified["verdict"], "good") << verified;
    EXPECT_EQ(esectl({"tables", "--json", database}).json()["tables"][0]["rows"], kRows);
  }

  TestFolder run_, set_;
};

const std::set<std::string> kPlanKeys{"start",
                                      "from_checkpoint",
                                      "last_generation",
                                      "log_end",
                                      "log_end_position",
                                      "records",
                                      "databases",
                                      "notes"};

TEST_F(EsectlRecover, ADryRunSaysWhatWouldBeDoneAndChangesNothing) {
  const auto before = contents();
  const Answer answer = recover({"--dry-run"});
  ASSERT_EQ(answer.code, Exit::ok) << answer.err;
  const json said = answer.json();
  EXPECT_EQ(keys(said), kPlanKeys);
  expect_plan(said);
  EXPECT_EQ(said["databases"][0]["file"], set_ / "mail.edb");
  EXPECT_EQ(said["databases"][0]["logged_path"], run_ / "logs/mail.edb");
  EXPECT_EQ(contents() == before, true);
  const json header = esectl({"header", "--json", set_ / "mail.edb"}).json();
  EXPECT_EQ(header["state"], "DirtyShutdown");
}

TEST_F(EsectlRecover, CopiesAreRecoveredAndTheOriginalsStay) {
  const TestFolder to;
  const auto before = contents();
  const Answer answer = recover({"--to", to.path()});
  ASSERT_EQ(answer.code, Exit::ok) << answer.err;
  const json said = answer.json();
  expect_plan(said);
  auto expected = kPlanKeys;
  expected.insert({"replayed", "made"});
  EXPECT_EQ(keys(said), expected);
  EXPECT_EQ(keys(said["replayed"]),
            (std::set<std::string>{"records", "changes", "already_there", "skipped", "undone"}));
  EXPECT_GE(said["replayed"]["undone"], 10);
  EXPECT_EQ(said["made"], json::array({to / "mail.edb"}));
  EXPECT_EQ(contents() == before, true);
  expect_recovered(to / "mail.edb");
  EXPECT_EQ(contents(to.path()).size(), 1U) << "something is left beside the copy";
}

TEST_F(EsectlRecover, InPlaceTheDatabaseItselfBecomesWhole) {
  const auto logs = contents();
  const Answer answer = recover({"--in-place"});
  ASSERT_EQ(answer.code, Exit::ok) << answer.err;
  expect_plan(answer.json());
  EXPECT_GE(answer.json()["replayed"]["undone"], 10);
  expect_recovered(set_ / "mail.edb");
  const auto after = contents();
  for (const auto& [name, bytes] : logs) {
    if (name == "mail.edb") continue;
    EXPECT_EQ(after.at(name) == bytes, true) << name;
  }
  // What was done is not done again.
  (void)recover({"--in-place"});
  EXPECT_EQ(contents() == after, true);
}

TEST_F(EsectlRecover, ARefusalLeavesEveryByte) {
  ASSERT_TRUE(fs::remove(set_ / "edb00002.log"));
  const auto before = contents();
  const TestFolder to;
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"--in-place"}, {"--to", to.path()}, {"--dry-run"}}) {
    const Answer answer = recover(how);
    EXPECT_NE(answer.code, Exit::ok) << how[0];
    const json said = answer.json();
    EXPECT_EQ(said["number"], static_cast<int>(EseErr::missing_log_file)) << said;
    EXPECT_NE(said.dump().find("generation 2 "), std::string::npos) << said;
    EXPECT_EQ(contents() == before, true) << how[0];
  }
  EXPECT_TRUE(fs::is_empty(to.path()));
}

TEST_F(EsectlRecover, DatabasesThatAreElsewhereAreNamed) {
  const TestFolder other;
  fs::rename(set_ / "mail.edb", other / "renamed.edb");
  const TestFolder to;
  const Answer mapped = recover(
      {"--to", to.path(), "--map", (run_ / "logs/mail.edb") + "=" + (other / "renamed.edb")});
  ASSERT_EQ(mapped.code, Exit::ok) << mapped.err;
  expect_recovered(mapped.json()["made"][0]);
  EXPECT_EQ(recover({"--dry-run", "--map", "nonsense"}).code, Exit::usage);
}

TEST_F(EsectlRecover, WhereToIsSaidOnceAndExactlyOnce) {
  EXPECT_EQ(recover({}).code, Exit::usage);
  EXPECT_EQ(recover({"--in-place", "--dry-run"}).code, Exit::usage);
  EXPECT_EQ(recover({"--to", set_.path(), "--in-place"}).code, Exit::usage);
  EXPECT_EQ(esectl({"recover", "--dry-run", run_ / "absent"}).code, Exit::not_found);
}

}  // namespace
}  // namespace stillframe::ese::tool
