// What the evidence says about a session's course.
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::Contains;

class TimelineTest : public CoordinatorFixture {};

TEST_F(TimelineTest, TheTimelineHoldsEveryPhaseOfEveryParticipant) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots();
  ASSERT_TRUE(set.ok()) << error_of(set);
  std::vector<std::string> phases;
  for (const auto& entry : set.value().evidence.timeline) {
    EXPECT_EQ(entry.result, "ok") << entry.phase;
    EXPECT_LE(entry.begun, entry.ended);
    phases.push_back(entry.phase);
  }
  for (const char* phase :
       {"identify", "prepare_backup", "turn", "prepare_snapshot", "begin_prepare", "end_prepare",
        "flush", "freeze", "pre_commit", "commit", "post_commit", "thaw", "pre_final",
        "post_snapshot", "post_final"})
    EXPECT_THAT(phases, Contains(phase));
}

TEST_F(TimelineTest, TheLastEvidenceHoldsNoStepThatGotNoAnswer) {
  add_writer({"orders", make_volume("one")});
  add_provider();
  start();
  Client requestor = client();
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
  const auto document = session.value().document().value();
  ASSERT_TRUE(session.value().complete(receipt_for(document), all_succeeded(document)).ok());
  auto evidence = session.value().end();
  ASSERT_TRUE(evidence.ok()) << error_of(evidence);
  for (const auto& entry : evidence.value().timeline)
    EXPECT_EQ(entry.result, "ok") << entry.phase << " of " << entry.who;
  std::vector<std::string> phases;
  for (const auto& entry : evidence.value().timeline) phases.push_back(entry.phase);
  for (const char* phase : {"backup_complete", "shutdown", "remove"})
    EXPECT_THAT(phases, Contains(phase));
}

}  // namespace
}  // namespace stillframe
