#include "writers/ese/format/log_ranges.hpp"

#include <algorithm>
#include <string>

#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint32_t kSeed = 0xFEEDBEAF;
constexpr std::uint32_t kShortSeed = 0xDEADC0DE;
constexpr std::uint32_t kShadowMark = 0x5AD05EC7;

// A search for good ranges behind a bad one sums at most this many times the file.
constexpr std::size_t kSearchPasses = 16;

// The XOR of the dwords of `bytes`, the last one filled up with zeros.
std::uint32_t xor_of(Bytes bytes) {
  std::uint32_t sum = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) sum ^= load_le<std::uint32_t>(bytes.data() + at);
  for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) {
    sum ^= std::to_integer<std::uint32_t>(bytes[at]) << shift;
  }
  return sum;
}

std::uint32_t fields_sum(const ChecksumRecord& r, Generation generation) {
  return r.backward ^ r.forward ^ r.next ^ r.use_short ^ static_cast<std::uint32_t>(generation);
}

}  // namespace

// A checksum record whose lengths stay inside the file; none otherwise.
std::optional<ChecksumRecord> RangeScan::record_at(std::size_t at) const {
  if (at > image().size() || image().size() - at < ChecksumRecord::kBytes) return std::nullopt;
  const auto record = decode<ChecksumRecord>(image().subspan(at));
  const std::size_t behind = image().size() - at - ChecksumRecord::kBytes;
  // Ranges do not overlap, which also keeps the whole walk to one pass over the file.
  const bool in_order = record.next == 0 || record.next >= record.forward;
  const bool fits = record.backward <= at && record.backward < sector() &&
                    record.forward <= behind && record.next <= behind && in_order;
  const bool is_one =
      record.type == RecordType::checksum && (record.use_short == ChecksumRecord::kShortValid ||
                                              record.use_short == ChecksumRecord::kShortUnused);
  return is_one && fits ? std::optional(record) : std::nullopt;
}

// How much of the range of the record at `at` its checksums prove. In a shadow they are marked.
RangeScan::Cover RangeScan::covered(std::size_t at, std::uint32_t shadow_mark) const {
  const auto record = record_at(at);
  if (!record) return Cover::none;
  const std::uint32_t fields = fields_sum(*record, log_.generation());
  const std::uint32_t before = xor_of(image().subspan(at - record->backward, record->backward));
  const std::size_t body = at + ChecksumRecord::kBytes;
  const std::uint32_t whole = kSeed ^ before ^ xor_of(image().subspan(body, record->forward));
  if ((whole ^ fields) == (record->checksum ^ shadow_mark)) return Cover::whole;
  if (record->use_short != ChecksumRecord::kShortValid || shadow_mark != 0) return Cover::none;
  const std::size_t sector_end = std::min((at / sector() + 1) * sector(), image().size());
  if (sector_end < body) return Cover::none;
  const std::uint32_t part = kShortSeed ^ before ^ xor_of(image().subspan(body, sector_end - body));
  return (part ^ fields) == record->short_checksum ? Cover::first_sector : Cover::none;
}

// The last sector is written twice; the copy lies in the next sector with a marked checksum.
bool RangeScan::restore_from_shadow(std::size_t at) {
  const std::size_t each = sector(), from = at / each * each;
  if (covered(at + each, kShadowMark) != Cover::whole || from + 2 * each > image().size()) {
    return false;
  }
  std::copy_n(log_.bytes_.begin() + static_cast<std::ptrdiff_t>(from + each), each,
              log_.bytes_.begin() + static_cast<std::ptrdiff_t>(from));
  const std::size_t sum_at = at + 13;
  const auto marked = load_le<std::uint32_t>(log_.bytes_.data() + sum_at);
  store_le(log_.bytes_.data() + sum_at, marked ^ kShadowMark);
  return true;
}

// Whether a later range of this generation is intact, which a torn write does not leave behind.
bool RangeScan::good_range_after(std::size_t at) const {
  std::size_t budget = kSearchPasses * image().size();
  for (std::size_t from = (at / sector() + 1) * sector(); from < image().size(); ++from) {
    const auto record = record_at(from);
    if (!record || (from - record->backward) % sector() != 0) continue;
    const std::size_t cost = record->backward + std::size_t{record->forward} + sector();
    if (cost > budget) return false;
    budget -= cost;
    if (covered(from) == Cover::whole) return true;
  }
  return false;
}

Status RangeScan::end_at(std::size_t at, LogEnd end) {
  log_.end_ = end;
  log_.end_position_ = {static_cast<std::uint16_t>(at % sector()),
                        static_cast<std::uint16_t>(at / sector()), log_.generation()};
  if (end != LogEnd::torn || !good_range_after(at)) return Ok{};
  return ese_error(EseErr::log_file_corrupt,
                   "log '" + log_.file_ + "': the range at " + to_text(log_.end_position_) +
                       " is damaged, but good ones follow; what follows cannot be trusted");
}

// The last range ends where the file's last usable sector does, or before it with its shadow.
Status RangeScan::end_behind_last(std::size_t at, const ChecksumRecord& last) {
  const std::size_t end = at + ChecksumRecord::kBytes + last.forward;
  const std::size_t usable = (log_.header_.fields.file_segments - std::size_t{1}) * sector();
  if (end >= usable) return end_at(end, LogEnd::full);
  const bool shadowed = covered(at + sector(), kShadowMark) == Cover::whole;
  return end_at(end, shadowed ? LogEnd::shadow : LogEnd::unused);
}

Status RangeScan::run() {
  std::size_t at = log_.header_.fields.header_segments * sector();
  std::size_t previous_end = at;  // where the record bytes end that the ranges so far prove
  for (bool first = true;; first = false) {
    Cover cover = covered(at);
    LogEnd restored = LogEnd::full;
    if (cover != Cover::whole && restore_from_shadow(at)) {
      cover = Cover::whole;
      restored = LogEnd::restored;
    }
    if (cover == Cover::none) {
      const Status ended = end_at(previous_end, LogEnd::torn);
      if (first) log_.end_ = LogEnd::unused;
      return ended;
    }
    const ChecksumRecord record = *record_at(at);
    // After a crash the engine wipes what it found behind the end and begins with a range that
    // covers nothing before it; other ranges go on where the one before ended.
    const bool anew = !first && record.backward == 0 && at != previous_end;
    if (!first && !anew) {
      log_.runs_.back().bytes = at - log_.runs_.back().offset;
      log_.runs_.back().torn = false;
    }
    const std::size_t body = at + ChecksumRecord::kBytes;
    const std::size_t proven =
        cover == Cover::whole ? record.forward : (at / sector() + 1) * sector() - body;
    log_.runs_.push_back({body, proven, true});
    ++log_.segments_;
    previous_end = body + proven;
    if (cover == Cover::first_sector) return end_at(previous_end, LogEnd::torn);
    if (restored == LogEnd::restored) return end_at(previous_end, LogEnd::restored);
    if (record.next == 0) return end_behind_last(at, record);
    at = body + record.next;
  }
}

}  // namespace stillframe::ese
