// esectl ship beside an application that goes on.
#include <filesystem>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "tests/ese/tool/application.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese::tool {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class EsectlShip : public testing::Test {
 protected:
  void SetUp() override {
    application_.start();
    application_.add_rows(200);
    application_.stop();
    const Answer full = esectl({"backup", application_.logs(), "--to", set_, "--create-path",
                                "--database", application_.database()});
    ASSERT_EQ(full.code, Exit::ok) << full.err;
    application_.start();
  }

  Answer ship(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"ship", "--json", application_.logs(), copy_});
    return esectl(more);
  }
  json shipped(std::vector<std::string> more = {}) {
    const Answer answer = ship(std::move(more));
    EXPECT_EQ(answer.code, Exit::ok) << answer.out << answer.err;
    return answer.code == Exit::ok ? answer.json() : json::object();
  }
  void expect_copy(int rows) {
    const json verified = esectl({"verify", "--json", copy_ + "/mail.edb"}).json();
    EXPECT_EQ(verified["verdict"], "good") << verified;
    EXPECT_EQ(esectl({"tables", "--json", copy_ + "/mail.edb"}).json()["tables"][0]["rows"], rows);
  }

  TestFolder folder_, sets_;
  Application application_{folder_.path()};
  const std::string set_ = sets_ / "set", copy_ = sets_ / "copy";
};

TEST_F(EsectlShip, FinishedLogsAreCopiedAndReplayedUntilTheCopyIsFinished) {
  EXPECT_EQ(ship().code, Exit::not_found) << "there is no copy yet";
  json said = shipped({"--from", set_});
  EXPECT_EQ(said["databases"], json::array({copy_ + "/mail.edb"}));
  for (int round = 0; round < 3; ++round) {
    application_.add_rows(150);
    application_.finish_log();
    said = shipped();
    EXPECT_FALSE(said["copied"].empty());
    EXPECT_EQ(said["replayed_to"], said["newest_log"]);
    EXPECT_EQ(said["undone"], 0);
  }
  EXPECT_TRUE(shipped()["copied"].empty()) << "there is nothing new";
  const int rows = application_.rows();
  application_.add_rows(30);  // in a log that is not finished
  application_.kill();
  said = shipped({"--finish"});
  EXPECT_EQ(said["finished"], true);
  expect_copy(rows);
  shipped({"--finish"});
  expect_copy(rows);
  EXPECT_EQ(ship().code, Exit::wrong_state);
}

TEST_F(EsectlShip, AnOpenTransactionIsWaitedForAndUndoneInTheEnd) {
  shipped({"--from", set_});
  application_.add_rows(50);
  application_.add_open_rows(100);
  ASSERT_TRUE(application_.instance().flush().ok());
  application_.finish_log();
  application_.add_rows(200);
  application_.finish_log();
  json said = shipped();
  EXPECT_LT(said["replayed_to"], said["newest_log"]);
  application_.end_open_rows(true);
  application_.finish_log();
  said = shipped();
  EXPECT_EQ(said["replayed_to"], said["newest_log"]);
  const int rows = application_.rows();
  application_.add_open_rows(40);
  application_.finish_log();
  shipped();
  application_.kill();
  fs::remove_all(application_.logs());
  said = shipped({"--finish"});
  EXPECT_GE(said["undone"], 40);
  expect_copy(rows);
}

// The application is shut down and started in between, and logs pile up behind that.
TEST_F(EsectlShip, RunsOfTheApplicationFollowEachOther) {
  shipped({"--from", set_});
  for (int run = 0; run < 3; ++run) {
    application_.add_rows(120);
    application_.finish_log();
    application_.add_rows(120);
    if (run == 1) {
      application_.kill();
    } else {
      application_.stop();
    }
    if (run == 0) shipped();
    application_.start();
  }
  application_.finish_log();
  const int rows = application_.rows();
  shipped();
  shipped({"--finish"});
  expect_copy(rows);
}

TEST_F(EsectlShip, AGapIsNamedAndChangesNothing) {
  shipped({"--from", set_});
  for (int i = 0; i < 3; ++i) {
    application_.add_rows(20);
    application_.finish_log();
  }
  std::set<std::string> finished;
  for (const auto& entry : fs::directory_iterator(application_.logs())) {
    const std::string name = entry.path().filename();
    if (name.size() == 12 && name.starts_with("edb0")) finished.insert(name);
  }
  const std::string gone = *std::prev(finished.end(), 2);
  ASSERT_TRUE(fs::remove(application_.logs() + "/" + gone));
  const Answer answer = ship();
  EXPECT_NE(answer.code, Exit::ok);
  const json said = answer.json();
  EXPECT_EQ(said["number"], static_cast<int>(EseErr::missing_current_log_files)) << said;
  const int number = std::stoi(gone.substr(3, 5), nullptr, 16);
  EXPECT_NE(said.dump().find("generation " + std::to_string(number) + " "), std::string::npos)
      << said;
}

TEST_F(EsectlShip, ACopyBeginsInAnEmptyFolder) {
  fs::create_directory(copy_);
  write_file(copy_ + "/letter.txt", {std::byte{1}});
  EXPECT_EQ(ship({"--from", set_}).code, Exit::usage);
  EXPECT_TRUE(fs::exists(copy_ + "/letter.txt"));
}

}  // namespace
}  // namespace stillframe::ese::tool
