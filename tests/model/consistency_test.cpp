#include "framework/model/consistency.hpp"

#include <gmock/gmock.h>

namespace stillframe {
namespace {

using testing::HasSubstr;

BootTime boot_ms(int ms) {
  return BootTime(std::chrono::milliseconds(ms));
}

class LabelTest : public testing::Test {
 protected:
  SnapshotId cut(Atomicity atomicity, int begun, int ended, ProviderId provider,
                 BytePath volume = "/srv") {
    SnapshotEvidence snapshot;
    snapshot.snapshot = SnapshotId::generate();
    snapshot.provider = provider;
    snapshot.atomicity = atomicity;
    snapshot.volume = std::move(volume);
    snapshot.cut = CutRecord{snapshot.snapshot, boot_ms(begun), boot_ms(ended)};
    snapshots_.push_back(snapshot);
    return snapshot.snapshot;
  }
  static HoldStatement hold(int from, int until) {
    HoldStatement statement;
    statement.held_from = boot_ms(from);
    statement.held_until = boot_ms(until);
    statement.unbroken = true;
    return statement;
  }
  Label label(const ComponentFacts& facts) { return label_component(facts, snapshots_); }

  const ProviderId btrfs_ = ProviderId::generate();
  const ProviderId reflink_ = ProviderId::generate();
  std::vector<SnapshotEvidence> snapshots_;
};

TEST_F(LabelTest, AHoldAroundEveryCutIsApplicationConsistent) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::volume, 100, 110, btrfs_), cut(Atomicity::file, 105, 140, reflink_)};
  facts.hold = hold(90, 150);
  EXPECT_EQ(label(facts).label, Consistency::application_consistent);
  facts.hold = hold(100, 140);  // the bounds themselves are held
  EXPECT_EQ(label(facts).label, Consistency::application_consistent);
}

TEST_F(LabelTest, AHoldThatMissesACutByOneMillisecondIsNot) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::volume, 100, 110, btrfs_),
                cut(Atomicity::volume, 120, 130, btrfs_, "/data")};
  for (const auto& [from, until] : {std::pair(101, 200), std::pair(50, 129)}) {
    facts.hold = hold(from, until);
    EXPECT_EQ(label(facts).label, Consistency::fuzzy);
    EXPECT_THAT(label(facts).reason, HasSubstr("does not cover the cut of"));
  }
  EXPECT_THAT(label(facts).reason, HasSubstr("'/data'"));
}

TEST_F(LabelTest, ABrokenHoldProvesNothingAndSaysWhy) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::volume, 100, 110, btrfs_)};
  facts.hold = hold(50, 200);
  facts.hold->unbroken = false;
  facts.hold->broken_because = "the lease ran out";
  EXPECT_EQ(label(facts).label, Consistency::crash_consistent);
  EXPECT_THAT(label(facts).reason, HasSubstr("the lease ran out"));
  facts.hold = hold(200, 50);
  EXPECT_EQ(label(facts).label, Consistency::crash_consistent);
}

TEST_F(LabelTest, WordsOfCommandsAreOnlyAsserted) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::file, 100, 110, reflink_)};
  facts.hold = hold(50, 200);
  facts.hold->asserted_only = true;
  EXPECT_EQ(label(facts).label, Consistency::application_asserted);
  facts.hold->held_until = boot_ms(105);
  EXPECT_EQ(label(facts).label, Consistency::fuzzy);
}

