#include "writers/ese/format/record_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace stillframe::ese {

namespace {

constexpr std::uint16_t kNarrowOffsets = 0x1FFF;
constexpr std::size_t kWideOffsetMax = 0xFFFF;
constexpr std::size_t kShortLengthMax = 0xFF;

// What a step's header says. The two forms differ only in where the bits are.
struct Header {
  std::size_t offset = 0;    // in the old data
  bool same_length = false;  // as many old bytes are replaced as new ones follow
  bool insert = false;       // no old bytes are replaced
  bool long_lengths = false;
};

class DiffReader {
 public:
  DiffReader(Bytes diff, DiffForm form) : diff_(diff), form_(form) {}

  bool done() const { return diff_.empty(); }

  std::optional<Header> header() {
    const auto word = number(2);
    if (!word) return std::nullopt;
    if (form_ == DiffForm::narrow) {
      return Header{*word & kNarrowOffsets, (*word & 0x2000) != 0, (*word & 0x4000) != 0,
                    (*word & 0x8000) != 0};
    }
    const auto flags = number(1);
    if (!flags) return std::nullopt;
    return Header{*word, (*flags & 0x20) != 0, (*flags & 0x40) != 0, (*flags & 0x80) != 0};
  }

  std::optional<std::size_t> length(const Header& h) { return number(h.long_lengths ? 2 : 1); }

  std::optional<Bytes> bytes(std::size_t count) {
    if (diff_.size() < count) return std::nullopt;
    const Bytes taken = diff_.first(count);
    diff_ = diff_.subspan(count);
    return taken;
  }

 private:
  std::optional<std::size_t> number(std::size_t width) {
    const auto raw = bytes(width);
    if (!raw) return std::nullopt;
    return width == 1 ? std::to_integer<std::size_t>((*raw)[0])
                      : load_le<std::uint16_t>(raw->data());
  }

  Bytes diff_;
  DiffForm form_;
};

// The old bytes [from, to) give way to new ones.
struct Step {
  std::size_t from = 0, to = 0;
  Bytes fresh;
};

std::optional<Step> read_step(DiffReader& reader) {
  const auto header = reader.header();
  if (!header) return std::nullopt;
  const auto fresh = reader.length(*header);
  if (!fresh) return std::nullopt;
  std::size_t replaced = header->insert ? 0 : *fresh;
  if (!header->insert && !header->same_length) {
    const auto given = reader.length(*header);
    if (!given) return std::nullopt;
    replaced = *given;
  }
  const auto bytes = reader.bytes(*fresh);
  if (!bytes) return std::nullopt;
  return Step{header->offset, header->offset + replaced, *bytes};
}

void append(std::vector<std::byte>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_number(std::vector<std::byte>& out, std::size_t value, std::size_t width) {
  for (; width > 0; --width, value >>= 8) out.push_back(static_cast<std::byte>(value & 0xFF));
}

void write_step(std::vector<std::byte>& out, const Step& step, DiffForm form) {
  const std::size_t fresh = step.fresh.size(), replaced = step.to - step.from;
  const bool wide_lengths = std::max(fresh, replaced) > kShortLengthMax;
  const bool insert = replaced == 0, same = !insert && fresh == replaced;
  const auto flags =
      static_cast<std::size_t>((same ? 0x20 : 0) | (insert ? 0x40 : 0) | (wide_lengths ? 0x80 : 0));
  if (form == DiffForm::narrow) {
    append_number(out, step.from | flags << 8, 2);
  } else {
    append_number(out, step.from, 2);
    append_number(out, flags, 1);
  }
  const std::size_t width = wide_lengths ? 2 : 1;
  append_number(out, fresh, width);
  if (!insert && !same) append_number(out, replaced, width);
  append(out, step.fresh);
}

std::size_t offset_max(DiffForm form) {
  return form == DiffForm::narrow ? kNarrowOffsets : kWideOffsetMax;
}

// Runs of equal bytes shorter than a step's header are cheaper to repeat than to step over.
constexpr std::size_t kEqualRunMin = 5;

// The steps between two byte strings of equal length.
std::vector<Step> steps_in_place(Bytes old_data, Bytes new_data, std::size_t base) {
  std::vector<Step> steps;
  for (std::size_t at = 0; at < old_data.size(); ++at) {
    if (old_data[at] == new_data[at]) continue;
    const bool extends = !steps.empty() && base + at - steps.back().to < kEqualRunMin;
    const std::size_t from = extends ? steps.back().from - base : at;
    const Step step{base + from, base + at + 1, new_data.subspan(from, at + 1 - from)};
    if (extends) {
      steps.back() = step;
    } else {
      steps.push_back(step);
    }
  }
  return steps;
}

}  // namespace

std::optional<std::vector<std::byte>> apply_diff(Bytes diff, DiffForm form, Bytes old_data,
                                                 std::size_t bytes_max) {
  std::vector<std::byte> out;
  std::size_t taken = 0;  // of the old data
  for (DiffReader reader(diff, form); !reader.done();) {
    const auto step = read_step(reader);
    if (!step || step->from < taken || step->to > old_data.size()) return std::nullopt;
    append(out, old_data.subspan(taken, step->from - taken));
    append(out, step->fresh);
    taken = step->to;
    if (out.size() > bytes_max) return std::nullopt;
  }
  append(out, old_data.subspan(taken));
  if (out.size() > bytes_max) return std::nullopt;
  return out;
}

// What is equal at both ends is left out; what is between them is compared in place when both are
// as long, and replaced as a whole otherwise. Records change fields in place or grow in one place,
// so more than this would cost much time and find little.
std::optional<std::vector<std::byte>> make_diff(Bytes old_data, Bytes new_data, DiffForm form) {
  if (old_data.size() > offset_max(form) || new_data.size() > kWideOffsetMax) return std::nullopt;
  const std::size_t shorter = std::min(old_data.size(), new_data.size());
  std::size_t head = 0;
  while (head < shorter && old_data[head] == new_data[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head &&
         old_data[old_data.size() - 1 - tail] == new_data[new_data.size() - 1 - tail]) {
    ++tail;
  }
  const Bytes old_middle = old_data.subspan(head, old_data.size() - head - tail);
  const Bytes new_middle = new_data.subspan(head, new_data.size() - head - tail);
  std::vector<Step> steps;
  if (old_middle.size() == new_middle.size()) {
    steps = steps_in_place(old_middle, new_middle, head);
  } else {
    steps.push_back({head, head + old_middle.size(), new_middle});
  }
  std::vector<std::byte> out;
  for (const Step& step : steps) write_step(out, step, form);
  return out.size() < new_data.size() ? std::optional(out) : std::nullopt;
}

}  // namespace stillframe::ese
