// A hold ends by itself whatever happens to others, and never claims more than it kept.
#include "tests/sdk/runner_fixture.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

class HoldTimer : public tests::RunnerTest {};

TEST_F(HoldTimer, StatementSpansFromTheReturnOfFreezeToTheCallOfThaw) {
  const BootTime begun = clock_.now();
  writer_.on("freeze", [this](const CallContext&) -> Status {
    clock_.advance(30ms);
    return Ok{};
  });
  writer_.on("thaw", [this](const CallContext&) -> Status {
    clock_.advance(500ms);
    return Ok{};
  });
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(100ms);
  const HoldStatement statement = thaw();
  EXPECT_EQ(statement.held_from, begun + 30ms);
  EXPECT_EQ(statement.held_until, begun + 130ms);
  EXPECT_TRUE(statement.unbroken);
  EXPECT_TRUE(statement.broken_because.empty());
  EXPECT_EQ(alarm_.set_to(), std::nullopt);
}

TEST_F(HoldTimer, IsArmedBeforeTheApplicationIsTouched) {
  std::optional<BootTime> armed;
  writer_.on("freeze", [&](const CallContext&) -> Status {
    armed = alarm_.set_to();
    return Ok{};
  });
  const BootTime received = clock_.now();
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  EXPECT_EQ(armed, received + kLease);
}

TEST_F(HoldTimer, LimitCountsFromTheReceiptOfFreezeNotFromItsTurn) {
  tests::Gate gate;
  writer_.on("identify", [&](const CallContext&) -> Status {
    gate.pass();
    return Ok{};
  });
  auto busy = begin(Verb::identify);
  gate.wait_until_reached();
  const BootTime received = clock_.now();
  auto frozen = begin(Verb::freeze);
  clock_.advance(2s);
  gate.open();
  ASSERT_TRUE(frozen.get().status.ok());
  EXPECT_EQ(alarm_.set_to(), received + kLease);
  busy.get();
}

TEST_F(HoldTimer, SilenceLongerThanTheLeaseThaws) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  advance_and_ring(kLease);
  writer_.wait_for("thaw");
  const HoldStatement statement = thaw();
  EXPECT_FALSE(statement.unbroken);
  EXPECT_NE(statement.broken_because.find("lease"), std::string::npos);
  EXPECT_EQ(writer_.count("thaw"), 1u);  // the coordinator's thaw is answered from the record
}

TEST_F(HoldTimer, HeartbeatsKeepTheHoldUntilTheLimit) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  for (Duration held{0}; held + 4s < kLimit; held += 4s) {
    clock_.advance(4s);
    runner_->heartbeat(session_);
    alarm_.ring();
    ASSERT_EQ(writer_.count("thaw"), 0u);
  }
  advance_and_ring(4s);
  writer_.wait_for("thaw");
  EXPECT_NE(thaw().broken_because.find("limit"), std::string::npos);
}

// As when this process was stopped, and goes on with what the coordinator said meanwhile.
TEST_F(HoldTimer, AThawThatComesWhenTheTimeIsUpFindsABrokenHoldAlthoughNoTimerRang) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(kLease + std::chrono::milliseconds(1));
  const HoldStatement statement = thaw();
  EXPECT_FALSE(statement.unbroken);
  EXPECT_NE(statement.broken_because.find("lease"), std::string::npos);
  EXPECT_EQ(writer_.count("thaw"), 1u);
  alarm_.ring();
  EXPECT_EQ(writer_.count("thaw"), 1u);
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  EXPECT_TRUE(thaw().unbroken);
}

TEST_F(HoldTimer, AHeartbeatThatWasReadTooLateDoesNotSaveTheHold) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(kLease + std::chrono::milliseconds(1));
  runner_->heartbeat(session_);
  EXPECT_FALSE(thaw().unbroken);
}

TEST_F(HoldTimer, HeartbeatsOfAnotherSessionDoNotCount) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(4s);
  runner_->heartbeat(SessionId::generate());
  advance_and_ring(1s);
  writer_.wait_for("thaw");
}

TEST_F(HoldTimer, TheShortestOfAllLimitsCounts) {
  WriterCall call = call_of(Verb::freeze);
  call.hold_limit = 3s;
  call.lease = 4s;
  const BootTime received = clock_.now();
  ASSERT_TRUE(begin(call).get().status.ok());
  EXPECT_EQ(alarm_.set_to(), received + 3s);
}

TEST_F(HoldTimer, ARingThatWasOnItsWayWhenThawCameDoesNothing) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  (void)thaw();
  advance_and_ring(kLimit);
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, ARingThatWasOnItsWayDoesNotEndTheNextHold) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  (void)thaw();
  clock_.advance(kLimit);
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  alarm_.ring();  // of the first hold
  const HoldStatement statement = thaw();
  EXPECT_TRUE(statement.unbroken);
  EXPECT_EQ(writer_.count("thaw"), 2u);
}

