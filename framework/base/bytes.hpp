// Integers in byte buffers. Callers have checked the bounds.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace stillframe {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

static_assert(std::endian::native == std::endian::little,
              "the files are little-endian, and so is every machine this is built for");

template <class T>
T load_le(const std::byte* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void store_le(std::byte* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

// Keys are big-endian, so that they sort as bytes.
template <class T>
T load_be(const std::byte* from) {
  static_assert(std::is_unsigned_v<T>);
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<T>((value << 8) | std::to_integer<T>(from[i]));
  }
  return value;
}

template <class T>
void store_be(std::byte* to, T value) {
  static_assert(std::is_unsigned_v<T>);
  for (std::size_t i = sizeof value; i-- > 0; value = static_cast<T>(value >> 8)) {
    to[i] = static_cast<std::byte>(value & 0xff);
  }
}

}  // namespace stillframe
