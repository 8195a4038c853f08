// The parts of a record that follow its fixed bytes. A record's structure names them, in order,
// with the members that say how long they are:
//
//   template <class Self, class Visitor> static void parts(Self& self, Visitor&& visit) {
//     visit("key", self.key_bytes);
//     visit("data", LowBits(self.data_bytes));
//   }
//
// One such list serves measuring, taking apart, putting together and showing.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "framework/base/check.hpp"
#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/layout.hpp"
#include "writers/ese/format/record_types.hpp"

namespace stillframe::ese {

// A length in the low 15 bits of a word whose highest bit is a flag.
template <class Word>
struct LowBits {
  static constexpr std::uint16_t kMask = 0x7FFF;
  explicit LowBits(Word& w) : word(w) {}
  Word& word;
};

// A part that is there, as long as the value of a bit says, if that bit is set.
template <class Word>
struct BitLength {
  BitLength(Word& w, std::uint8_t b) : word(w), bit(b) {}
  Word& word;
  std::uint8_t bit;
};

template <std::integral T>
std::size_t part_length(T value) {
  return value;
}
template <class T>
std::size_t part_length(const LowBits<T>& length) {
  return length.word & LowBits<T>::kMask;
}
template <class T>
std::size_t part_length(const BitLength<T>& length) {
  return length.word & length.bit;
}

template <std::integral T>
void set_part_length(T& value, std::size_t bytes) {
  value = static_cast<T>(bytes);
}
template <class T>
void set_part_length(const LowBits<T>& length, std::size_t bytes) {
  length.word = static_cast<T>((length.word & ~LowBits<T>::kMask) | (bytes & LowBits<T>::kMask));
}
template <class T>
void set_part_length(const BitLength<T>& length, std::size_t bytes) {
  const int others = length.word & ~length.bit;
  length.word = static_cast<T>(bytes == 0 ? others : others | length.bit);
}

template <class R>
concept HasParts = requires {
  R::kParts;
};

template <class R>
constexpr std::size_t part_count() {
  if constexpr (HasParts<R>) {
    return R::kParts;
  } else {
    return 0;
  }
}

// A record taken apart. The parts point into the bytes it was decoded from.
template <class R>
struct Record {
  R fixed;
  std::array<Bytes, part_count<R>()> parts;
};

// `bytes` is a whole record, as measure_record() found it, of one of R's types.
template <class R>
Record<R> decode_record(Bytes bytes) {
  Record<R> record{decode<R>(bytes), {}};
  if constexpr (HasParts<R>) {
    std::size_t at = R::kBytes, i = 0;
    R::parts(record.fixed, [&](std::string_view, const auto& length) {
      const std::size_t part = part_length(length);
      STILLFRAME_CHECK(at + part <= bytes.size(), "a record is decoded that was not measured");
      record.parts[i++] = bytes.subspan(at, part);
      at += part;
    });
  }
  return record;
}

// The bytes of a record. Its lengths are taken from `parts`.
template <class R>
std::vector<std::byte> encode_record(R fixed, const std::array<Bytes, part_count<R>()>& parts) {
  std::size_t size = R::kBytes;
  if constexpr (HasParts<R>) {
    std::size_t i = 0;
    R::parts(fixed, [&](std::string_view, auto&& length) {
      set_part_length(length, parts[i].size());
      STILLFRAME_CHECK(part_length(length) == parts[i].size(),
                       "a part of a record is longer than its length field can say");
      size += parts[i++].size();
    });
  }
  std::vector<std::byte> bytes(size);
  encode(fixed, bytes);
  std::size_t at = R::kBytes;
  for (const Bytes part : parts) {
    std::copy(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    at += part.size();
  }
  return bytes;
}

template <class R>
requires(!HasParts<R>) std::vector<std::byte> encode_record(const R& fixed) {
  return encode_record(fixed, {});
}

}  // namespace stillframe::ese
