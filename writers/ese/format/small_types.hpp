// The small values that every ESE file shares. docs/formats/small-types.md has the bytes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace stillframe::ese {

// Integers that must not be mixed up get types of their own; arithmetic on them is spelled out.
enum class Pgno : std::uint32_t { null = 0 };
enum class Objid : std::uint32_t { null = 0, root = 1, catalog = 2, shadow_catalog = 3 };
enum class Dbid : std::uint8_t { temporary = 0 };
enum class Procid : std::uint16_t {};
enum class Trx : std::uint32_t {};
enum class Rceid : std::uint32_t { none = 0 };
enum class Generation : std::int32_t { none = 0 };

constexpr Generation generation_after(Generation generation) {
  return Generation{static_cast<std::int32_t>(generation) + 1};
}

// Counts changes of pages over the whole database; a page holds the count of its last one.
enum class Dbtime : std::int64_t {
  nil = -1,
  invalid = -2,
  shrunk = -3,
  reverted = -4,
  reverted_root = -5,
  first = 0x40,
};

// A place in the log stream. All zero means "none"; the order is that of the log.
struct Lgpos {
  static constexpr std::size_t kBytes = 8;

  std::uint16_t ib = 0;  // 0, not the true offset, for the first record of a segment
  std::uint16_t isec = 0;
  Generation generation = Generation::none;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "ib", self.ib);
    visit(2, "isec", self.isec);
    visit(4, "generation", self.generation);
  }

  bool none() const { return *this == Lgpos{}; }
  friend bool operator==(const Lgpos&, const Lgpos&) = default;
  friend std::strong_ordering operator<=>(const Lgpos& a, const Lgpos& b) {
    if (auto order = a.generation <=> b.generation; order != 0) return order;
    if (auto order = a.isec <=> b.isec; order != 0) return order;
    return a.ib <=> b.ib;
  }
};

// A time as the files keep it, to the millisecond since Windows 8. All zero means "not set".
struct LogTime {
  static constexpr std::size_t kBytes = 8;

  std::uint8_t seconds = 0, minutes = 0, hours = 0, day = 0, month = 0, years_since_1900 = 0;
  std::uint8_t utc_and_low_milliseconds = 0;  // bit 0: UTC; bits 1..7: low 7 bits
  std::uint8_t high_milliseconds = 0;  // bit 0: made by an OS snapshot; bits 1..3: high 3 bits

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "seconds", self.seconds);
    visit(1, "minutes", self.minutes);
    visit(2, "hours", self.hours);
    visit(3, "day", self.day);
    visit(4, "month", self.month);
    visit(5, "year", self.years_since_1900);
    visit(6, "utc_milliseconds", self.utc_and_low_milliseconds);
    visit(7, "milliseconds_high", self.high_milliseconds);
  }

  bool set() const { return *this != LogTime{}; }
  bool utc() const { return (utc_and_low_milliseconds & 1) != 0; }
  bool os_snapshot() const { return (high_milliseconds & 1) != 0; }
  int milliseconds() const {
    return (utc_and_low_milliseconds >> 1) | ((high_milliseconds >> 1 & 7) << 7);
  }
  friend bool operator==(const LogTime&, const LogTime&) = default;
};

// Names a database or a log sequence: two are the same when all 28 bytes are.
struct Signature {
  static constexpr std::size_t kBytes = 28;

  std::uint32_t random = 0;
  LogTime created;
  std::array<char, 16> computer{};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "random", self.random);
    visit(4, "created", self.created);
    visit(12, "computer", self.computer);
  }

  bool set() const { return *this != Signature{}; }
  friend bool operator==(const Signature&, const Signature&) = default;
};

// What a database remembers of a backup.
struct BackupInfo {
  static constexpr std::size_t kBytes = 24;

  Lgpos mark;
  LogTime time;
  Generation low = Generation::none;
  Generation high = Generation::none;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit(0, "mark", self.mark);
    visit(8, "time", self.time);
    visit(16, "low", self.low);
    visit(20, "high", self.high);
  }

  friend bool operator==(const BackupInfo&, const BackupInfo&) = default;
};

}  // namespace stillframe::ese
