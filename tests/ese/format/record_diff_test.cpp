#include "writers/ese/format/record_diff.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scale.hpp"

namespace stillframe::ese {
namespace {

using Data = std::vector<std::byte>;

Data data(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

Data bytes(std::initializer_list<int> values) {
  Data out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

constexpr std::size_t kMax = 32768;

TEST(EseRecordDiff, EveryKindOfStepIsAppliedInBothForms) {
  const Data old_data = data("abcdef");
  // At 2, as many bytes; then at 4, one byte gives way to three.
  EXPECT_EQ(apply_diff(bytes({0x02, 0x20, 1, 'X', 0x04, 0x00, 3, 1, '1', '2', '3'}),
                       DiffForm::narrow, old_data, kMax),
            data("abXd123f"));
  EXPECT_EQ(apply_diff(bytes({2, 0, 0x20, 1, 'X', 4, 0, 0, 3, 1, '1', '2', '3'}), DiffForm::wide,
                       old_data, kMax),
            data("abXd123f"));
  EXPECT_EQ(apply_diff(bytes({0x06, 0x40, 2, 'g', 'h'}), DiffForm::narrow, old_data, kMax),
            data("abcdefgh"));
  EXPECT_EQ(apply_diff(bytes({0x00, 0x80, 0, 0, 6, 0}), DiffForm::narrow, old_data, kMax), Data{});
  EXPECT_EQ(apply_diff({}, DiffForm::wide, old_data, kMax), old_data);
}

TEST(EseRecordDiff, StreamsThatDoNotFitAreRefused) {
  const Data old_data = data("abcdef");
  const Data bad[] = {
      bytes({0x07, 0x40, 1, 'x'}),                      // begins behind the old data
      bytes({0x05, 0x20, 2, 'x', 'y'}),                 // replaces more than there is
      bytes({0x03, 0x40, 1, 'x', 0x02, 0x40, 1, 'y'}),  // goes back
      bytes({0x03, 0x40, 5, 'x'}),                      // has fewer bytes than it says
      bytes({0x03}),                                    // ends in a header
      bytes({0x03, 0x40}),                              // ends before a length
      bytes({0x03, 0x00, 1, 2}),                        // ends before its bytes
  };
  for (const Data& diff : bad) {
    EXPECT_FALSE(apply_diff(diff, DiffForm::narrow, old_data, kMax));
  }
  EXPECT_FALSE(apply_diff(bytes({0x03, 0x40, 2, 'x', 'y'}), DiffForm::narrow, old_data, 7));
}

// Old data with some bytes changed, and sometimes a piece grown or gone.
Data changed(const Data& old_data, std::mt19937_64& random) {
  Data now = old_data;
  for (auto n = random() % 6; n > 0 && !now.empty(); --n) {
    now[random() % now.size()] = static_cast<std::byte>(random());
  }
  const auto somewhere = [&] {
    return now.begin() + static_cast<std::ptrdiff_t>(random() % (now.size() + 1));
  };
  if (random() % 3 == 0) now.insert(somewhere(), random() % 400, std::byte{7});
  if (random() % 3 == 0) now.erase(now.begin(), somewhere());
  return now;
}

TEST(EseRecordDiff, WhatIsMadeGivesTheNewDataAndIsShorter) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uint64_t made = 0;
  for (std::uint64_t i = 0; i < stillframe::tests::scaled(5000); ++i) {
    Data old_data(random() % 2000);
    for (std::byte& b : old_data) b = static_cast<std::byte>(random());
    const Data now = changed(old_data, random);
    const DiffForm form = random() % 2 ? DiffForm::narrow : DiffForm::wide;
    const auto diff = make_diff(old_data, now, form);
    if (!diff) continue;
    ++made;
    ASSERT_LT(diff->size(), now.size());
    ASSERT_EQ(apply_diff(*diff, form, old_data, kMax), now);
  }
  EXPECT_GT(made, stillframe::tests::scaled(5000) / 2);
}

TEST(EseRecordDiff, NoneIsMadeWhereAllOfTheNewDataIsNoLonger) {
  EXPECT_FALSE(make_diff(data("abc"), data("xyz"), DiffForm::wide));
  EXPECT_FALSE(make_diff(Data(9000), Data(9000), DiffForm::narrow));  // beyond its offsets
  EXPECT_TRUE(make_diff(Data(9000), Data(9000), DiffForm::wide));
}

}  // namespace
}  // namespace stillframe::ese
