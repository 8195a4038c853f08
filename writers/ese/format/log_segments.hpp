// Segments of the framing since Windows 8, and how a log ends. docs/formats/log-files.md derives
// the rules.
#pragma once

#include <array>
#include <cstdint>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

inline constexpr std::size_t kLogSegmentBytes = 4096;
// Reaches the disk whole or not at all, and holds a segment's checksum and address.
inline constexpr std::size_t kLogSectorBytes = 512;

struct SegmentHeader {
  static constexpr std::size_t kBytes = 40;
  static constexpr std::uint32_t kNewChecksum = 0x2000;

  std::uint64_t checksum = 0;
  Lgpos address;  // of this segment, with ib 0; a shadow keeps that of the segment it copies
  LogTime started;
  std::array<std::uint8_t, 12> reserved{};
  std::uint32_t flags = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "checksum", self.checksum);
    visit(8, "address", self.address);
    visit(16, "started", self.started);
    visit(24, "reserved", self.reserved);
    visit(36, "flags", self.flags);
  }

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

inline constexpr std::size_t kSegmentRecordBytes = kLogSegmentBytes - SegmentHeader::kBytes;

// Fills in the header's constant parts and the checksum of the segment that lies at `isec`.
void seal_segment(MutableBytes segment, Lgpos address, LogTime started);

// What can be seen of the segment at some place of a generation.
enum class SegmentLook {
  zeros,       // never written
  in_place,    // good, and at home here
  older,       // good, of an earlier generation: the file was recycled
  newer,       // good, but of a place or generation that cannot be here yet
  shadow,      // good as the copy of the segment before
  unreadable,  // matches no checksum
};

enum class SegmentVerdict {
  valid,
  restored,  // taken from its shadow in the next place; the log ends behind it
  ends,      // the log ended before this segment
  damaged,   // it should have been good: torn when nothing durable follows, else a lie
  lies,
};

SegmentLook look_at_segment(Bytes segment, Generation generation, std::uint16_t isec);

// Whether the segment was held back while others behind it were written: its first sector is zero.
bool is_held_back(Bytes segment);

// Whether `segment`, which lies at `isec`, is a good copy of the one before.
bool is_shadow(Bytes segment, Generation generation, std::uint16_t isec);

// The decision table. `shadow_follows`: the next place holds a good copy of this segment.
SegmentVerdict judge_segment(SegmentLook look, bool shadow_follows) noexcept;

}  // namespace stillframe::ese
