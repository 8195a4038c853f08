// Databases and logs that belong together by their signatures and were once one, but are of
// different moments: nothing is replayed, and the file stays as it is.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ese/support/backup_sets.hpp"
#include "tests/ese/support/instance_model.hpp"

namespace stillframe::ese {
namespace {

using tests::CrashingFiles;
using tests::InstanceModel;

const BytePath kLive = "/db/one.edb", kAside = "/aside";

class OtherHistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory(kAside).ok());
    run(Ending::in_order);
  }

  enum class Ending { in_order, crash };
  void run(Ending ending, int rolls = 0) { run(model_, ending, rolls); }
  void run(InstanceModel& model, Ending ending, int rolls) {
    auto instance = tests::started(files_, options_);
    ASSERT_NE(instance, nullptr);
    const Status opened = model.open(*instance);
    ASSERT_TRUE(opened.ok()) << opened.error().what();
    ASSERT_TRUE(model.work(*instance, 50).ok());
    ASSERT_TRUE(model.finish().ok());
    for (int i = 0; i < rolls; ++i) ASSERT_TRUE(instance->log().roll().ok());
    ASSERT_TRUE(instance->log().make_all_durable().ok());
    model.crash();
    if (ending == Ending::in_order) {
      const Status stopped = instance->stop();
      ASSERT_TRUE(stopped.ok()) << stopped.error().what();
    }
  }
  std::vector<BytePath> logs() {
    const auto names = files_.list("/log");
    EXPECT_TRUE(names.ok());
    std::vector<BytePath> paths;
    for (const BytePath& name : names.value()) paths.push_back("/log/" + name);
    return paths;
  }
  // Instead of all that is there.
  void take_logs_from(const BytePath& place, const std::vector<BytePath>& kept) {
    for (const BytePath& log : logs()) ASSERT_TRUE(files_.remove(log).ok());
    for (const BytePath& log : kept) tests::copy_file(files_, place + log, log);
  }
  std::vector<BytePath> keep_logs(const BytePath& place) {
    const std::vector<BytePath> kept = logs();
    for (const BytePath& log : kept) tests::copy_file(files_, log, place + log);
    return kept;
  }
  void expect_refused(EseErr err) {
    const DatabaseHeader before = tests::header_of(files_, kLive);
    const auto refused = Instance::start(files_, options_);
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(is(refused.error(), err)) << refused.error().what();
    EXPECT_EQ(tests::header_of(files_, kLive), before);
  }

  const InstanceOptions options_ = tests::small_instance(4096);
  CrashingFiles files_;
  InstanceModel model_{{kLive}, "rows", 551};
};

TEST_F(OtherHistoryTest, AnOlderCopyIsNotTakenForTheDatabaseThatTheLogIsOf) {
  tests::copy_file(files_, kLive, kAside + "/older.edb");
  run(Ending::in_order);
  run(Ending::crash);
  tests::copy_file(files_, kAside + "/older.edb", kLive);
  expect_refused(EseErr::consistent_time_mismatch);
}

TEST_F(OtherHistoryTest, ADatabaseThatWasShutDownBehindTheEndOfTheLogsIsNotTheirs) {
  run(Ending::crash);
  const std::vector<BytePath> crashed = keep_logs(kAside);
  run(Ending::in_order);
  run(Ending::in_order);
  take_logs_from(kAside, crashed);
  expect_refused(EseErr::consistent_time_mismatch);
}

// From one moment on there are two pasts, and their logs have the same numbers.
TEST_F(OtherHistoryTest, LogsOfAnotherPastAreNotReplayedIntoIt) {
  const std::vector<BytePath> common = keep_logs(kAside);
  tests::copy_file(files_, kLive, kAside + "/common.edb");
  run(Ending::crash, 2);
  const Generation committed = tests::header_of(files_, kLive).gen_max_committed;
  tests::copy_file(files_, kLive, kAside + "/one.edb");

  take_logs_from(kAside, common);
  tests::copy_file(files_, kAside + "/common.edb", kLive);
  InstanceModel other({kLive}, "others", 543);
  run(other, Ending::crash, 4);
  ASSERT_GT(tests::header_of(files_, kLive).gen_max_committed, committed);
  tests::copy_file(files_, kAside + "/one.edb", kLive);
  expect_refused(EseErr::invalid_log_sequence);
}

}  // namespace
}  // namespace stillframe::ese
