// esectl restore abandon|resume.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"

namespace stillframe::ese::tool {
namespace {

class RestoreDecision : public testing::Test {
 protected:
  void register_one() {
    RestoreRecord record;
    record.checkpoint = record.logs = folder_.path();
    record.set = "/set";
    ASSERT_TRUE(register_restore(*files_, record).ok());
  }
  std::string state() {
    const auto found = read_restore_record(*files_, folder_.path());
    if (!found.ok()) return found.error().what();
    return found.value() ? std::string(name_of(found.value()->state)) : "none";
  }
  const std::unique_ptr<Files> files_ = posix_files();
  TestFolder folder_;
};

TEST_F(RestoreDecision, ResumedTheNextStartRecovers) {
  register_one();
  const Answer answer = esectl({"restore", "resume", folder_.path(), "--json"});
  EXPECT_EQ(answer.code, Exit::ok) << answer.err;
  EXPECT_EQ(answer.json()["restore"], "resumed");
  EXPECT_EQ(state(), "copied");
  EXPECT_EQ(esectl({"restore", "resume", folder_.path()}).code, Exit::wrong_state);
}

TEST_F(RestoreDecision, AbandonedItIsGone) {
  register_one();
  EXPECT_EQ(esectl({"restore", "abandon", folder_.path()}).code, Exit::ok);
  EXPECT_EQ(state(), "none");
  EXPECT_EQ(esectl({"restore", "abandon", folder_.path()}).code, Exit::wrong_state);
}

TEST_F(RestoreDecision, AnythingElseIsRefused) {
  register_one();
  EXPECT_EQ(esectl({"restore", "forget", folder_.path()}).code, Exit::usage);
  EXPECT_EQ(esectl({"restore", "resume", folder_ / "nothing"}).code, Exit::not_found);
  EXPECT_EQ(state(), "registered");
}

}  // namespace
}  // namespace stillframe::ese::tool
