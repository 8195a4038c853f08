// Numbers as rows keep them and as keys name them.
#pragma once

#include <cstdint>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/key.hpp"
#include "writers/ese/format/row.hpp"

namespace stillframe::ese::tests {

inline Value little(std::int32_t number) {
  Value value(sizeof number);
  store_le(value.data(), number);
  return value;
}

inline std::int32_t number_of(const Value& value) {
  return load_le<std::int32_t>(value.data());
}

// What the node of the row has as its key, in a table whose primary index is a column of four bytes
// with this number.
inline Key bookmark_of(std::int32_t id) {
  Key key{std::byte{0x7F}};
  key.resize(5);
  store_be(key.data() + 1, static_cast<std::uint32_t>(id) ^ 0x80000000U);
  return key;
}

}  // namespace stillframe::ese::tests
