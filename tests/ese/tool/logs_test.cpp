#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_logs.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/format/database_header.hpp"

namespace stillframe::ese::tool {
namespace {

using nlohmann::json;
using tests::SampleLog;

// Generations 3 to 5 in a folder, the last one current, and a database that requires 4 and 5.
class EsectlLogs : public testing::Test {
 protected:
  EsectlLogs() : logs_(tests::sample_logs(3, 5)) {
    logs_[2].log.file = "edb.log";
    for (const SampleLog& sample : logs_) write_file(folder_ / sample.log.file, sample.file);
    database_.page_bytes = 4096;
    database_.update_major = 20;
    set_state(database_, DbState::dirty_shutdown, Generation{4}, Generation{5});
    database_.sign_log = tests::sample_sequence();
    database_.time_gen_max_create = tests::sample_day(5);
    write_database(folder_ / "mail.edb");
  }

  void write_database(const std::string& path) {
    std::vector<std::byte> bytes(4 * 4096);
    seal_header(database_, MutableBytes(bytes).first(4096));
    seal_header(database_, MutableBytes(bytes).subspan(4096, 4096));
    write_file(path, bytes);
  }
  // Writes generation 3 + index with a byte of segment 2 changed.
  void damage(std::size_t index) {
    logs_[index].file[2 * kLogSegmentBytes + 100] ^= std::byte{1};
    write_file(folder_ / logs_[index].log.file, logs_[index].file);
  }
  Answer ask(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"logs", "--json", folder_.path()});
    return esectl(more);
  }

  TestFolder folder_;
  std::vector<SampleLog> logs_;
  DatabaseHeader database_;
};

TEST_F(EsectlLogs, AWholeSequenceIsListedInOrder) {
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::ok) << answer.out;
  const json set = answer.json()["sets"].at(0);
  EXPECT_EQ(set["base"], "edb");
  EXPECT_EQ(set["checkpoint"], "absent");
  ASSERT_EQ(set["logs"].size(), 3u);
  EXPECT_EQ(set["logs"][0]["file"], "edb00003.log");
  EXPECT_EQ(set["logs"][2]["file"], "edb.log");
  EXPECT_EQ(set["logs"][2]["generation"], "5");
  EXPECT_EQ(set["logs"][1]["page_size"], 4096);
  EXPECT_TRUE(set["missing"].empty());
  EXPECT_TRUE(set["findings"].empty());
  EXPECT_NE(esectl({"logs", folder_.path()}).out.find("edb00004.log"), std::string::npos);
}

TEST_F(EsectlLogs, AGapIsNamedAndIsDamage) {
  std::filesystem::remove(folder_ / "edb00004.log");
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::damaged);
  const json set = answer.json()["sets"].at(0);
  EXPECT_EQ(set["missing"], json::array({"4"}));
  EXPECT_EQ(set["findings"].at(0)["name"], "MissingLogFile");
  EXPECT_EQ(set["findings"].at(0)["error"], -528);
}

TEST_F(EsectlLogs, AFileWithoutALogsHeaderIsNamed) {
  write_file(folder_ / "edb00004.log", std::vector<std::byte>(8192));
  const json set = ask().json()["sets"].at(0);
  EXPECT_EQ(set["findings"].back()["name"], "unreadable");
}

TEST_F(EsectlLogs, LintReadsEveryRecord) {
  const json run = ask({"--lint"}).json()["sets"].at(0)["lint"].at(0);
  EXPECT_EQ(run["first"], "3");
  EXPECT_EQ(run["last"], "5");
  EXPECT_GT(run["records"], 30);
  EXPECT_EQ(run["error"], "");
  damage(0);
  const Answer damaged = ask({"--lint"});
  EXPECT_EQ(damaged.code, Exit::damaged);
  EXPECT_NE(damaged.json()["sets"].at(0)["lint"].at(0)["error"], "");
}

TEST_F(EsectlLogs, AFolderWithoutLogsIsNotFound) {
  const TestFolder empty;
  EXPECT_EQ(esectl({"logs", empty.path()}).code, Exit::not_found);
  EXPECT_EQ(esectl({"logs", folder_ / "absent"}).code, Exit::not_found);
  EXPECT_EQ(ask({"--base", "xyz"}).code, Exit::not_found);
}

TEST_F(EsectlLogs, ADatabaseBesideItsLogsSaysWhichItRequires) {
  const json database = ask().json()["databases"].at(0);
  EXPECT_EQ(database["file"], "mail.edb");
  EXPECT_EQ(database["state"], "DirtyShutdown");
  EXPECT_EQ(database["base"], "edb");
  EXPECT_EQ(database["required"], (json{{"first", "4"}, {"last", "5"}, {"committed", "5"}}));
  for (const char* list : {"missing", "committed_missing", "mismatched", "torn"}) {
    EXPECT_TRUE(database[list].empty()) << list;
  }
}

TEST_F(EsectlLogs, ARequiredLogThatIsMissingIsNamedAtItsDatabase) {
  std::filesystem::remove(folder_ / "edb.log");
  std::filesystem::remove(folder_ / "edb00003.log");
  std::filesystem::rename(folder_ / "edb00004.log", folder_ / "edb.log");
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::damaged);
  EXPECT_TRUE(answer.json()["sets"].at(0)["findings"].empty());
  EXPECT_EQ(answer.json()["databases"].at(0)["missing"], json::array({"5"}));
}

