#include "writers/ese/format/log_segment_scan.hpp"

#include <algorithm>
#include <string>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"
#include "writers/ese/format/log_segments.hpp"

namespace stillframe::ese {

namespace {

LogEnd end_of(SegmentLook look) {
  if (look == SegmentLook::shadow) return LogEnd::shadow;
  return look == SegmentLook::unreadable ? LogEnd::torn : LogEnd::unused;
}

}  // namespace

// A place that a short file lacks looks like one that was never written.
bool SegmentScan::present(std::uint32_t isec) const {
  return (isec + std::size_t{1}) * kLogSegmentBytes <= log_.bytes_.size();
}

Bytes SegmentScan::at(std::uint32_t isec) const {
  return Bytes(log_.bytes_).subspan(isec * kLogSegmentBytes, kLogSegmentBytes);
}

bool SegmentScan::shadow_follows(std::uint32_t isec) const {
  return present(isec + 1) &&
         is_shadow(at(isec + 1), log_.generation(), static_cast<std::uint16_t>(isec + 1));
}

void SegmentScan::accept(std::uint32_t isec) {
  log_.runs_.push_back({isec * kLogSegmentBytes + SegmentHeader::kBytes, kSegmentRecordBytes});
  log_.checksums_ ^= load_le<std::uint64_t>(at(isec).data());
  ++log_.segments_;
}

void SegmentScan::restore(std::uint32_t isec) {
  const Bytes copy = at(isec + 1);
  std::copy(copy.begin(), copy.end(), log_.bytes_.begin() + isec * kLogSegmentBytes);
  accept(isec);
}

Error SegmentScan::lies(std::uint32_t isec, const char* why) const {
  const Lgpos where{0, static_cast<std::uint16_t>(isec), log_.generation()};
  return ese_error(EseErr::log_corrupted, "log '" + log_.file_ + "': the segment at " +
                                              to_text(where) + " " + why +
                                              "; what follows cannot be trusted");
}

// Nothing durable may follow the end: segments of the torn write may, as far as one write reaches.
// With its first segment held back that is further.
Status SegmentScan::end_before(std::uint32_t isec, LogEnd end) {
  log_.end_ = end;
  log_.end_position_ = {0, static_cast<std::uint16_t>(isec), log_.generation()};
  const std::uint32_t places = log_.header_.fields.file_segments;
  const bool held_back = present(isec) && is_held_back(at(isec));
  const std::uint32_t reach = held_back ? rules_.held_back_segments_max : rules_.write_segments_max;
  for (std::uint32_t later = isec + 1; later < places && present(later); ++later) {
    const auto number = static_cast<std::uint16_t>(later);
    if (look_at_segment(at(later), log_.generation(), number) != SegmentLook::in_place) continue;
    if (later - isec >= reach) {
      return lies(isec, "is damaged, but good ones follow that were written later");
    }
    log_.end_ = LogEnd::torn;
    ++log_.abandoned_;
  }
  return Ok{};
}

Status SegmentScan::run() {
  const LogHeader& header = log_.header_.fields;
  const std::uint32_t first = header.header_segments, behind = header.file_segments - 1u;
  for (std::uint32_t isec = first; isec < behind; ++isec) {
    if (!present(isec)) return end_before(isec, LogEnd::torn);
    const auto look =
        look_at_segment(at(isec), log_.generation(), static_cast<std::uint16_t>(isec));
    switch (judge_segment(look, shadow_follows(isec))) {
      case SegmentVerdict::valid:
        accept(isec);
        break;
      case SegmentVerdict::restored:
        restore(isec);
        return end_before(isec + 1, LogEnd::restored);
      case SegmentVerdict::ends:
      case SegmentVerdict::damaged:
        return end_before(isec, end_of(look));
      case SegmentVerdict::lies:
        return lies(isec, "belongs to a later place or generation");
    }
  }
  log_.end_ = LogEnd::full;
  log_.end_position_ = {0, static_cast<std::uint16_t>(behind), log_.generation()};
  return Ok{};
}

}  // namespace stillframe::ese
