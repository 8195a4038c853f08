// Every session can be explained from its events.
#include "framework/coordinator/session/session_events.hpp"

#include <map>
#include <thread>

#include <nlohmann/json.hpp>

#include "framework/base/memory_event_sink.hpp"
#include "framework/coordinator/event_ids.hpp"
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using namespace coordinator;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;

class SessionEventsTest : public CoordinatorFixture {
 protected:
  // Of sessions only, in order.
  std::vector<json> told(int id = 0) const {
    std::vector<json> all;
    for (const auto& text : events()) {
      json event = json::parse(text);
      const int its_id = event["event_id"].get<int>();
      if (id == 0 ? its_id >= kEventSessionBegun && its_id != kEventWriterLeft : its_id == id)
        all.push_back(std::move(event));
    }
    return all;
  }
  // A hold that failed is told when its writers have thawed, which may be after the reply.
  void wait_for(int id) const {
    for (int tries = 0; tries < 10'000 && told(id).empty(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::vector<int> ids() const {
    std::vector<int> all;
    for (const auto& event : told()) all.push_back(event["event_id"].get<int>());
    return all;
  }
  std::string field(int id, const std::string& name) const {
    const auto found = told(id);
    return found.empty() ? "no event" : found.back()["fields"].value(name, "no field");
  }
};

TEST_F(SessionEventsTest, AGoodBackupIsToldFromBeginToEnd) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  {
    Client requestor = client("nightly");
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    ASSERT_TRUE(session.value().create_snapshots().ok());
    const auto document = session.value().document().value();
    ASSERT_TRUE(session.value().complete(receipt_for(document), all_succeeded(document)).ok());
    ASSERT_TRUE(session.value().end().ok());
  }
  EXPECT_THAT(ids(), ElementsAre(kEventSessionBegun, kEventHoldBegun, kEventWritersFrozen,
                                 kEventCommitBegun, kEventCommitEnded, kEventHoldEnded,
                                 kEventSetMade, kEventComponentLabelled, kEventSessionEnded));
  EXPECT_EQ(field(kEventSessionBegun, "requestor"), "nightly");
  EXPECT_EQ(field(kEventSessionBegun, "kind"), "backup");
  EXPECT_EQ(field(kEventHoldBegun, "writers"), "1");
  EXPECT_EQ(field(kEventHoldEnded, "writer"), "orders");
  EXPECT_GT(std::stod(field(kEventHoldEnded, "hold_ms")),
            std::stod(field(kEventHoldEnded, "commit_ms")));
  EXPECT_EQ(field(kEventSetMade, "labels"), "application-consistent=1");
  EXPECT_EQ(field(kEventComponentLabelled, "component"), "data");
  EXPECT_EQ(field(kEventSessionEnded, "outcome"), "completed");
  for (const auto& event : told()) {
    EXPECT_EQ(event["fields"]["session"], told().front()["fields"]["session"]);
    EXPECT_EQ(event["level"], "info") << event["message"];
  }
}

TEST_F(SessionEventsTest, NothingIsEmittedWhileWritersAreHeldAndTimesAreThoseOfWhatHappened) {
  std::vector<std::string> seen_while_held;
  ScriptedWriter& writer = add_writer({"orders", make_volume("one")});
  add_provider({}, [&](const std::string& step) -> Status {
    if (step == "commit" && writer.frozen()) seen_while_held = events();
    return Ok{};
  });
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
  ASSERT_FALSE(seen_while_held.empty());
  EXPECT_EQ(json::parse(seen_while_held.back())["event_id"], kEventHoldBegun);
  const auto when = [&](int id) { return told(id).at(0)["when"].get<std::int64_t>(); };
  EXPECT_LE(when(kEventHoldBegun), when(kEventWritersFrozen));
  EXPECT_LE(when(kEventWritersFrozen), when(kEventCommitBegun));
  EXPECT_LE(when(kEventCommitBegun), when(kEventCommitEnded));
  EXPECT_LE(when(kEventCommitEnded), when(kEventHoldEnded));
}

TEST_F(SessionEventsTest, AWriterThatFailsToFreezeIsNamedWithTheFailureAndThePhase) {
  add_writer({"orders", make_volume("one")}, [](const std::string& verb, const CallContext&) {
    return verb == "freeze" ? Status(Error(Errc::writer_retryable, "the cache is busy")) : Ok{};
  });
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok());
  ASSERT_FALSE(session.value().create_snapshots().ok());
  wait_for(kEventHoldEnded);
  EXPECT_EQ(field(kEventWriterFailed, "writer"), "orders");
  EXPECT_EQ(field(kEventWriterFailed, "verb"), "freeze");
  EXPECT_EQ(field(kEventWriterFailed, "failure"), "writer_retryable");
  EXPECT_EQ(field(kEventSetFailed, "phase"), "freezing");
  EXPECT_EQ(field(kEventSetFailed, "failure"), "writer_retryable");
  EXPECT_THAT(told(kEventSetFailed).at(0)["message"].get<std::string>(),
              AllOf(HasSubstr("orders"), HasSubstr("the cache is busy")));
  EXPECT_EQ(told(kEventHoldEnded).size(), 1u) << "a hold that began is told to be over";
  EXPECT_TRUE(told(kEventCommitBegun).empty());
}