TEST_F(LabelTest, WithoutAHoldOnlyOneAtomicCutIsCrashConsistent) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::volume, 100, 110, btrfs_)};
  EXPECT_EQ(label(facts).label, Consistency::crash_consistent);

  // Two volumes, each atomic by itself.
  facts.cuts.push_back(cut(Atomicity::volume, 111, 112, btrfs_, "/data"));
  EXPECT_EQ(label(facts).label, Consistency::fuzzy);

  // Two volumes that one provider cuts at one instant.
  facts.cuts = {cut(Atomicity::set, 100, 110, btrfs_, "/a"),
                cut(Atomicity::set, 100, 110, btrfs_, "/b")};
  EXPECT_EQ(label(facts).label, Consistency::crash_consistent);

  // Two providers share no instant.
  facts.cuts = {cut(Atomicity::set, 100, 110, btrfs_, "/a"),
                cut(Atomicity::set, 100, 110, reflink_, "/b")};
  EXPECT_EQ(label(facts).label, Consistency::fuzzy);
}

// A btrfs whose nested subvolumes are cut one after the other.
class LabelOfPartsTest : public LabelTest {
 protected:
  void SetUp() override {
    facts_.cuts = {cut(Atomicity::volume, 100, 130, btrfs_, "/srv")};
    snapshots_.back().cut->parts = {{"/srv", boot_ms(100), boot_ms(110)},
                                    {"/srv/mail", boot_ms(111), boot_ms(120)},
                                    {"/srv/mail/queue", boot_ms(121), boot_ms(130)}};
  }
  Label at_places(std::vector<FilePlace> places) {
    facts_.places = std::move(places);
    return label(facts_);
  }
  ComponentFacts facts_;
};

TEST_F(LabelOfPartsTest, AComponentInOnePartIsCrashConsistent) {
  EXPECT_EQ(at_places({{"/srv/mail/queue", true}}).label, Consistency::crash_consistent);
  EXPECT_EQ(at_places({{"/srv/www", true}, {"/srv", false}}).label, Consistency::crash_consistent);
  EXPECT_EQ(at_places({{"/srv/mail", false}}).label, Consistency::crash_consistent);
  EXPECT_EQ(at_places({{"/srv/mailbox", true}}).label, Consistency::crash_consistent)
      << "a name that only begins like a part's is not in it";
}

TEST_F(LabelOfPartsTest, AComponentThatReachesIntoTwoPartsIsFuzzy) {
  for (const auto& places :
       std::vector<std::vector<FilePlace>>{{{"/srv", true}},
                                           {{"/srv/mail", true}},
                                           {{"/srv/mail/queue", true}, {"/srv/www", true}},
                                           {{"/elsewhere", true}},
                                           {}}) {
    const Label label = at_places(places);
    EXPECT_EQ(label.label, Consistency::fuzzy);
    EXPECT_THAT(label.reason, HasSubstr("at different moments"));
  }
}

TEST_F(LabelOfPartsTest, AHoldAroundAllPartsStillProvesThemAll) {
  facts_.hold = hold(100, 130);
  EXPECT_EQ(at_places({{"/srv", true}}).label, Consistency::application_consistent);
  facts_.hold = hold(100, 129);
  EXPECT_EQ(at_places({{"/srv", true}}).label, Consistency::fuzzy);
}

TEST_F(LabelOfPartsTest, ASetWithoutComponentsIsNotOneCut) {
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::fuzzy);
  snapshots_.back().cut->parts.resize(1);
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::crash_consistent);
}

TEST_F(LabelTest, CutsMadeFileByFileAreAtomicOnlyUnderAProvenHold) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::file, 100, 110, reflink_)};
  EXPECT_EQ(label(facts).label, Consistency::fuzzy);
  EXPECT_THAT(label(facts).reason, HasSubstr("one by one"));
  facts.hold = hold(99, 111);
  EXPECT_EQ(label(facts).label, Consistency::application_consistent);
}

