// Protocol bugs planted in simulated participants and in the driver: the invariants see each.
#include <gtest/gtest.h>

#include "framework/testkit/mutation.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kSeedsPerBug = 10'000;

class PlantedBug : public ::testing::TestWithParam<int> {};

TEST_P(PlantedBug, IsCaught) {
  const auto finding = hunt(static_cast<Bug>(GetParam()), kSeedsPerBug);
  ASSERT_TRUE(finding.has_value());
  std::cout << "seed " << finding->seed << ": " << finding->violation.what << '\n';
}

INSTANTIATE_TEST_SUITE_P(Bugs, PlantedBug, ::testing::Range(1, kBugs), [](const auto& suite) {
  return std::string(to_string(static_cast<Bug>(suite.param)));
});

TEST(PlantedBugs, AreAtLeastTwentyFive) {
  EXPECT_GE(kBugs - 1, 25);
}

}  // namespace
}  // namespace stillframe::testkit