TEST_F(HoldTimer, LateFreezeIsFollowedByThawAtOnce) {
  tests::Gate gate;
  writer_.on("freeze", [&](const CallContext&) -> Status {
    gate.pass();
    return Ok{};
  });
  auto answer = begin(Verb::freeze);
  gate.wait_until_reached();
  advance_and_ring(kLease);
  EXPECT_EQ(writer_.count("thaw"), 0u);  // never beside a freeze() that still runs
  gate.open();
  const WriterAnswer frozen = answer.get();
  ASSERT_FALSE(frozen.status.ok());
  EXPECT_EQ(frozen.status.error().code(), Errc::timed_out);
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw"}));
  EXPECT_EQ(writer_.thread_of("freeze"), writer_.thread_of("thaw"));
}

TEST_F(HoldTimer, FreezeThatReturnsAfterItsDeadlineIsThawedAlthoughNoTimerRang) {
  WriterCall call = call_of(Verb::freeze);
  call.deadline = clock_.now() + 1s;
  writer_.on("freeze", [this](const CallContext& context) -> Status {
    EXPECT_FALSE(context.cancel->cancelled());
    clock_.advance(2s);
    EXPECT_TRUE(context.cancel->cancelled());
    return Ok{};
  });
  const WriterAnswer answer = begin(call).get();
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::timed_out);
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, CancelledFreezeIsThawed) {
  tests::Gate gate;
  writer_.on("freeze", [&](const CallContext& context) -> Status {
    gate.pass();
    EXPECT_TRUE(context.cancel->cancelled());
    return Ok{};
  });
  auto answer = begin(Verb::freeze);
  gate.wait_until_reached();
  runner_->cancel(session_);
  gate.open();
  EXPECT_FALSE(answer.get().status.ok());
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, RefusedFreezeIsThawedAndItsStatementIsBroken) {
  writer_.on("freeze",
             [](const CallContext&) -> Status { return Error(Errc::writer_retryable, "busy"); });
  const WriterAnswer answer = ask(Verb::freeze);
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::writer_retryable);
  EXPECT_EQ(writer_.count("thaw"), 1u);
  EXPECT_FALSE(thaw().unbroken);
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, ThrowingFreezeIsThawed) {
  writer_.on("freeze", [](const CallContext&) -> Status { throw std::runtime_error("boom"); });
  const WriterAnswer answer = ask(Verb::freeze);
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::writer_fatal);
  EXPECT_NE(answer.status.error().what().find("boom"), std::string::npos);
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, BusyWriterIsThawedOnTheTimersThreadAndTheNextVerbWaitsForIt) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  tests::Gate verifying, thawing;
  writer_.on("verify", [&](const CallContext&) -> Status {
    verifying.pass();
    return Ok{};
  });
  writer_.on("thaw", [&](const CallContext&) -> Status {
    thawing.pass();
    return Ok{};
  });
  auto verified = begin(Verb::verify, VerifyRequest{{"", "data"}, "/x"});
  verifying.wait_until_reached();
  clock_.advance(kLease);
  std::thread timer([this] { alarm_.ring(); });
  thawing.wait_until_reached();
  EXPECT_EQ(writer_.thread_of("thaw"), timer.get_id());
  auto thawed = begin(Verb::thaw);
  auto identified = begin(Verb::identify);
  verifying.open();
  EXPECT_TRUE(verified.get().status.ok());
  EXPECT_EQ(writer_.count("identify"), 0u);
  thawing.open();
  timer.join();
  EXPECT_FALSE(std::get<HoldStatement>(thawed.get().payload).unbroken);
  EXPECT_TRUE(identified.get().status.ok());
  EXPECT_EQ(writer_.count("thaw"), 1u);
}

TEST_F(HoldTimer, NextVerbComesAfterTheTimersThaw) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  advance_and_ring(kLease);
  (void)ask(Verb::identify);
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw", "identify"}));
}

TEST_F(HoldTimer, ThawThatFailsIsTriedAgainAndTheHoldIsBroken) {
  std::atomic<int> failures{2};
  writer_.on("thaw", [&](const CallContext&) -> Status {
    if (failures-- > 0) return Error(Errc::io, "stuck");
    return Ok{};
  });
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  EXPECT_FALSE(ask(Verb::thaw).status.ok());
  advance_and_ring(100ms);
  writer_.wait_for("thaw", 2);
  (void)ask(Verb::identify);
  advance_and_ring(100ms);
  writer_.wait_for("thaw", 3);
  EXPECT_FALSE(thaw().unbroken);
  EXPECT_EQ(writer_.count("thaw"), 3u);
}