TEST_F(LabelTest, AFailedWriterOrAMissingCutIsFailedWhateverWasHeld) {
  ComponentFacts facts;
  facts.cuts = {cut(Atomicity::volume, 100, 110, btrfs_)};
  facts.hold = hold(50, 200);
  ComponentFacts failed = facts;
  failed.writer_failure = "it vetoed: busy";
  EXPECT_EQ(label(failed).label, Consistency::failed);
  EXPECT_THAT(label(failed).reason, HasSubstr("it vetoed: busy"));

  ComponentFacts unknown = facts;
  unknown.cuts.push_back(SnapshotId::generate());
  EXPECT_EQ(label(unknown).label, Consistency::failed);

  ComponentFacts uncovered = facts;
  uncovered.uncovered = {"/mnt/other"};
  EXPECT_EQ(label(uncovered).label, Consistency::failed);
  EXPECT_THAT(label(uncovered).reason, HasSubstr("'/mnt/other'"));

  snapshots_[0].cut->ended = boot_ms(99);  // before it began
  EXPECT_EQ(label(facts).label, Consistency::failed);
  snapshots_[0].cut.reset();
  EXPECT_EQ(label(facts).label, Consistency::failed);
}

TEST_F(LabelTest, AStreamedComponentNeedsNoCut) {
  ComponentFacts facts;
  facts.streamed = true;
  EXPECT_EQ(label(facts).label, Consistency::application_consistent);
  facts.writer_failure = "the stream broke";
  EXPECT_EQ(label(facts).label, Consistency::failed);
}

TEST_F(LabelTest, AComponentWithoutFilesIsConsistentOnlyUnderAHold) {
  ComponentFacts facts;
  EXPECT_EQ(label(facts).label, Consistency::crash_consistent);
  facts.hold = hold(1, 2);
  EXPECT_EQ(label(facts).label, Consistency::application_consistent);
}

TEST_F(LabelTest, ASetIsAsGoodAsItsWeakestComponent) {
  std::vector<ComponentEvidence> components(3);
  components[0].label = Consistency::application_consistent;
  components[1].name = {"Shelves", "Fiction"};
  components[1].label = Consistency::fuzzy;
  components[1].reason = "its hold was broken";
  components[2].label = Consistency::application_asserted;
  const Label set = label_set(components, {});
  EXPECT_EQ(set.label, Consistency::fuzzy);
  EXPECT_THAT(set.reason, HasSubstr("Shelves/Fiction"));
  EXPECT_THAT(set.reason, HasSubstr("its hold was broken"));
  components.erase(components.begin() + 1);
  EXPECT_EQ(label_set(components, {}).label, Consistency::application_asserted);
}

TEST_F(LabelTest, ASetWithoutAWriterIsNeverApplicationConsistent) {
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::failed);
  cut(Atomicity::volume, 100, 110, btrfs_);
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::crash_consistent);
  cut(Atomicity::volume, 100, 110, btrfs_, "/data");
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::fuzzy);
  snapshots_.back().cut.reset();
  EXPECT_EQ(label_set({}, snapshots_).label, Consistency::failed);
}

TEST(Policy, RequireFailsTheSetWhereOthersDegradeOrSkip) {
  using P = ConsistencyPolicy;
  using V = PolicyVerdict;
  for (Consistency good :
       {Consistency::application_consistent, Consistency::application_asserted}) {
    for (P policy : {P::require, P::allow_degraded, P::skip})
      EXPECT_EQ(judge(good, policy), V::keep);
    EXPECT_TRUE(can_be_base(good));
  }
  for (Consistency degraded : {Consistency::crash_consistent, Consistency::fuzzy}) {
    EXPECT_EQ(judge(degraded, P::require), V::fail_set);
    EXPECT_EQ(judge(degraded, P::allow_degraded), V::keep);
    EXPECT_EQ(judge(degraded, P::skip), V::leave_out);
    EXPECT_FALSE(can_be_base(degraded));
  }
  EXPECT_EQ(judge(Consistency::failed, P::require), V::fail_set);
  EXPECT_EQ(judge(Consistency::failed, P::allow_degraded), V::leave_out);
  EXPECT_EQ(judge(Consistency::failed, P::skip), V::leave_out);
}

}  // namespace
}  // namespace stillframe
