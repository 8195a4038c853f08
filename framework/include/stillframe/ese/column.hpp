// Columns and indexes of which the compiler knows the types: constants of a program that say how
// its rows look. Part of ese.hpp.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <stillframe/ese/jet.h>

namespace stillframe::jet {

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;
using Date = std::chrono::sys_time<std::chrono::milliseconds>;

// Types for columns whose values may be large, up to 2 GiB. Their values are std::string and Bytes.
struct LongText {};
struct LongBinary {};

namespace detail {

constexpr std::uint16_t kUnicode = 1200, kAnsi = 1252;

// How the bytes of a column become a value and the other way round. `encode` may use `room`.
struct Room {
  char bytes[8];
};

template <class T, JET_COLTYP kCode>
struct FixedType {
  using Value = T;
  using View = T;
  static constexpr JET_COLTYP kType = kCode;
  static constexpr bool kFixed = true;
  static constexpr std::uint16_t kCodePage = 0;
  static constexpr bool takes(JET_COLTYP type, std::uint16_t) { return type == kCode; }
  static std::string_view encode(T value, Room& room) {
    std::memcpy(room.bytes, &value, sizeof value);
    return {room.bytes, sizeof value};
  }
  static T decode(std::string_view bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
};

template <class Char, class Owner, class Viewer, JET_COLTYP kCode, JET_COLTYP kOther,
          std::uint16_t kPage>
struct VariableType {
  using Value = Owner;
  using View = Viewer;
  static constexpr JET_COLTYP kType = kCode;
  static constexpr bool kFixed = false;
  static constexpr std::uint16_t kCodePage = kPage;
  static constexpr bool takes(JET_COLTYP type, std::uint16_t page) {
    return (type == kCode || type == kOther) && (page == kUnicode) == (kPage == kUnicode);
  }
  static std::string_view encode(Viewer value, Room&) {
    return {reinterpret_cast<const char*>(value.data()), value.size() * sizeof(Char)};
  }
  static Owner decode(std::string_view bytes) {
    Owner value(bytes.size() / sizeof(Char), Char{});
    if (!value.empty()) std::memcpy(value.data(), bytes.data(), value.size() * sizeof(Char));
    return value;
  }
};

template <class T>
struct ColumnType;  // only the types below are types of columns
template <>
struct ColumnType<std::uint8_t> : FixedType<std::uint8_t, JET_coltypUnsignedByte> {};
template <>
struct ColumnType<std::int16_t> : FixedType<std::int16_t, JET_coltypShort> {};
template <>
struct ColumnType<std::uint16_t> : FixedType<std::uint16_t, JET_coltypUnsignedShort> {};
template <>
struct ColumnType<std::int32_t> : FixedType<std::int32_t, JET_coltypLong> {};
template <>
struct ColumnType<std::uint32_t> : FixedType<std::uint32_t, JET_coltypUnsignedLong> {};
template <>
struct ColumnType<std::int64_t> : FixedType<std::int64_t, JET_coltypLongLong> {
  static constexpr bool takes(JET_COLTYP type, std::uint16_t) {
    return type == JET_coltypLongLong || type == JET_coltypCurrency;
  }
};
template <>
struct ColumnType<std::uint64_t> : FixedType<std::uint64_t, JET_coltypUnsignedLongLong> {};
template <>
struct ColumnType<float> : FixedType<float, JET_coltypIEEESingle> {};
template <>
struct ColumnType<double> : FixedType<double, JET_coltypIEEEDouble> {};

template <>
struct ColumnType<bool> : FixedType<bool, JET_coltypBit> {
  static std::string_view encode(bool value, Room& room) {
    room.bytes[0] = value ? '\xFF' : '\0';
    return {room.bytes, 1};
  }
  static bool decode(std::string_view bytes) { return bytes[0] != '\0'; }
};

// Days since 30 December 1899 as a double, as programs for Windows keep them: before that day the
// whole part counts backwards and the fraction still forwards.
template <>
struct ColumnType<Date> : FixedType<double, JET_coltypDateTime> {
  using Value = Date;
  using View = Date;
  static constexpr double kDay = 86'400'000, kEpoch = 25'569;
  static std::string_view encode(Date date, Room& room) {
    const double days = static_cast<double>(date.time_since_epoch().count()) / kDay + kEpoch;
    const double whole = std::floor(days);
    return FixedType::encode(days < 0 ? whole - (days - whole) : days, room);
  }
  static Date decode(std::string_view bytes) {
    const double kept = FixedType::decode(bytes), whole = std::trunc(kept);
    const double days = whole + std::abs(kept - whole) - kEpoch;
    return Date(std::chrono::milliseconds(std::llround(days * kDay)));
  }
};

template <>
struct ColumnType<std::string>
    : VariableType<char, std::string, std::string_view, JET_coltypText, JET_coltypLongText, kAnsi> {
};
template <>
struct ColumnType<LongText>
    : VariableType<char, std::string, std::string_view, JET_coltypLongText, JET_coltypText, kAnsi> {
};
template <>
struct ColumnType<std::u16string> : VariableType<char16_t, std::u16string, std::u16string_view,
                                                 JET_coltypText, JET_coltypLongText, kUnicode> {};
template <>
struct ColumnType<Bytes>
    : VariableType<std::byte, Bytes, BytesView, JET_coltypBinary, JET_coltypLongBinary, 0> {};
template <>
struct ColumnType<LongBinary>
    : VariableType<std::byte, Bytes, BytesView, JET_coltypLongBinary, JET_coltypBinary, 0> {};

template <class T>
using Value = typename ColumnType<T>::Value;
template <class T>
using View = typename ColumnType<T>::View;

}  // namespace detail

// A column by its name, for values of T: bool, integers, float, double, Date, std::string (of code
// page 1252), std::u16string, Bytes, LongText, LongBinary. That the table's column is of that type
// is seen at its first use. The name has to outlive it: it is a literal.
template <class T>
class Column {
 public:
  constexpr explicit Column(const char* name) : name_(name) {}
  constexpr const char* name() const noexcept { return name_; }

