// Finished snapshots through the client: who may touch them when, and what a provider's word
// counts.
#include <atomic>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SnapshotShelfTest : public CoordinatorFixture {
 protected:
  void SetUp() override { add_writer({"orders", make_volume("one")}); }
  void TearDown() override { stop(); }  // before what the hooks use

  // What the provider answers to a step instead of doing it; nothing: it does it.
  ProviderHook answers() {
    return [this](const std::string& step) -> Status {
      const std::lock_guard lock(mutex_);
      const auto found = instead_.find(step);
      return found == instead_.end() ? Status(Ok{}) : Status(found->second);
    };
  }
  void answer(const std::string& step, std::optional<Errc> code) {
    const std::lock_guard lock(mutex_);
    instead_.erase(step);
    if (code) instead_.emplace(step, Error(*code, "so says the test"));
  }

  static SnapshotOptions kept() {
    SnapshotOptions options;
    options.attributes.persistent = true;
    options.auto_release = false;
    return options;
  }

  // A snapshot that outlives its session.
  SnapshotId keep_one() {
    Client requestor = client();
    auto session = prepared(requestor);
    EXPECT_TRUE(session.ok()) << error_of(session);
    auto set = session.value().create_snapshots(kept());
    EXPECT_TRUE(set.ok()) << error_of(set);
    EXPECT_TRUE(session.value().end().ok());
    return set.value().snapshots.at(0).snapshot;
  }

  SnapshotInfo only(Client& requestor) {
    auto listed = requestor.snapshots();
    EXPECT_TRUE(listed.ok()) << error_of(listed);
    EXPECT_EQ(listed.value().size(), 1u);
    return listed.value().empty() ? SnapshotInfo() : listed.value()[0];
  }

  std::mutex mutex_;
  std::map<std::string, Error> instead_;
};

TEST_F(SnapshotShelfTest, TheSnapshotOfALiveSessionIsInUse) {
  auto& provider = add_provider();
  start();
  Client requestor = client("nightly"), other = client("other");
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok()) << error_of(session);
  auto set = session.value().create_snapshots(kept());
  ASSERT_TRUE(set.ok()) << error_of(set);
  const SnapshotId snapshot = set.value().snapshots.at(0).snapshot;
  for (const Status& refused :
       {other.remove_snapshot(snapshot), other.make_writable(snapshot),
        other.revert_snapshot(snapshot, {}), requestor.remove_snapshot(snapshot)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::in_use);
    EXPECT_THAT(refused.error().what(), HasSubstr("nightly"));
  }
  for (const char* step : {"remove", "make_writable", "revert"})
    EXPECT_THAT(provider.steps(), Not(Contains(step)));
  // Looking at it disturbs nobody.
  EXPECT_TRUE(other.expose_snapshot(snapshot, directory_.path() + "/look").ok());
  EXPECT_TRUE(other.unexpose_snapshot(snapshot).ok());
  ASSERT_TRUE(session.value().end().ok());
  const Status removed = other.remove_snapshot(snapshot);
  EXPECT_TRUE(removed.ok()) << error_of(removed);
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
}

TEST_F(SnapshotShelfTest, RevertUnexposeAndMakeWritableReachTheSnapshotsProvider) {
  auto& provider = add_provider();
  start();
  const SnapshotId snapshot = keep_one();
  Client requestor = client();
  EXPECT_TRUE(requestor.make_writable(snapshot).ok());
  EXPECT_TRUE(requestor.revert_snapshot(snapshot, {}).ok());
  EXPECT_TRUE(requestor.unexpose_snapshot(snapshot).ok());
  for (const char* step : {"make_writable", "revert", "unexpose"})
    EXPECT_THAT(provider.steps(), Contains(step));
  for (const Status& unknown : {requestor.make_writable(SnapshotId::generate()),
                                requestor.revert_snapshot(SnapshotId::generate(), {}),
                                requestor.unexpose_snapshot(SnapshotId::generate())}) {
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().code(), Errc::not_found);
  }
}

TEST_F(SnapshotShelfTest, NotFoundIsNotBelievedOfASnapshotTheProviderStillLists) {
  auto& provider = add_provider({}, answers());
  start();
  const SnapshotId snapshot = keep_one();
  Client requestor = client();
  answer("remove", Errc::not_found);
  const Status refused = requestor.remove_snapshot(snapshot);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(only(requestor).snapshot, snapshot);
  answer("remove", std::nullopt);
  EXPECT_TRUE(requestor.remove_snapshot(snapshot).ok());
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
}

