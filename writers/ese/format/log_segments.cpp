#include "writers/ese/format/log_segments.hpp"

#include <algorithm>

#include "framework/base/check.hpp"
#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

bool all_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

bool sums_up(Bytes segment, std::uint64_t expected, std::uint16_t number) {
  return ecc_checksum(segment, number, true) == expected;
}

}  // namespace

void seal_segment(MutableBytes segment, Lgpos address, LogTime started) {
  STILLFRAME_CHECK(segment.size() == kLogSegmentBytes, "a segment has 4096 bytes");
  SegmentHeader header;
  header.address = address;
  header.started = started;
  header.flags = SegmentHeader::kNewChecksum;
  encode(header, segment);
  store_le(segment.data(), ecc_checksum(segment, address.isec, true));
}

bool is_held_back(Bytes segment) {
  return all_zero(segment.first(kLogSectorBytes));
}

bool is_shadow(Bytes segment, Generation generation, std::uint16_t isec) {
  if (isec == 0) return false;
  const auto header = decode<SegmentHeader>(segment);
  const auto original = static_cast<std::uint16_t>(isec - 1);
  return header.address == Lgpos{0, original, generation} &&
         sums_up(segment, header.checksum, original);
}

SegmentLook look_at_segment(Bytes segment, Generation generation, std::uint16_t isec) {
  if (all_zero(segment)) return SegmentLook::zeros;
  const auto header = decode<SegmentHeader>(segment);
  if (sums_up(segment, header.checksum, isec)) {
    const Lgpos here{0, isec, generation};
    if (header.address == here) return SegmentLook::in_place;
    return header.address < here ? SegmentLook::older : SegmentLook::newer;
  }
  return is_shadow(segment, generation, isec) ? SegmentLook::shadow : SegmentLook::unreadable;
}

// A copy that follows wins over whatever is here, zeros and old content too: it was written with
// the segment, so the segment's own write was lost or torn.
SegmentVerdict judge_segment(SegmentLook look, bool shadow_follows) noexcept {
  switch (look) {
    case SegmentLook::in_place:
      return SegmentVerdict::valid;
    case SegmentLook::newer:
      return SegmentVerdict::lies;
    case SegmentLook::zeros:
    case SegmentLook::older:
    case SegmentLook::shadow:
      return shadow_follows ? SegmentVerdict::restored : SegmentVerdict::ends;
    case SegmentLook::unreadable:
      return shadow_follows ? SegmentVerdict::restored : SegmentVerdict::damaged;
  }
  return SegmentVerdict::lies;
}

}  // namespace stillframe::ese
