// A provider that fails, or is killed, at each point of its work: the next object finds nothing
// half done, and nothing stays mounted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/describe_tree.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "tests/providers/faults.hpp"
#include "tests/providers/sanitized.hpp"
#include "tests/providers/under_test.hpp"

namespace stillframe::tests {
namespace {

using testkit::describe_tree;
using testkit::DescribeOptions;
using testkit::differences;
using testkit::TreeDescription;

constexpr int kPointsMax = 60;

CutRequest request_for(BuiltinUnderTest& under_test, const SetId& set, const SnapshotId& snapshot) {
  CutRequest request;
  request.set = set;
  request.snapshot = snapshot;
  request.volume = under_test.volumes().at(0);
  request.attributes.persistent = true;
  FileSet files;
  files.path = request.volume.mount_point + "/data";
  files.pattern = "*";
  files.recursive = true;
  request.files.push_back(files);
  return request;
}

// The whole life of a set; the first refusal ends it.
Status make_snapshot(Provider& provider, const CutRequest& request) {
  if (Status s = provider.begin_prepare(request); !s.ok()) return s;
  if (auto r = provider.end_prepare(request.set); !r.ok()) return r.error();
  if (Status s = provider.pre_commit(request.set); !s.ok()) return s;
  if (auto r = provider.commit(request.set); !r.ok()) return r.error();
  if (Status s = provider.post_commit(request.set); !s.ok()) return s;
  if (auto r = provider.pre_final(request.set); !r.ok()) return r.error();
  return provider.post_final(request.set);
}

// Runs `work` in a child with its own provider object; true when it was killed.
template <class Work>
bool killed_in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

class Crashes : public testing::TestWithParam<Pairing> {
 protected:
  void SetUp() override {
    std::string reason;
    under_test_ = BuiltinUnderTest::make(GetParam(), 1, reason);
    if (!under_test_) GTEST_SKIP() << reason;
    data_ = under_test_->fs().mount_point() + "/data";
    ASSERT_TRUE(make_directories(data_).ok());
    Status built = testkit::build_rich_tree(data_);
    ASSERT_TRUE(built.ok()) << built.error().what();
    if (GetParam().provider != Kind::btrfs) return;
    std::string printed;
    ASSERT_EQ(run_program({"btrfs", "-q", "subvolume", "create", data_ + "/nested"}, &printed), 0)
        << printed;
    ASSERT_TRUE(testkit::put_file(data_ + "/nested/file", "in a subvolume").ok());
  }
  TreeDescription describe(const BytePath& path) {
    auto described = describe_tree(path);
    EXPECT_TRUE(described.ok()) << described.error().what();
    return described.ok() ? described.value() : TreeDescription{};
  }
  std::unique_ptr<Provider> provider_with(FaultAt& faults) {
    ProviderEnvironment environment = under_test_->environment();
    environment.faults = &faults;
    return make_provider(GetParam().provider, environment);
  }
  void expect_nothing_left(const std::string& when) {
    EXPECT_TRUE(under_test_->extra_mounts().empty()) << when;
    EXPECT_EQ(under_test_->leftovers(), "") << when;
  }
  Result<SnapshotInfo> find(Provider& provider, const SnapshotId& id) {
    auto all = provider.query();
    if (!all.ok()) return all.error();
    for (const auto& info : all.value()) {
      if (info.snapshot == id) return info;
    }
    return Error(Errc::not_found, "not listed");
  }

  std::unique_ptr<BuiltinUnderTest> under_test_;
  BytePath data_;
};

TEST_P(Crashes, AFailureAtAnyPointIsReportedAndAbortLeavesNothing) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    FaultAt faults(FaultAt::What::fail, at);
    auto provider = provider_with(faults);
    const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
    Status made = make_snapshot(*provider, request);
    const std::string when = "point " + std::to_string(at);
    if (made.ok()) {
      EXPECT_GT(at, 5) << "there should be more points than that";
      EXPECT_LE(faults.count(), at) << "a failure at " << when << " was swallowed";
      provider.reset();
      EXPECT_TRUE(under_test_->make()->remove(request.snapshot).ok());
      expect_nothing_left("after the removal");
      break;
    }
    EXPECT_NE(made.error().what().find("injected"), std::string::npos) << made.error().what();
    provider->abort(request.set);
    expect_nothing_left(when);
  }
}

TEST_P(Crashes, AKillAtAnyPointIsCleanedUpByTheNextQuery) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
    const bool killed = killed_in_child([&] {
      FaultAt faults(FaultAt::What::kill, at);
      (void)make_snapshot(*provider_with(faults), request);
    });
    const std::string when = "killed at point " + std::to_string(at);
    auto next = under_test_->make();
    auto found = find(*next, request.snapshot);
    if (found.ok()) {
      // Only what was complete may be seen, and then it is whole.
      EXPECT_EQ(found.value().state, SnapshotState::created) << when;
      EXPECT_EQ(differences(describe(data_), describe(found.value().root + "/data")), "") << when;
      EXPECT_TRUE(next->remove(request.snapshot).ok()) << when;
    }
    expect_nothing_left(when);
    if (!killed) {
      EXPECT_GT(at, 5);
      break;
    }
  }
}

TEST_P(Crashes, AKillAtAnyPointIsCleanedUpByAbort) {
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
    const bool killed = killed_in_child([&] {
      FaultAt faults(FaultAt::What::kill, at);
      (void)make_snapshot(*provider_with(faults), request);
    });
    under_test_->make()->abort(request.set);
    expect_nothing_left("killed at point " + std::to_string(at));
    if (!killed) break;
  }
}