TEST_F(SnapshotShelfTest, NotFoundOfAProviderThatCannotListIsNotBelievedEither) {
  add_provider({}, answers());
  start();
  const SnapshotId snapshot = keep_one();
  Client requestor = client();
  answer("query", Errc::io);
  answer("remove", Errc::not_found);
  EXPECT_THAT(only(requestor).reason_unusable, HasSubstr("does not answer"));
  EXPECT_FALSE(requestor.remove_snapshot(snapshot).ok());
  answer("query", std::nullopt);
  answer("remove", std::nullopt);
  EXPECT_EQ(only(requestor).snapshot, snapshot);  // nobody forgot it
  EXPECT_EQ(only(requestor).reason_unusable, "");
}

TEST_F(SnapshotShelfTest, WhatTheProviderListsNoMoreIsForgotten) {
  auto& provider = add_provider({}, answers());
  start();
  const SnapshotId snapshot = keep_one();
  Client requestor = client();
  ASSERT_TRUE(provider.remove(snapshot).ok());  // behind the coordinator's back
  EXPECT_THAT(only(requestor).reason_unusable, HasSubstr("does not have it any more"));
  EXPECT_TRUE(requestor.remove_snapshot(snapshot).ok());
  EXPECT_TRUE(requestor.snapshots().value().empty());
}

TEST_F(SnapshotShelfTest, AProviderThatIsNotLoadedLosesNothing) {
  add_provider();
  start();
  const SnapshotId snapshot = keep_one();
  stop();
  auto absent = std::move(providers_.back());
  providers_.clear();
  start();
  Client requestor = client();
  EXPECT_THAT(only(requestor).reason_unusable, HasSubstr("is not loaded here"));
  const Status refused = requestor.remove_snapshot(snapshot);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::not_supported);
  providers_.push_back(std::move(absent));
  ASSERT_TRUE(coordinator_->add_provider(*providers_.back()).ok());
  EXPECT_EQ(only(requestor).reason_unusable, "");
  EXPECT_TRUE(requestor.remove_snapshot(snapshot).ok());
}

TEST_F(SnapshotShelfTest, AnOrphanIsNotForgottenOnTheWordOfAProviderThatStillListsIt) {
  auto& provider = add_provider({}, answers());
  start();
  {
    Client requestor = client();
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
    answer("remove", Errc::io);
    (void)session.value().end();
  }
  stop();
  ASSERT_EQ(provider.snapshots_on_disk(), 1u);
  answer("remove", Errc::not_found);  // its mounts come and go
  answer("abort", Errc::io);
  start();
  {
    Client requestor = client();
    EXPECT_EQ(requestor.snapshots().value().size(), 1u);
  }
  stop();
  EXPECT_EQ(provider.snapshots_on_disk(), 1u);
  answer("remove", std::nullopt);
  start();
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
  Client requestor = client();
  EXPECT_TRUE(requestor.snapshots().value().empty());
}

TEST_F(SnapshotShelfTest, AProviderThatLostItsSetHasFailedAndTheRequestorMadeNoMistake) {
  auto& provider = add_provider({}, answers());
  start();
  Client requestor = client();
  for (const char* step : {"end_prepare", "pre_commit", "commit", "post_commit", "pre_final"}) {
    answer(step, Errc::not_found);
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    auto set = session.value().create_snapshots();
    ASSERT_FALSE(set.ok()) << step;
    EXPECT_EQ(set.error().code(), Errc::provider_failed) << step;
    EXPECT_THAT(set.error().what(), HasSubstr("so says the test"));
    EXPECT_TRUE(writers_[0]->wait_thawed());
    answer(step, std::nullopt);
  }
  EXPECT_EQ(provider.snapshots_on_disk(), 0u);
}

TEST_F(SnapshotShelfTest, ASnapshotThatIsBeingMadeIsNotCalledLost) {
  std::atomic<bool> asked{false};
  std::string reason = "never asked";
  add_provider({}, [&](const std::string& step) -> Status {
    if (step == "end_prepare") asked = true;
    return Ok{};
  });
  add_writer({"stock", make_volume("two")}, [&](const std::string& verb, const CallContext&) {
    if (verb == "freeze" && asked) {
      Client looker = client("looker");
      auto listed = looker.snapshots();
      if (listed.ok() && listed.value().size() == 2) reason = listed.value()[0].reason_unusable;
    }
    return Status(Ok{});
  });
  start();
  Client requestor = client("nightly");
  auto session = prepared(requestor);
  ASSERT_TRUE(session.ok() && session.value().create_snapshots().ok());
  EXPECT_THAT(reason, HasSubstr("of nightly is making it"));
}

}  // namespace
}  // namespace stillframe
