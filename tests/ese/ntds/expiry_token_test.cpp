#include "writers/ese/ntds/expiry_token.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace stillframe::ese::ntds {
namespace {

constexpr std::int64_t kCreated = 1'700'000'000, kDay = 86400;

TEST(ExpiryToken, IsGoodForItsServerUntilItExpires) {
  const auto token = encode_token({kCreated, 2, "directory"});
  ASSERT_EQ(token.size(), kTokenBytes);
  EXPECT_EQ(judge_token(token, "directory", kCreated - kDay), TokenVerdict::good);
  EXPECT_EQ(judge_token(token, "directory", kCreated + 2 * kDay), TokenVerdict::good);
  EXPECT_EQ(judge_token(token, "directory", kCreated + 2 * kDay + 1), TokenVerdict::expired);
  EXPECT_EQ(judge_token(token, "another", kCreated), TokenVerdict::invalid);
}

TEST(ExpiryToken, DamageIsNotTakenForContents) {
  const auto token = encode_token({kCreated, 180, "directory"});
  EXPECT_EQ(judge_token({}, "directory", kCreated), TokenVerdict::none);
  for (std::size_t bytes = 1; bytes < token.size(); ++bytes) {
    EXPECT_EQ(judge_token(Bytes(token).first(bytes), "directory", kCreated), TokenVerdict::unknown);
  }
  for (std::size_t at = 0; at < token.size(); ++at) {
    auto changed = token;
    changed[at] ^= std::byte{1};
    const auto expected = at < 12 ? TokenVerdict::unknown : TokenVerdict::invalid;
    EXPECT_EQ(judge_token(changed, "directory", kCreated), expected) << at;
  }
}

TEST(ExpiryToken, TimesOfNoCalendarAreInvalid) {
  const auto token = encode_token({std::numeric_limits<std::int64_t>::min(), 2, "directory"});
  EXPECT_EQ(judge_token(token, "directory", kCreated), TokenVerdict::invalid);
}

}  // namespace
}  // namespace stillframe::ese::ntds
