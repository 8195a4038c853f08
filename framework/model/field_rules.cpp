#include "framework/model/field_rules.hpp"

#include <nlohmann/json.hpp>

#include "framework/base/utf8.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::field_rules {

Error broken(std::string_view field, std::string_view what) {
  return {Errc::invalid_argument, std::string(field) + ": " + std::string(what)};
}

Error within(std::string_view outer, const Error& inner) {
  return {inner.code(), std::string(outer) + "." + inner.what()};
}

Error within(std::string_view outer, std::size_t index, const Error& inner) {
  return within(std::string(outer) + "[" + std::to_string(index) + "]", inner);
}

Status text(std::string_view field, const std::string& value) {
  if (!is_utf8(value)) return broken(field, "is no UTF-8");
  if (value.find('\0') != std::string::npos) return broken(field, "holds a NUL character");
  return Ok{};
}

Status required_text(std::string_view field, const std::string& value) {
  if (value.empty()) return broken(field, "must not be empty");
  return text(field, value);
}

Status directory(std::string_view field, const BytePath& value) {
  if (value.empty()) return broken(field, "must not be empty");
  if (value.size() > kBytePathBytesMax) return broken(field, "is longer than a path can be");
  // A leading variable is judged again once it is expanded.
  const BytePath rooted = value.front() == '$' ? "/" + value : value;
  if (!is_plain_absolute(rooted)) {
    return broken(field, "'" + escape_path(value.substr(0, 200)) +
                             "' must be absolute or begin with a variable, without '.' and '..'");
  }
  return Ok{};
}

Status pattern(std::string_view field, const BytePath& value) {
  if (value.size() <= kBytePathBytesMax && is_plain_name(value)) return Ok{};
  return broken(field, "'" + escape_path(value.substr(0, 200)) +
                           "' must be one file name, which may hold ? and *");
}

Status component_name(const ComponentName& name) {
  if (Status s = all_of(required_text("name", name.name), text("logical_path", name.logical_path));
      !s.ok()) {
    return s;
  }
  if (name.name.find('/') != std::string::npos) {
    return broken("name", "'" + name.name + "' must not hold a slash; use logical_path");
  }
  if (name.name == "*") return broken("name", "'*' stands for all components");
  // Element by element between the slashes, none of them empty.
  std::string_view path = name.logical_path;
  if (!path.empty() &&
      (path.front() == '/' || path.back() == '/' || path.find("//") != std::string_view::npos)) {
    return broken("logical_path",
                  "'" + name.logical_path + "' must be names joined by single slashes");
  }
  return Ok{};
}

Status unknown_fields(const UnknownFields& fields) {
  for (const auto& [name, value] : fields) {
    if (Status s = required_text("an unknown field's name", name); !s.ok()) return s;
    if (!nlohmann::json::accept(value)) return broken(name, "an unknown field must hold JSON");
  }
  return Ok{};
}

}  // namespace stillframe::field_rules
