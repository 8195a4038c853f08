// A writer that refuses, at every verb where it may, at every level, under every policy, however
// the policy was said.
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::HasSubstr;
using Policy = ConsistencyPolicy;

// Who says the policy of the component whose writer refuses.
enum class SaidBy { selector, backup, set };

struct Case {
  Policy policy;
  FreezeLevel level;
  const char* verb;
  SaidBy said_by;
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  const char* policy = c.policy == Policy::require          ? "require"
                       : c.policy == Policy::allow_degraded ? "allow_degraded"
                                                            : "skip";
  const char* level = c.level == FreezeLevel::front_end  ? "front_end"
                      : c.level == FreezeLevel::back_end ? "back_end"
                                                         : "system";
  const char* by = c.said_by == SaidBy::selector ? "own" : c.said_by == SaidBy::set ? "set" : "all";
  return std::string(policy) + "_" + level + "_" + c.verb + "_" + by;
}

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const Policy policy : {Policy::require, Policy::allow_degraded, Policy::skip})
    for (const FreezeLevel level :
         {FreezeLevel::front_end, FreezeLevel::back_end, FreezeLevel::system})
      for (const char* verb : {"prepare_backup", "prepare_snapshot", "freeze", "post_snapshot"})
        for (const SaidBy by : {SaidBy::selector, SaidBy::backup, SaidBy::set}) {
          // The set's word comes after prepare().
          if (by == SaidBy::set && verb == std::string("prepare_backup")) continue;
          // Who says it and at which level have nothing to do with each other.
          if (by != SaidBy::selector && level != FreezeLevel::back_end) continue;
          cases.push_back({policy, level, verb, by});
        }
  return cases;
}

class PolicyTest : public CoordinatorFixture {
 protected:
  // "refuses" says no at `verb`; "steady", of the level below or beside, never does.
  ScriptedWriter& add_refusing(const std::string& verb, FreezeLevel level) {
    ScriptedWriterOptions options;
    options.name = "refuses";
    options.directory = volume_;
    options.level = level;
    return add_writer(options, [verb](const std::string& now, const CallContext&) {
      return now == verb ? Status(Error(Errc::writer_retryable, "rebuilding an index"))
                         : Status(Ok{});
    });
  }

  ComponentSelector of(const std::string& writer, std::optional<Policy> policy = {}) {
    ComponentSelector selector;
    selector.writer = writer;
    selector.component = "*";
    selector.policy = policy;
    return selector;
  }

  static Consistency label_of(const Evidence& evidence, const std::string& writer) {
    for (const auto& component : evidence.components)
      if (component.instance_name == writer + "-1") return component.label;
    ADD_FAILURE() << "no component of " << writer;
    return Consistency::failed;
  }

  const std::string volume_ = make_volume("one");
};

class EveryPolicyTest : public PolicyTest, public ::testing::WithParamInterface<Case> {
 protected:
  // Up to the set; the first error there is.
  Result<SnapshotSetResult> attempt(Client& requestor) {
    BackupOptions backup;
    SnapshotOptions set;
    const Case& c = GetParam();
    // What is said for all must not matter where a component says for itself.
    const Policy other = c.policy == Policy::require ? Policy::skip : Policy::require;
    if (c.said_by == SaidBy::selector) set.policy = backup.policy = other;
    if (c.said_by == SaidBy::backup) backup.policy = c.policy;
    if (c.said_by == SaidBy::set) {
      backup.policy = other;
      set.policy = c.policy;
    }
    const auto own = c.said_by == SaidBy::selector ? std::optional<Policy>(c.policy) : std::nullopt;
    auto begun = prepared(requestor, backup, {of("refuses", own), of("steady")});
    if (!begun.ok()) return begun.error();
    session_.emplace(std::move(begun).value());
    return session_->create_snapshots(set);
  }

  std::optional<BackupSession> session_;
};

TEST_P(EveryPolicyTest, DecidesWhatAVetoCosts) {
  const Case& c = GetParam();
  auto& refuses = add_refusing(c.verb, c.level);
  auto& steady = add_writer({"steady", volume_});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  auto set = attempt(requestor);
  // The answer does not wait until everything is undone; the end of the session does.
  EXPECT_TRUE(refuses.wait_thawed());
  EXPECT_TRUE(steady.wait_thawed());
  if (c.policy == Policy::require) {
    ASSERT_FALSE(set.ok());
    EXPECT_EQ(set.error().code(), Errc::writer_retryable);
    EXPECT_THAT(set.error().what(), HasSubstr("refuses"));
    EXPECT_THAT(set.error().what(), HasSubstr("rebuilding an index"));
    session_.reset();
    EXPECT_EQ(provider.snapshots_on_disk(), 0u);
    return;
  }
  ASSERT_TRUE(set.ok()) << error_of(set);
  const Evidence& evidence = set.value().evidence;
  EXPECT_EQ(label_of(evidence, "steady"), Consistency::application_consistent);
  EXPECT_EQ(label_of(evidence, "refuses"),
            c.policy == Policy::skip ? Consistency::failed : Consistency::crash_consistent);
  ASSERT_EQ(evidence.failed_writers.size(), 1u);
  EXPECT_EQ(evidence.failed_writers[0].phase, c.verb);
  EXPECT_EQ(evidence.failed_writers[0].message, "rebuilding an index");
  // After post_snapshot nothing is left that an abort would undo.
  EXPECT_TRUE(c.verb == std::string("post_snapshot") || refuses.wait_for("abort"));
  EXPECT_EQ(steady.count("post_snapshot"), 1u);
}

INSTANTIATE_TEST_SUITE_P(All, EveryPolicyTest, ::testing::ValuesIn(every_case()), name_of);

TEST_F(PolicyTest, AComponentsOwnRequireIsNoDefault) {
  add_refusing("freeze", FreezeLevel::front_end);
  add_writer({"steady", volume_});
  add_provider();
  start();
  Client requestor = client();
  BackupOptions lenient;
  lenient.policy = Policy::skip;
  auto session = prepared(requestor, lenient, {of("refuses", Policy::require), of("steady")});
  ASSERT_TRUE(session.ok()) << error_of(session);
  const auto document = session.value().document();
  ASSERT_TRUE(document.ok()) << error_of(document);
  for (const auto& component : document.value().components)
    EXPECT_EQ(component.policy,
              component.instance_name == "refuses-1" ? Policy::require : Policy::skip);
  auto set = session.value().create_snapshots();
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::writer_retryable);
}

TEST_F(PolicyTest, AStricterSetNamesTheWriterThatFailedBeforeItWasRequired) {
  auto& refuses = add_refusing("prepare_backup", FreezeLevel::front_end);
  add_writer({"steady", volume_});
  auto& provider = add_provider();
  start();
  Client requestor = client();
  BackupOptions lenient;
  lenient.policy = Policy::allow_degraded;
  auto session = prepared(requestor, lenient, {of("refuses"), of("steady")});
  ASSERT_TRUE(session.ok()) << error_of(session);
  SnapshotOptions strict;
  strict.policy = Policy::require;
  auto set = session.value().create_snapshots(strict);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code(), Errc::writer_retryable);
  EXPECT_THAT(set.error().what(), HasSubstr("prepare_backup"));
  EXPECT_THAT(set.error().what(), HasSubstr("rebuilding an index"));
  EXPECT_TRUE(provider.requests().empty());  // refused before anybody was held
  EXPECT_EQ(refuses.count("freeze"), 0u);
  auto again = session.value().create_snapshots();  // the session goes on, with its own policy
  EXPECT_TRUE(again.ok()) << error_of(again);
}

}  // namespace
}  // namespace stillframe
