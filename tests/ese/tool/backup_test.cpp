// esectl backup and restore of an application's database, which was shut down or killed.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/ese/tool/application.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese::tool {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kRowsAtFirst = 300;

class EsectlBackup : public testing::Test {
 protected:
  void SetUp() override {
    application_.start();
    application_.add_rows(kRowsAtFirst);
  }

  Answer backup(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"backup", "--json", application_.logs(), "--to", set_, "--database",
                               application_.database(), "--create-path"});
    return esectl(more);
  }
  Answer restore(std::vector<std::string> more) {
    more.insert(more.begin(), {"restore", "--json", set_, "--create-path"});
    return esectl(more);
  }
  static void expect_rows(const std::string& database, int rows) {
    const json verified = esectl({"verify", "--json", database}).json();
    EXPECT_EQ(verified["verdict"], "good") << verified;
    EXPECT_EQ(esectl({"tables", "--json", database}).json()["tables"][0]["rows"], rows);
  }
  void expect_restores(int rows) {
    const TestFolder to;
    const Answer restored = restore({"--to", to.path()});
    ASSERT_EQ(restored.code, Exit::ok) << restored.out << restored.err;
    ASSERT_EQ(restored.json()["databases"].size(), 1U);
    EXPECT_EQ(restored.json()["databases"][0]["file"], to / "mail.edb");
    expect_rows(to / "mail.edb", rows);
  }

  TestFolder folder_, sets_;
  Application application_{folder_.path()};
  const std::string set_ = sets_ / "set";
};

TEST_F(EsectlBackup, ADatabaseThatWasShutDownIsStoredAndAddedTo) {
  application_.stop();
  const Answer full = backup();
  ASSERT_EQ(full.code, Exit::ok) << full.out << full.err;
  EXPECT_EQ(full.json()["contents"], "full");
  EXPECT_EQ(full.json()["recovered"], false);
  EXPECT_EQ(full.json()["databases"], json::array({application_.database()}));
  EXPECT_TRUE(fs::exists(set_ + "/mail.pat"));
  expect_restores(kRowsAtFirst);
  for (int round = 1; round <= 2; ++round) {
    application_.start();
    application_.add_rows(100);
    application_.stop();
    const Answer more = backup({"--incremental"});
    ASSERT_EQ(more.code, Exit::ok) << more.out << more.err;
    EXPECT_EQ(more.json()["contents"], "incremental");
    EXPECT_GT(more.json()["last_log"], full.json()["last_log"]);
    EXPECT_EQ(more.json()["first_log"], full.json()["first_log"]);
    expect_restores(kRowsAtFirst + 100 * round);
  }
}

TEST_F(EsectlBackup, AfterACrashItIsRecoveredFirst) {
  application_.add_open_rows(20);
  ASSERT_TRUE(application_.instance().flush().ok());
  application_.kill();
  const Answer full = esectl({"backup", "--json", application_.logs(), "--to", sets_.path()});
  ASSERT_EQ(full.code, Exit::ok) << full.out << full.err;
  EXPECT_EQ(full.json()["recovered"], true);
  EXPECT_EQ(full.json()["databases"], json::array({application_.database()}));
  expect_rows(application_.database(), kRowsAtFirst);
}

TEST_F(EsectlBackup, TheLogsOfTheApplicationRollARestoreForward) {
  application_.stop();
  ASSERT_EQ(backup({"--atomic"}).code, Exit::ok);
  application_.start();
  application_.add_rows(150);
  application_.kill();
  ASSERT_TRUE(fs::remove(application_.database()));
  const Answer restored = restore({"--logs", application_.logs()});
  ASSERT_EQ(restored.code, Exit::ok) << restored.out << restored.err;
  EXPECT_GT(restored.json()["rolled_forward_to"], restored.json()["last_log"]);
  expect_rows(application_.database(), kRowsAtFirst + 150);
  application_.start();
  application_.add_rows(10);
  application_.stop();
}

TEST_F(EsectlBackup, ASubsetGoesToPlacesOfItsOwn) {
  application_.stop();
  ASSERT_EQ(backup().code, Exit::ok);
  const TestFolder to;
  const Answer restored = restore({"--logs", to / "logs", "--map", "mail.edb=" + (to / "new.edb")});
  ASSERT_EQ(restored.code, Exit::ok) << restored.out << restored.err;
  expect_rows(to / "new.edb", kRowsAtFirst);
  const Answer other = restore({"--to", to / "other", "--map", "absent.edb"});
  EXPECT_NE(other.code, Exit::ok);
  EXPECT_NE(other.out.find("absent.edb"), std::string::npos) << other.out;
  EXPECT_TRUE(fs::is_empty(to / "other"));
  EXPECT_EQ(restore({}).code, Exit::usage);
  EXPECT_EQ(restore({"--to", to.path(), "--map", "mail.edb="}).code, Exit::usage);
}

// As Windows' own streaming backups lie there: no marker, no checkpoint, logs by their numbers.
TEST_F(EsectlBackup, ASetWithoutMarkersIsKnownByTheHeadersOfItsFiles) {
  application_.stop();
  ASSERT_EQ(backup().code, Exit::ok);
  ASSERT_TRUE(fs::remove(set_ + "/mail.pat"));
  fs::rename(set_ + "/mail.edb", set_ + "/MAIL.EDB");
  std::ofstream(set_ + "/readme.txt") << "not a database";
  expect_restores(kRowsAtFirst);
  ASSERT_TRUE(fs::remove(set_ + "/MAIL.EDB"));
  const TestFolder to;
  const Answer none = restore({"--to", to.path()});
  EXPECT_EQ(none.json()["number"], static_cast<int>(EseErr::patch_file_missing)) << none.out;
}

TEST_F(EsectlBackup, WhatIsInUseOrNotThereIsRefused) {
  auto held = PathLock::take(application_.logs());
  ASSERT_TRUE(held.ok() && held.value());
  EXPECT_EQ(backup().code, Exit::wrong_state);
  held.value().reset();
  application_.stop();
  EXPECT_EQ(backup({"--database", folder_ / "absent.edb"}).code, Exit::not_found);
  EXPECT_FALSE(fs::exists(set_));
  EXPECT_EQ(restore({"--to", folder_ / "to"}).code, Exit::not_found);
  const json said = backup({"--incremental"}).json();
  EXPECT_EQ(said["number"], static_cast<int>(EseErr::missing_full_backup)) << said;
}

}  // namespace
}  // namespace stillframe::ese::tool
