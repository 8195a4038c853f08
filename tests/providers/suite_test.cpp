// Every built-in provider passes the suite that outsiders' providers have to pass.
#include <gtest/gtest.h>

#include "tests/providers/sanitized.hpp"
#include "tests/providers/under_test.hpp"

namespace stillframe::tests {
namespace {

constexpr Pairing kSetups[] = {
    {Kind::btrfs, FsKind::btrfs}, {Kind::btrfs, FsKind::btrfs, true},
    {Kind::reflink, FsKind::xfs}, {Kind::reflink, FsKind::btrfs},
    {Kind::copy, FsKind::ext4},   {Kind::copy, FsKind::xfs},
    {Kind::copy, FsKind::btrfs},
};
// The same code of ours on another file system.
bool same_code(const Pairing& setup) {
  return (setup.provider == Kind::reflink && setup.fs != FsKind::xfs) ||
         (setup.provider == Kind::copy && setup.fs != FsKind::ext4);
}

using Case = std::tuple<Pairing, testkit::ProviderCheck>;

// Checks of promises that only the btrfs provider makes are not run on the others.
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Pairing& setup : kSetups) {
    if (sanitized() && same_code(setup)) continue;
    for (const auto& check : testkit::provider_checks()) {
      const std::string name = check.name;
      if (sanitized() && repeats_the_others(name)) continue;
      const bool volumes_only = name == "SyncedWritesKeepTheirOrderWithoutAHold" ||
                                name == "ReadOnlyAtOnceWithoutAutoRecovery";
      if (!volumes_only || setup.provider == Kind::btrfs) cases.emplace_back(setup, check);
    }
  }
  return cases;
}

class ProviderSuite : public testing::TestWithParam<Case> {
 protected:
  // File systems take long to make, and every check cleans up after itself: they are shared until
  // one fails.
  void SetUp() override {
    const std::string name = name_of(std::get<0>(GetParam()));
    if (under_test_ && made_for_ == name) return;
    under_test_.reset();
    made_for_ = name;
    std::string reason;
    under_test_ = BuiltinUnderTest::make(std::get<0>(GetParam()), 2, reason);
    if (!under_test_) GTEST_SKIP() << reason;
  }
  void TearDown() override {
    if (HasFailure()) under_test_.reset();
  }
  static void TearDownTestSuite() { under_test_.reset(); }

  static std::unique_ptr<BuiltinUnderTest> under_test_;
  static std::string made_for_;
};

std::unique_ptr<BuiltinUnderTest> ProviderSuite::under_test_;
std::string ProviderSuite::made_for_;

TEST_P(ProviderSuite, Holds) {
  const auto& check = std::get<1>(GetParam());
  Status result = check.run(*under_test_);
  EXPECT_TRUE(result.ok()) << check.shows << "\n" << result.error().what();
  EXPECT_TRUE(under_test_->extra_mounts().empty()) << under_test_->extra_mounts().front();
  EXPECT_EQ(under_test_->leftovers(), "");
}

INSTANTIATE_TEST_SUITE_P(Builtin, ProviderSuite, testing::ValuesIn(all_cases()),
                         [](const auto& tested) {
                           return name_of(std::get<0>(tested.param)) + "_" +
                                  std::get<1>(tested.param).name;
                         });

}  // namespace
}  // namespace stillframe::tests
