#include "writers/ese/format/log_segments.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {
namespace {

constexpr Generation kGeneration{7};

std::vector<std::byte> segment(Lgpos address) {
  std::vector<std::byte> bytes(kLogSegmentBytes);
  for (std::size_t i = SegmentHeader::kBytes; i < 900; ++i) bytes[i] = static_cast<std::byte>(i);
  seal_segment(bytes, address, {});
  return bytes;
}

SegmentLook look(const std::vector<std::byte>& bytes, std::uint16_t isec) {
  return look_at_segment(bytes, kGeneration, isec);
}

TEST(EseLogSegment, IsKnownByItsChecksumAndItsAddress) {
  EXPECT_EQ(look(segment({0, 5, kGeneration}), 5), SegmentLook::in_place);
  EXPECT_EQ(look(segment({0, 5, Generation{6}}), 5), SegmentLook::older);
  EXPECT_EQ(look(segment({0, 5, Generation{8}}), 5), SegmentLook::newer);
  EXPECT_EQ(look(segment({0, 5, kGeneration}), 6), SegmentLook::shadow);
  EXPECT_EQ(look(segment({0, 5, Generation{6}}), 6), SegmentLook::unreadable);
  EXPECT_EQ(look(segment({0, 5, kGeneration}), 7), SegmentLook::unreadable);
  EXPECT_EQ(look(std::vector<std::byte>(kLogSegmentBytes), 5), SegmentLook::zeros);
}

TEST(EseLogSegment, EveryFlippedBitIsNoticed) {
  auto bytes = segment({0, 5, kGeneration});
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 7) {
    const auto flip = static_cast<std::byte>(1 << bit % 8);
    bytes[bit / 8] ^= flip;
    ASSERT_NE(look(bytes, 5), SegmentLook::in_place) << bit;
    bytes[bit / 8] ^= flip;
  }
}

struct Row {
  SegmentLook look;
  SegmentVerdict alone, with_shadow_behind;
};

constexpr Row kTable[] = {
    {SegmentLook::zeros, SegmentVerdict::ends, SegmentVerdict::restored},
    {SegmentLook::in_place, SegmentVerdict::valid, SegmentVerdict::valid},
    {SegmentLook::older, SegmentVerdict::ends, SegmentVerdict::restored},
    {SegmentLook::newer, SegmentVerdict::lies, SegmentVerdict::lies},
    {SegmentLook::shadow, SegmentVerdict::ends, SegmentVerdict::restored},
    {SegmentLook::unreadable, SegmentVerdict::damaged, SegmentVerdict::restored},
};

TEST(EseLogSegment, EveryLookHasItsVerdict) {
  for (const Row& row : kTable) {
    EXPECT_EQ(judge_segment(row.look, false), row.alone) << static_cast<int>(row.look);
    EXPECT_EQ(judge_segment(row.look, true), row.with_shadow_behind) << static_cast<int>(row.look);
  }
}

}  // namespace
}  // namespace stillframe::ese