 private:
  const char* name_;
};

namespace detail {

// One end of a range. Without a key there is none.
struct Limit {
  std::vector<std::string> key;
  JET_GRBIT last_part = 0;  // of JetMakeKey
  bool inclusive = true;
};

struct KeyRange {
  const char* index = nullptr;  // the one that the cursor has, if there is none
  Limit lower, upper;
};

template <class T>
std::string key_part(const View<T>& value) {
  Room room;
  return std::string(ColumnType<T>::encode(value, room));
}

// The first columns of an index, or all: `Ts` are the index's, `values` as many as are given.
template <class... Ts, class... Values>
std::vector<std::string> key_of(const Values&... values) {
  static_assert(sizeof...(Values) > 0 && sizeof...(Values) <= sizeof...(Ts),
                "a key has a value for the first columns of its index, or for all");
  using Types = std::tuple<Ts...>;
  return [&]<std::size_t... At>(std::index_sequence<At...>) {
    return std::vector<std::string>{key_part<std::tuple_element_t<At, Types>>(values)...};
  }
  (std::index_sequence_for<Values...>{});
}

}  // namespace detail

// Rows between two keys of an index, in its order. A key may be of the first columns only; then all
// that begin with it count.
template <class... Ts>
class Range : public detail::KeyRange {
 public:
  explicit Range(const char* name) { index = name; }

  template <class... Values>
  Range from(const Values&... values) && {
    lower = {detail::key_of<Ts...>(values...), start_of<Values...>(), true};
    return std::move(*this);
  }
  template <class... Values>
  Range after(const Values&... values) && {
    lower = {detail::key_of<Ts...>(values...), end_of<Values...>(), false};
    return std::move(*this);
  }
  template <class... Values>
  Range to(const Values&... values) && {
    upper = {detail::key_of<Ts...>(values...), end_of<Values...>(), true};
    return std::move(*this);
  }
  template <class... Values>
  Range before(const Values&... values) && {
    upper = {detail::key_of<Ts...>(values...), start_of<Values...>(), false};
    return std::move(*this);
  }

 private:
  template <class... Values>
  static constexpr JET_GRBIT start_of() {
    return sizeof...(Values) < sizeof...(Ts) ? JET_bitFullColumnStartLimit : 0;
  }
  template <class... Values>
  static constexpr JET_GRBIT end_of() {
    return sizeof...(Values) < sizeof...(Ts) ? JET_bitFullColumnEndLimit : 0;
  }
};

// An index by its name, over columns of these types.
template <class... Ts>
class Index {
 public:
  constexpr explicit Index(const char* name) : name_(name) {}
  constexpr const char* name() const noexcept { return name_; }

  Range<Ts...> all() const { return Range<Ts...>(name_); }
  template <class... Values>
  Range<Ts...> from(const Values&... values) const {
    return all().from(values...);
  }
  template <class... Values>
  Range<Ts...> after(const Values&... values) const {
    return all().after(values...);
  }
  template <class... Values>
  Range<Ts...> to(const Values&... values) const {
    return all().to(values...);
  }
  template <class... Values>
  Range<Ts...> before(const Values&... values) const {
    return all().before(values...);
  }
  template <class... Values>
  Range<Ts...> equal(const Values&... values) const {
    return all().from(values...).to(values...);
  }
  // Whose first column, a text, begins so; all if `text` is empty.
  Range<Ts...> starting_with(std::string_view text) const {
    using First = detail::Value<std::tuple_element_t<0, std::tuple<Ts...>>>;
    static_assert(std::is_same_v<First, std::string>, "only a text begins with one");
    Range<Ts...> range(name_);
    if (text.empty()) return range;
    range.lower = {{std::string(text)}, JET_bitPartialColumnStartLimit, true};
    range.upper = {{std::string(text)}, JET_bitPartialColumnEndLimit, true};
    return range;
  }

 private:
  const char* name_;
};

}  // namespace stillframe::jet