TEST_F(EsectlLogs, LogsOfAnotherSequenceAreMismatched) {
  database_.sign_log = tests::sample_sequence(7);
  write_database(folder_ / "mail.edb");
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::damaged);
  const json mismatched = answer.json()["databases"].at(0)["mismatched"];
  ASSERT_EQ(mismatched.size(), 2u);
  EXPECT_EQ(mismatched[0]["name"], "BadLogSignature");
  EXPECT_EQ(mismatched[0]["generation"], "4");
}

TEST_F(EsectlLogs, ALogCreatedAtAnotherTimeIsMismatched) {
  database_.time_gen_max_create = tests::sample_day(9);
  write_database(folder_ / "mail.edb");
  const json mismatched = ask().json()["databases"].at(0)["mismatched"];
  ASSERT_EQ(mismatched.size(), 1u);
  EXPECT_EQ(mismatched[0]["name"], "InvalidLogSequence");
}

TEST_F(EsectlLogs, ARequiredLogThatIsTornIsNamedAndOthersAreNotRead) {
  damage(0);
  EXPECT_EQ(ask().code, Exit::ok);  // generation 3 is not required
  damage(1);
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::damaged);
  const json torn = answer.json()["databases"].at(0)["torn"];
  ASSERT_EQ(torn.size(), 1u);
  EXPECT_EQ(torn[0]["generation"], "4");
}

TEST_F(EsectlLogs, ADatabaseElsewhereCanBeNamed) {
  const TestFolder other;
  std::filesystem::rename(folder_ / "mail.edb", other / "mail.edb");
  EXPECT_TRUE(ask().json()["databases"].empty());
  const json named = ask({"--database", other / "mail.edb"}).json()["databases"];
  EXPECT_EQ(named.at(0)["required"]["first"], "4");
  EXPECT_EQ(ask({"--database", other / "absent.edb"}).code, Exit::damaged);
}

TEST_F(EsectlLogs, ADamagedHeaderIsSaidAndOtherFilesAreNot) {
  std::vector<std::byte> bytes(16384);
  write_file(folder_ / "notes.txt", bytes);
  store_le(bytes.data() + 4, kHeaderMagic);
  bytes[100] = std::byte{1};
  write_file(folder_ / "other.edb", bytes);
  const Answer answer = ask();
  EXPECT_EQ(answer.code, Exit::damaged);
  const json databases = answer.json()["databases"];
  ASSERT_EQ(databases.size(), 2u);
  EXPECT_EQ(databases[1]["file"], "other.edb");
  EXPECT_TRUE(databases[1].contains("error"));
}

TEST_F(EsectlLogs, LogdumpShowsEveryRecordWithItsPosition) {
  const Answer answer = esectl({"logdump", folder_.path()});
  EXPECT_EQ(answer.code, Exit::ok);
  EXPECT_EQ(answer.out.substr(0, answer.out.find(' ', 10)), "3,1,0 Insert");
  EXPECT_NE(answer.out.find("suffix=1:6b"), std::string::npos);
}

TEST_F(EsectlLogs, LogdumpChoosesByTypePageAndSession) {
  const auto count = [&](std::vector<std::string> filter) {
    filter.insert(filter.begin(), {"logdump", "--json", folder_.path()});
    return esectl(filter).json_lines().size();
  };
  const std::size_t all = count({});
  EXPECT_EQ(count({"--type", "Insert"}), 3u);
  EXPECT_EQ(count({"--type", "Insert", "--type", "Trace"}), all);
  EXPECT_EQ(count({"--page", "104"}), 1u);
  EXPECT_EQ(count({"--session", "6"}), all - 3);
  EXPECT_EQ(count({"--page", "104", "--session", "6"}), 0u);
  EXPECT_EQ(esectl({"logdump", folder_.path(), "--type", "Nonsense"}).code, Exit::usage);
}

TEST_F(EsectlLogs, LogdumpKeepsToARange) {
  const auto lines =
      esectl({"logdump", "--json", folder_.path(), "--from", "4", "--to", "5,1,0"}).json_lines();
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front()["at"], "4,1,0");
  EXPECT_EQ(lines.front()["page"], 104);
  for (const json& line : lines) EXPECT_EQ(line["at"].get<std::string>().substr(0, 2), "4,");
  for (const char* wrong : {"x", "4,", "4,1,0,0", "4,10000,0", "80000000"}) {
    EXPECT_EQ(esectl({"logdump", folder_.path(), "--from", wrong}).code, Exit::usage) << wrong;
  }
}

TEST_F(EsectlLogs, LogdumpStopsAtDamageWithAnError) {
  damage(1);
  const Answer answer = esectl({"logdump", folder_.path()});
  EXPECT_EQ(answer.code, Exit::damaged);
  EXPECT_NE(answer.err.find("edb00004.log"), std::string::npos) << answer.err;
  EXPECT_NE(answer.out.find("3,1,0 Insert"), std::string::npos);
}

}  // namespace
}  // namespace stillframe::ese::tool
