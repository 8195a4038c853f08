// A structure as JSON, from the table that also reads and writes it.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "framework/base/byte_text.hpp"
#include "writers/ese/format/layout.hpp"
#include "writers/ese/format/small_types.hpp"
#include "writers/tool/output.hpp"

namespace stillframe::ese::tool {

using stillframe::tool::Json;

std::string hex_text(Bytes bytes);
std::string time_text(const LogTime& time);  // "" when not set
std::string lgpos_text(const Lgpos& place);  // "generation,segment,offset" in hexadecimal

template <class T>
concept Named = std::is_enum_v<T> && requires(T value) {
  name_of(value);
};

template <class T>
Json field_json(const T& value);

// Collects the fields of one structure, in the order of its table.
class FieldDumper {
 public:
  explicit FieldDumper(Json& into) : into_(into) {}

  template <class T>
  void operator()(std::size_t, std::string_view name, const T& value) const {
    into_[std::string(name)] = field_json(value);
  }

 private:
  Json& into_;
};

template <class T>
Json field_json(const T& value) {
  if constexpr (std::is_same_v<T, Lgpos>) {
    return lgpos_text(value);
  } else if constexpr (std::is_same_v<T, LogTime>) {
    return time_text(value);
  } else if constexpr (Described<T>) {
    Json object = Json::object();
    T::fields(value, FieldDumper(object));
    return object;
  } else if constexpr (kIsArray<T>) {
    if constexpr (std::is_same_v<typename T::value_type, char>) {
      std::string_view text(value.data(), value.size());
      return escape_bytes(text.substr(0, text.find('\0')));
    } else if constexpr (std::is_same_v<typename T::value_type, std::byte>) {
      return hex_text(value);
    } else {
      Json array = Json::array();
      for (const auto& element : value) array.push_back(field_json(element));
      return array;
    }
  } else if constexpr (Named<T>) {
    return std::string(name_of(value));
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else {
    return value;
  }
}

}  // namespace stillframe::ese::tool