TEST_F(HoldTimer, SuspendInsideTheHoldBreaksIt) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(1s);
  suspended_ = Duration(1s).count();
  const HoldStatement statement = thaw();
  EXPECT_FALSE(statement.unbroken);
  EXPECT_NE(statement.broken_because.find("suspended"), std::string::npos);
}

TEST_F(HoldTimer, WriterMayNarrowItsTimesButNotWidenThem) {
  const BootTime received = clock_.now();
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(100ms);
  writer_.says.held_from = received + 20ms;
  writer_.says.held_until = received + 80ms;
  HoldStatement statement = thaw();
  EXPECT_EQ(statement.held_from, received + 20ms);
  EXPECT_EQ(statement.held_until, received + 80ms);

  const BootTime again = clock_.now();
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  clock_.advance(100ms);
  writer_.says.held_from = again - 10s;
  writer_.says.held_until = again + 10s;
  statement = thaw();
  EXPECT_EQ(statement.held_from, again);
  EXPECT_EQ(statement.held_until, again + 100ms);
}

TEST_F(HoldTimer, AWriterThatSaysItsHoldBrokeIsBelieved) {
  writer_.says.unbroken = false;
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  const HoldStatement statement = thaw();
  EXPECT_FALSE(statement.unbroken);
  EXPECT_FALSE(statement.broken_because.empty());
}

TEST_F(HoldTimer, SecondSessionCannotFreezeAFrozenWriter) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  WriterCall other = call_of(Verb::freeze);
  other.session = SessionId::generate();
  const WriterAnswer answer = begin(other).get();
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code(), Errc::in_progress);
  EXPECT_EQ(writer_.count("freeze"), 1u);
}

TEST_F(HoldTimer, ThawWithoutAHoldIsHarmless) {
  const HoldStatement statement = thaw();
  EXPECT_FALSE(statement.unbroken);
  EXPECT_EQ(writer_.count("thaw"), 0u);
}

TEST_F(HoldTimer, LostCoordinatorThawsAtOnceAndEndsTheSession) {
  ASSERT_TRUE(ask(Verb::prepare_snapshot, SnapshotArgs{}).status.ok());
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  runner_->coordinator_lost("gone");
  writer_.wait_for("shutdown");
  EXPECT_EQ(writer_.calls(),
            (std::vector<std::string>{"prepare_snapshot", "freeze", "thaw", "abort", "shutdown"}));
}

TEST_F(HoldTimer, CoordinatorLostDuringFreezeThawsWhenItReturns) {
  tests::Gate gate;
  writer_.on("freeze", [&](const CallContext& context) -> Status {
    gate.pass();
    EXPECT_TRUE(context.cancel->cancelled());
    return Ok{};
  });
  auto answer = begin(Verb::freeze);
  auto behind = begin(Verb::post_snapshot, SnapshotArgs{});
  gate.wait_until_reached();
  runner_->coordinator_lost("gone");
  gate.open();
  EXPECT_EQ(answer.get().status.error().code(), Errc::disconnected);
  EXPECT_EQ(behind.get().status.error().code(), Errc::disconnected);
  writer_.wait_for("shutdown");
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw", "abort", "shutdown"}));
}

TEST_F(HoldTimer, AbortThawsFirst) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  (void)ask(Verb::abort);
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw", "abort"}));
  EXPECT_FALSE(thaw().unbroken);
}

TEST_F(HoldTimer, DestructionThaws) {
  ASSERT_TRUE(ask(Verb::freeze).status.ok());
  runner_.reset();
  EXPECT_EQ(writer_.calls(), (std::vector<std::string>{"freeze", "thaw", "abort", "shutdown"}));
}

// The one real clock in this file: the thread and its timerfd are the thing under test.
TEST(SystemAlarm, RingsNotBeforeItsTimeAndNotAfterItWasTakenBack) {
  std::promise<BootTime> rang;
  auto alarm = make_system_alarm([&] { rang.set_value(system_clock().now()); });
  ASSERT_TRUE(alarm.ok());
  alarm.value()->set(system_clock().now() + std::chrono::hours(1));
  alarm.value()->set(std::nullopt);
  const BootTime due = system_clock().now() + 20ms;
  alarm.value()->set(due);
  EXPECT_GE(rang.get_future().get(), due);
}

TEST(SystemAlarm, MachineThatIsAwakeGainsNoSuspendedTime) {
  const Duration before = time_suspended();
  EXPECT_LT(time_suspended() - before, std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace stillframe
