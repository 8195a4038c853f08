// A WriterRunner over a RecordingWriter in manual time.
#pragma once

#include <future>

#include <gtest/gtest.h>

#include "framework/sdk/writer_runner.hpp"
#include "tests/sdk/manual_time.hpp"
#include "tests/sdk/recording_writer.hpp"

namespace stillframe::tests {

class RunnerTest : public ::testing::Test {
 protected:
  static constexpr Duration kLimit = std::chrono::seconds(60);
  static constexpr Duration kLease = std::chrono::seconds(5);

  void SetUp() override { start(); }

  void start() {
    WriterRunnerOptions options;
    options.hold_limit = kLimit;
    options.lease = kLease;
    options.clock = &clock_;
    options.alarm = alarm_.factory();
    options.time_suspended = [this] { return Duration(suspended_.load()); };
    options.streams_through_pipes = streams_through_pipes_;
    options.loop = IoThread::start("loop").value();
    auto runner = WriterRunner::start(writer_, std::move(options));
    ASSERT_TRUE(runner.ok());
    runner_ = std::move(runner).value();
  }

  WriterCall call_of(Verb verb, WriterArgs args = NoArgs{}) {
    WriterCall call;
    call.verb = verb;
    call.session = session_;
    call.deadline = clock_.now() + std::chrono::seconds(600);
    call.args = std::move(args);
    return call;
  }

  std::future<WriterAnswer> begin(WriterCall call) {
    auto promise = std::make_shared<std::promise<WriterAnswer>>();
    auto answer = promise->get_future();
    runner_->call(std::move(call), [promise](WriterAnswer a) { promise->set_value(std::move(a)); });
    return answer;
  }
  std::future<WriterAnswer> begin(Verb verb, WriterArgs args = NoArgs{}) {
    return begin(call_of(verb, std::move(args)));
  }
  WriterAnswer ask(Verb verb, WriterArgs args = NoArgs{}) {
    return begin(verb, std::move(args)).get();
  }
  HoldStatement thaw() {
    WriterAnswer answer = ask(Verb::thaw);
    EXPECT_TRUE(answer.status.ok());
    return std::get<HoldStatement>(answer.payload);
  }
  void advance_and_ring(Duration by) {
    clock_.advance(by);
    alarm_.ring();
  }

  ManualClock clock_;
  ManualAlarm alarm_;
  std::atomic<std::int64_t> suspended_{0};
  bool streams_through_pipes_ = true;
  RecordingWriter writer_;
  SessionId session_ = SessionId::generate();
  std::unique_ptr<WriterRunner> runner_;
};

}  // namespace stillframe::tests
