// Rules for single fields, and errors that say which field broke one. For the validate_*.cpp files.
#pragma once

#include <string>
#include <string_view>

#include <stillframe/writer_metadata.hpp>

#include "framework/model/enum_names.hpp"

namespace stillframe::field_rules {

// "<field>: <what>".
Error broken(std::string_view field, std::string_view what);
// The same error, one level further out: "outer.inner: ..." or "outer[3].inner: ...".
Error within(std::string_view outer, const Error& inner);
Error within(std::string_view outer, std::size_t index, const Error& inner);

Status text(std::string_view field, const std::string& value);           // UTF-8, no NUL
Status required_text(std::string_view field, const std::string& value);  // and not empty
// Absolute, or beginning with a variable; without "." and ".."; at most kBytePathBytesMax bytes.
Status directory(std::string_view field, const BytePath& value);
// A file name with ? and *, without a directory.
Status pattern(std::string_view field, const BytePath& value);
Status component_name(const ComponentName& name);
Status unknown_fields(const UnknownFields& fields);

template <NamedEnum E>
Status enumerator(std::string_view field, E value) {
  if (is_enumerator(value)) return Ok{};
  return broken(field, "the value " + std::to_string(static_cast<int>(value)) + " is undefined");
}

// The first that is not ok.
template <class... Statuses>
Status all_of(Status first, Statuses... rest) {
  if (!first.ok()) return first;
  if constexpr (sizeof...(rest) > 0) {
    return all_of(std::move(rest)...);
  } else {
    return first;
  }
}

}  // namespace stillframe::field_rules
