// Finds the valid ranges of a log file of the framing before Windows 8.
// docs/formats/log-ranges.md has the bytes and the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <stillframe/result.hpp>

#include "writers/ese/format/log_generation.hpp"

namespace stillframe::ese {

// Begins each range that was written together; the bytes before it, back to the end of the previous
// range's last sector, belong to it too.
struct ChecksumRecord {
  static constexpr std::size_t kBytes = 22;
  static constexpr RecordType kTypes[] = {RecordType::checksum};
  static constexpr std::uint8_t kShortValid = 0x9A, kShortUnused = 0xD1;

  RecordType type{};
  std::uint32_t backward = 0, forward = 0;
  std::uint32_t next = 0;  // from the end of this record to the next checksum record; 0: the last
  std::uint32_t checksum = 0, short_checksum = 0;
  std::uint8_t use_short = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "type", self.type);
    visit(1, "backward", self.backward);
    visit(5, "forward", self.forward);
    visit(9, "next", self.next);
    visit(13, "checksum", self.checksum);
    visit(17, "short_checksum", self.short_checksum);
    visit(21, "use_short", self.use_short);
  }
};

class RangeScan {
 public:
  RangeScan(LogGeneration& log, const LogReadRules& rules) : log_(log), rules_(rules) {}

  // Fills in what the generation knows of its ranges; restores the last from its shadow.
  Status run();

 private:
  enum class Cover { whole, first_sector, none };

  Bytes image() const { return log_.bytes_; }
  std::size_t sector() const { return log_.header_.fields.segment_bytes; }
  std::optional<ChecksumRecord> record_at(std::size_t at) const;
  Cover covered(std::size_t at, std::uint32_t shadow_mark = 0) const;
  bool restore_from_shadow(std::size_t at);
  bool good_range_after(std::size_t at) const;
  Status end_at(std::size_t at, LogEnd end);
  Status end_behind_last(std::size_t at, const ChecksumRecord& last);

  LogGeneration& log_;
  LogReadRules rules_;
};

}  // namespace stillframe::ese
