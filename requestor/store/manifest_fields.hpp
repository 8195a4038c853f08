// Reading of manifest values: each getter answers the value or leaves an Error that names the
// place. For the .cpp files of the requestor only.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <stillframe/byte_path.hpp>
#include <stillframe/ids.hpp>
#include <stillframe/time.hpp>

namespace stillframe::requestor {

// Collects the first thing that is wrong, so that a parser reads as a list of fields.
class FieldReader {
 public:
  FieldReader(const nlohmann::json& object, std::string where, std::optional<Error>& first_error)
      : object_(object), where_(std::move(where)), error_(first_error) {
    if (!object_.is_object()) fail("", "must be an object");
  }

  bool failed() const { return error_.has_value(); }
  bool has(const char* name) const { return object_.is_object() && object_.contains(name); }

  void fail(const std::string& name, const std::string& why) {
    if (!error_)
      error_ = Error(Errc::corrupt, where_ + (name.empty() ? "" : "." + name) + " " + why);
  }

  const nlohmann::json* at(const char* name) {
    if (failed()) return nullptr;
    auto found = object_.find(name);
    if (found == object_.end()) {
      fail(name, "is missing");
      return nullptr;
    }
    return &*found;
  }

  std::string text(const char* name) {
    const auto* value = at(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail(name, "must be text"), std::string();
    return value->get<std::string>();
  }

  std::string text_or_empty(const char* name) { return has(name) ? text(name) : std::string(); }

  BytePath path(const char* name) {
    auto bytes = unescape_path(text(name));
    if (failed()) return {};
    if (!bytes.ok()) return fail(name, "is no escaped path: " + bytes.error().what()), BytePath();
    return std::move(bytes).value();
  }

  bool flag(const char* name, bool absent) {
    if (failed() || !has(name)) return absent;
    const auto& value = object_[name];
    if (!value.is_boolean()) return fail(name, "must be true or false"), absent;
    return value.get<bool>();
  }

  std::uint64_t number(const char* name,
                       std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
    const auto* value = at(name);
    if (value == nullptr) return 0;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > max) {
      return fail(name, "must be a whole number from 0 to " + std::to_string(max)),
             std::uint64_t{0};
    }
    return value->get<std::uint64_t>();
  }

  std::int64_t signed_number(const char* name) {
    const auto* value = at(name);
    if (value == nullptr) return 0;
    const bool fits =
        value->is_number_integer() &&
        (!value->is_number_unsigned() ||
         value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (!fits) return fail(name, "must be a whole number of 64 bits"), std::int64_t{0};
    return value->get<std::int64_t>();
  }

  template <class AnyId>
  AnyId id(const char* name) {
    auto parsed = AnyId::parse(text(name));
    if (failed()) return {};
    if (!parsed.ok()) return fail(name, "is no id"), AnyId();
    return parsed.value();
  }

  // The array `name`; an absent one reads as empty when `optional`.
  const nlohmann::json& array(const char* name, bool optional = false) {
    static const nlohmann::json empty = nlohmann::json::array();
    if (optional && !has(name)) return empty;
    const auto* value = at(name);
    if (value == nullptr) return empty;
    if (!value->is_array()) return fail(name, "must be a list"), empty;
    return *value;
  }

  const std::string& where() const { return where_; }
  std::optional<Error>& first_error() { return error_; }

 private:
  const nlohmann::json& object_;
  std::string where_;
  std::optional<Error>& error_;
};

}  // namespace stillframe::requestor
