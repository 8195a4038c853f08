#include <string>
#include <unordered_set>

#include <gtest/gtest.h>

#include <stillframe/ids.hpp>

namespace stillframe {
namespace {

constexpr char kText[] = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

TEST(Id, ItsTextComesBackAndUpperCaseAndBracesAreAccepted) {
  auto id = SetId::parse(kText);
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id.value().to_string(), kText);
  auto loud = SetId::parse("{0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D}");
  ASSERT_TRUE(loud.ok());
  EXPECT_EQ(loud.value(), id.value());
}

TEST(Id, WhatIsNoIdIsRefusedAndShown) {
  for (std::string text :
       {std::string(), std::string("x"), std::string(kText) + "0", std::string("{") + kText,
        std::string("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4g"),
        std::string("0a1b2c3d04e5f-4a6b-8c7d-9e0f1a2b3c4d"), std::string(36, '\0'),
        std::string(5000, 'a')}) {
    auto id = SessionId::parse(text);
    ASSERT_FALSE(id.ok()) << text.substr(0, 60);
    EXPECT_EQ(id.error().code(), Errc::invalid_argument);
    EXPECT_LT(id.error().what().size(), 300u);
  }
}

TEST(Id, GeneratedIdsAreRandomVersionFourAndDiffer) {
  std::unordered_set<SnapshotId> seen;
  for (int i = 0; i < 1000; ++i) {
    const SnapshotId id = SnapshotId::generate();
    EXPECT_FALSE(id.is_nil());
    EXPECT_EQ(id.to_string()[14], '4');
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_TRUE(SnapshotId().is_nil());
}

}  // namespace
}  // namespace stillframe