TEST_P(Crashes, ASetOfALivingProcessIsLeftAlone) {
  auto working = under_test_->make();
  const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
  ASSERT_TRUE(working->begin_prepare(request).ok());
  ASSERT_TRUE(working->end_prepare(request.set).ok());
  auto other = under_test_->make();
  ASSERT_TRUE(other->query().ok());
  EXPECT_EQ(other->remove(request.snapshot).error().code(), Errc::wrong_state);
  ASSERT_TRUE(working->pre_commit(request.set).ok());
  ASSERT_TRUE(working->commit(request.set).ok());
  ASSERT_TRUE(other->query().ok());
  ASSERT_TRUE(working->post_commit(request.set).ok());
  ASSERT_TRUE(working->pre_final(request.set).ok());
  ASSERT_TRUE(other->query().ok());
  ASSERT_TRUE(working->post_final(request.set).ok());
  EXPECT_TRUE(find(*other, request.snapshot).ok());
}

TEST_P(Crashes, AKilledRevertIsFinishedOrUndoneAndNeverHalf) {
  const TreeDescription old_state = describe(data_);
  const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
  ASSERT_TRUE(make_snapshot(*under_test_->make(), request).ok());
  for (int at = 0; at < kPointsMax; at += points_apart()) {
    const std::string when = "killed at point " + std::to_string(at);
    ASSERT_TRUE(testkit::put_file(data_ + "/plain", "new content").ok()) << when;
    ASSERT_TRUE(testkit::put_file(data_ + "/extra", "extra").ok()) << when;
    const bool killed = killed_in_child([&] {
      FaultAt faults(FaultAt::What::kill, at);
      Status reverted = provider_with(faults)->revert(request.snapshot, {});
      if (!reverted.ok()) std::fprintf(stderr, "%s\n", reverted.error().what().c_str());
    });
    auto next = under_test_->make();
    auto found = find(*next, request.snapshot);
    ASSERT_TRUE(found.ok()) << when << ": " << found.error().what();
    ASSERT_TRUE(exists(data_)) << when << ": the volume is not mounted again";
    if (!killed) {
      EXPECT_EQ(differences(old_state, describe(data_)), "") << when;
      EXPECT_GT(at, 3);
      break;
    }
    Status again = next->revert(request.snapshot, {});
    ASSERT_TRUE(again.ok()) << when << ": " << again.error().what();
    EXPECT_EQ(differences(old_state, describe(data_)), "") << when;
    EXPECT_EQ(
        differences(old_state, describe(find(*next, request.snapshot).value().root + "/data")), "")
        << when << ": the snapshot is not what it was";
  }
  ASSERT_TRUE(under_test_->make()->remove(request.snapshot).ok());
  expect_nothing_left("after the reverts");
}

// A removal takes the record first, so this is what a kill in the middle of one leaves.
TEST_P(Crashes, AHalfRemovedSnapshotIsRemovedByTheNextQuery) {
  const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
  ASSERT_TRUE(make_snapshot(*under_test_->make(), request).ok());
  const BytePath root = find(*under_test_->make(), request.snapshot).value().root;
  const BytePath record = root.substr(0, root.find(request.snapshot.to_string())) +
                          request.snapshot.to_string() + "/record.json";
  ASSERT_TRUE(exists(record));
  ASSERT_TRUE(remove_file(record).ok());
  EXPECT_TRUE(under_test_->make()->query().ok());
  expect_nothing_left("after the removal");
  EXPECT_EQ(under_test_->events().events().back().id, 4000);
}

// Its bytes lie: nothing may be concluded from them, least of all that it can be deleted.
TEST_P(Crashes, ASnapshotWithADamagedRecordIsLeftAloneAndReported) {
  const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
  ASSERT_TRUE(make_snapshot(*under_test_->make(), request).ok());
  const BytePath root = find(*under_test_->make(), request.snapshot).value().root;
  const BytePath record = root.substr(0, root.find(request.snapshot.to_string())) +
                          request.snapshot.to_string() + "/record.json";
  const std::string good = read_file(record, kPointsMax << 20).value();
  ASSERT_TRUE(write_file_durably(record, good.substr(0, good.size() / 2)).ok());
  EXPECT_FALSE(find(*under_test_->make(), request.snapshot).ok());
  EXPECT_TRUE(exists(root));
  EXPECT_EQ(under_test_->events().events().back().id, 4002);
  ASSERT_TRUE(write_file_durably(record, good).ok());
  EXPECT_TRUE(find(*under_test_->make(), request.snapshot).ok());
}

TEST_P(Crashes, AKilledExposureCanBeEndedByTheNextObject) {
  const auto request = request_for(*under_test_, SetId::generate(), SnapshotId::generate());
  ASSERT_TRUE(make_snapshot(*under_test_->make(), request).ok());
  const BytePath place = under_test_->scratch() + "/place";
  ASSERT_TRUE(killed_in_child([&] {
    (void)under_test_->make()->expose(request.snapshot, place);
    ::kill(::getpid(), SIGKILL);
  }));
  auto next = under_test_->make();
  EXPECT_EQ(find(*next, request.snapshot).value().exposed_at, place);
  EXPECT_TRUE(next->remove(request.snapshot).ok());
  expect_nothing_left("after the exposure");
}

INSTANTIATE_TEST_SUITE_P(Builtin, Crashes,
                         testing::Values(Pairing{Kind::btrfs, FsKind::btrfs},
                                         Pairing{Kind::btrfs, FsKind::btrfs, true},
                                         Pairing{Kind::reflink, FsKind::xfs},
                                         Pairing{Kind::copy, FsKind::ext4}),
                         [](const auto& tested) { return name_of(tested.param); });

}  // namespace
}  // namespace stillframe::tests
