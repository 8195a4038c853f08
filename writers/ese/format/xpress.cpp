#include "writers/ese/format/xpress.hpp"

#include <algorithm>
#include <array>

namespace stillframe::ese {

namespace {

constexpr std::size_t kMatchMin = 3;
constexpr std::size_t kDistanceMax = 8192;
constexpr std::size_t kFlagBits = 32;
constexpr std::size_t kShortMax = 7;    // lengths in the match word itself
constexpr std::size_t kNibbleMax = 15;  // and in the half byte behind it
constexpr std::size_t kByteMax = 255;

class Reader {
 public:
  explicit Reader(Bytes from) : from_(from) {}

  bool literal(std::vector<std::byte>& to) {
    std::uint8_t byte = 0;
    if (!take(byte)) return false;
    to.push_back(std::byte{byte});
    return true;
  }

  bool flag(bool& is_match) {
    if (flags_left_ == 0) {
      if (!take(flags_)) return false;
      flags_left_ = kFlagBits;
    }
    is_match = (flags_ >> --flags_left_ & 1) != 0;
    return true;
  }

  bool match(std::size_t& distance, std::size_t& length) {
    std::uint16_t word = 0;
    if (!take(word)) return false;
    distance = (word >> 3) + 1U;
    length = word & 7;
    if (length == kShortMax && !long_length(length)) return false;
    length += kMatchMin;
    return true;
  }

 private:
  template <class T>
  bool take(T& value) {
    if (from_.size() - at_ < sizeof value) return false;
    value = load_le<T>(from_.data() + at_);
    at_ += sizeof value;
    return true;
  }

  // Two matches share a byte for their half bytes: the first takes the low one.
  bool half_byte(std::size_t& value) {
    std::uint8_t byte = 0;
    if (half_at_ != 0) {
      value = std::to_integer<std::size_t>(from_[half_at_] >> 4);
      half_at_ = 0;
      return true;
    }
    half_at_ = at_;
    if (!take(byte)) return false;
    value = byte & 15;
    return true;
  }

  bool long_length(std::size_t& length) {
    std::size_t half = 0;
    if (!half_byte(half)) return false;
    length = kShortMax + half;
    if (half < kNibbleMax) return true;
    std::uint8_t byte = 0;
    if (!take(byte)) return false;
    length = kShortMax + kNibbleMax + byte;
    if (byte < kByteMax) return true;
    std::uint16_t word = 0;
    std::uint32_t dword = 0;
    if (!take(word)) return false;
    if (word == 0 && !take(dword)) return false;
    length = word != 0 ? word : dword;
    return length >= kShortMax + kNibbleMax;
  }

  Bytes from_;
  std::size_t at_ = 0;
  std::uint32_t flags_ = 0;
  std::size_t flags_left_ = 0;
  std::size_t half_at_ = 0;  // never 0 when set: the flags come first
};

class Writer {
 public:
  explicit Writer(std::vector<std::byte>& to) : to_(to) { begin_flags(); }

  void literal(std::byte byte) {
    add_flag(false);
    to_.push_back(byte);
  }

  void match(std::size_t distance, std::size_t length) {
    add_flag(true);
    const std::size_t rest = length - kMatchMin;
    put(static_cast<std::uint16_t>((distance - 1) << 3 | std::min(rest, kShortMax)));
    if (rest < kShortMax) return;
    put_half(std::min(rest - kShortMax, kNibbleMax));
    if (rest < kShortMax + kNibbleMax) return;
    const std::size_t more = rest - kShortMax - kNibbleMax;
    put(static_cast<std::uint8_t>(std::min(more, kByteMax)));
    if (more < kByteMax) return;
    if (rest <= 0xFFFF) return put(static_cast<std::uint16_t>(rest));
    put(std::uint16_t{0});
    put(static_cast<std::uint32_t>(rest));
  }

  // Unused flags are set, as the format's reference wants it.
  void finish() {
    for (; flags_used_ < kFlagBits; ++flags_used_) flags_ = flags_ << 1 | 1;
    store_le(to_.data() + flags_at_, flags_);
  }

 private:
  template <class T>
  void put(T value) {
    const std::size_t at = to_.size();
    to_.resize(at + sizeof value);
    store_le(to_.data() + at, value);
  }

  void begin_flags() {
    flags_at_ = to_.size();
    flags_ = 0;
    flags_used_ = 0;
    put(std::uint32_t{0});
  }

  void add_flag(bool is_match) {
    if (flags_used_ == kFlagBits) {
      store_le(to_.data() + flags_at_, flags_);
      begin_flags();
    }
    flags_ = flags_ << 1 | (is_match ? 1U : 0U);
    ++flags_used_;
  }

  void put_half(std::size_t value) {
    if (half_at_ != 0) {
      to_[half_at_] |= static_cast<std::byte>(value << 4);
      half_at_ = 0;
      return;
    }
    half_at_ = to_.size();
    put(static_cast<std::uint8_t>(value));
  }

  std::vector<std::byte>& to_;
  std::size_t flags_at_ = 0;
  std::uint32_t flags_ = 0;
  std::size_t flags_used_ = 0;
  std::size_t half_at_ = 0;
};

constexpr std::size_t kHashBits = 12;

std::size_t hash_of(const std::byte* at) {
  const std::uint32_t three = std::to_integer<std::uint32_t>(at[0]) |
                              std::to_integer<std::uint32_t>(at[1]) << 8 |
                              std::to_integer<std::uint32_t>(at[2]) << 16;
  return three * 2654435761U >> (32 - kHashBits);
}

std::size_t common_bytes(Bytes plain, std::size_t a, std::size_t b) {
  std::size_t length = 0;
  while (b + length < plain.size() && plain[a + length] == plain[b + length]) ++length;
  return length;
}

}  // namespace

bool expand_xpress(Bytes from, std::size_t size, std::vector<std::byte>& to) {
  Reader reader(from);
  const std::size_t begin = to.size(), end = begin + size;
  while (to.size() < end) {
    bool is_match = false;
    if (!reader.flag(is_match)) return false;
    if (!is_match) {
      if (!reader.literal(to)) return false;
      continue;
    }
    std::size_t distance = 0, length = 0;
    if (!reader.match(distance, length)) return false;
    if (distance > to.size() - begin || length > end - to.size()) return false;
    for (; length > 0; --length) to.push_back(to[to.size() - distance]);  // may overlap itself
  }
  return true;
}

// Greedy, with the last place of every three bytes: what it misses costs bytes, never correctness.
void pack_xpress(Bytes plain, std::vector<std::byte>& to) {
  std::array<std::size_t, std::size_t{1} << kHashBits> last{};  // place + 1; 0: none
  Writer writer(to);
  std::size_t at = 0;
  while (at < plain.size()) {
    std::size_t length = 0, candidate = 0;
    if (plain.size() - at >= kMatchMin) {
      std::size_t& slot = last[hash_of(plain.data() + at)];
      candidate = slot;
      slot = at + 1;
      if (candidate != 0 && at - (candidate - 1) <= kDistanceMax) {
        length = common_bytes(plain, candidate - 1, at);
      }
    }
    if (length < kMatchMin) {
      writer.literal(plain[at++]);
    } else {
      writer.match(at - (candidate - 1), length);
      at += length;
    }
  }
  writer.finish();
}

}  // namespace stillframe::ese