TEST_F(SessionEventsTest, AProviderThatFailsToCutIsNamedAndTheCommitDidNotEnd) {
  add_writer({"orders", make_volume("one")});
  add_provider({}, [](const std::string& step) {
    return step == "commit" ? Status(Error(Errc::no_space, "the pool is full")) : Ok{};
  });
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok());
  ASSERT_FALSE(session.value().create_snapshots().ok());
  wait_for(kEventHoldEnded);
  EXPECT_EQ(field(kEventProviderFailed, "provider"), "fake");
  EXPECT_EQ(field(kEventProviderFailed, "step"), "commit");
  EXPECT_EQ(field(kEventSetFailed, "provider"), "fake");
  EXPECT_EQ(field(kEventSetFailed, "failure"), "no_space");
  EXPECT_EQ(told(kEventCommitBegun).size(), 1u);
  EXPECT_TRUE(told(kEventCommitEnded).empty());
  EXPECT_TRUE(told(kEventSetMade).empty());
}

TEST_F(SessionEventsTest, ASetThatCannotBePlannedIsToldAsAFailure) {
  add_writer({"orders", make_volume("one")});
  FakeProviderOptions refusing;
  refusing.refuses = [](const Volume&) { return std::string("not of its kind"); };
  add_provider(refusing);
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok());
  ASSERT_FALSE(session.value().create_snapshots().ok());
  EXPECT_EQ(field(kEventSetFailed, "phase"), "planning");
  EXPECT_EQ(field(kEventSetFailed, "failure"), "volume_not_supported");
}

TEST_F(SessionEventsTest, ARequestorThatGoesAwayIsTheReasonOfTheEnd) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  {
    Client requestor = client("nightly");
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
  }
  stop();
  EXPECT_TRUE(told(kEventSetFailed).empty()) << "nothing went wrong by itself";
  EXPECT_EQ(field(kEventSessionEnded, "outcome"), "aborted");
  EXPECT_NE(field(kEventSessionEnded, "reason"), "no field");
}

TEST_F(SessionEventsTest, AnAbortedBackupIsAbortedInItsEvidenceToo) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  Client requestor = client("nightly");
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
  ASSERT_TRUE(session.value().abort("changed its mind").ok());
  const auto evidence = session.value().evidence();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().outcome, "aborted");
  EXPECT_EQ(field(kEventSessionEnded, "outcome"), "aborted");
  EXPECT_EQ(field(kEventSessionEnded, "reason"), "changed its mind");
}

// While it still undoes what it did, and afterwards.
TEST_F(SessionEventsTest, AFailedBackupIsFailedInItsEvidenceAndInItsEvents) {
  add_writer({"orders", make_volume("one")});
  add_provider({}, [](const std::string& step) {
    return step == "commit" ? Status(Error(Errc::no_space, "the pool is full")) : Ok{};
  });
  start();
  Client requestor = client("nightly");
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_FALSE(session.value().create_snapshots().ok());
  wait_for(kEventSessionEnded);
  const auto evidence = session.value().evidence();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  EXPECT_EQ(evidence.value().outcome, "failed");
  EXPECT_EQ(field(kEventSessionEnded, "outcome"), "failed");
}

// It says the word, but it was nobody's wish.
TEST_F(SessionEventsTest, AWriterThatAnswersCancelledHasFailed) {
  add_writer({"orders", make_volume("one")},
             [](const std::string& verb, const CallContext&) -> Status {
               if (verb == "prepare_snapshot") return Error(Errc::cancelled, "shutting down");
               return Ok{};
             });
  add_provider();
  start();
  Client requestor = client("nightly");
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  ASSERT_FALSE(session.value().create_snapshots().ok());
  wait_for(kEventSessionEnded);
  EXPECT_FALSE(told(kEventSetFailed).empty());
  EXPECT_EQ(field(kEventSessionEnded, "outcome"), "failed");
}

TEST_F(SessionEventsTest, WritersThatLeaveAreTold) {
  add_writer({"orders", make_volume("one")});
  start();
  stop();
  ASSERT_EQ(told(kEventWriterLeft).size(), 1u);
  EXPECT_EQ(field(kEventWriterLeft, "writer"), "orders");
}

TEST(SessionEvents, BrokenHoldsAndWritersThatDoNotAnswerMakeTheEndAWarning) {
  MemoryEventSink sink;
  SessionEvents events(sink, system_clock(), {{"session", "s"}});
  events.hold_begins({});
  events.mark(machine::Phase::freezing);
  HoldFacts facts;
  facts.writers = 2;
  facts.stall = std::chrono::milliseconds(7);
  facts.stall_writer = "mail";
  facts.broken = "mail";
  facts.still_held = "shop";
  events.hold_ended(facts);
  const auto told = sink.events();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].level, EventLevel::warning);
  EXPECT_EQ(told[1].fields.at("stall_ms"), "7.000");
  EXPECT_EQ(told[1].fields.at("broken"), "mail");
  EXPECT_EQ(told[1].fields.at("still_held"), "shop");
}

}  // namespace
}  // namespace stillframe
