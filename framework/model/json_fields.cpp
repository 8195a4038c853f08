#include "framework/model/json_fields.hpp"

#include <algorithm>

#include "framework/base/byte_text.hpp"

namespace stillframe {

using nlohmann::json;

std::string JsonPlace::to_string() const {
  std::string text = outer != nullptr ? outer->to_string() : std::string();
  if (index != kJsonNoIndex) return text + "[" + std::to_string(index) + "]";
  if (name.empty()) return text;
  if (!text.empty()) text += '.';
  return text += name;
}

void JsonProblem::add(const JsonPlace& at, std::string_view what) {
  if (error) return;
  std::string where = at.to_string();
  if (where.empty()) where = "the document";
  error = Error(Errc::corrupt, where + ": " + std::string(what));
}

JsonFieldReader::JsonFieldReader(const json& object, const JsonPlace& place, JsonProblem& problem)
    : place_(place), problem_(problem) {
  if (object.is_object()) {
    object_ = &object.get_ref<const json::object_t&>();
    asked_.reserve(object_->size());
  } else {
    problem_.add(place_, std::string("must be an object, is ") + object.type_name());
  }
}

bool JsonFieldReader::has(std::string_view name) const {
  return object_ != nullptr && object_->find(name) != object_->end();
}

const json* JsonFieldReader::find(std::string_view name, Need need) {
  if (object_ == nullptr) return nullptr;
  const auto at = object_->find(name);
  if (at == object_->end()) {
    if (need == Need::required) problem_.add({&place_, name}, "is missing");
    return nullptr;
  }
  asked_.push_back(name);
  return &at->second;
}

const std::string* JsonFieldReader::string_of(const json& value, const JsonPlace& at) {
  if (const auto* text = value.get_ptr<const json::string_t*>()) return text;
  problem_.add(at, std::string("must be a string, is ") + value.type_name());
  return nullptr;
}

bool JsonFieldReader::is_array(const json& value, const JsonPlace& at) {
  if (value.is_array()) return true;
  problem_.add(at, std::string("must be an array, is ") + value.type_name());
  return false;
}

bool JsonFieldReader::boolean(const json& value, const JsonPlace& at) {
  if (const auto* flag = value.get_ptr<const json::boolean_t*>()) return *flag;
  problem_.add(at, std::string("must be true or false, is ") + value.type_name());
  return false;
}

std::int64_t JsonFieldReader::signed_number(const json& value, const JsonPlace& at,
                                            std::int64_t min, std::int64_t max) {
  if (!value.is_number_integer()) {
    problem_.add(at, std::string("must be a whole number, is ") + value.type_name());
    return 0;
  }
  // The library calls numbers without a sign unsigned; those above int64 must not wrap.
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(max)
                        : value.get<std::int64_t>() >= min && value.get<std::int64_t>() <= max;
  if (fits) return value.get<std::int64_t>();
  problem_.add(at, "must be from " + std::to_string(min) + " to " + std::to_string(max) + ", is " +
                       value.dump());
  return 0;
}

std::uint64_t JsonFieldReader::unsigned_number(const json& value, const JsonPlace& at,
                                               std::uint64_t max) {
  if (!value.is_number_integer()) {
    problem_.add(at, std::string("must be a whole number, is ") + value.type_name());
    return 0;
  }
  if ((value.is_number_unsigned() || value.get<std::int64_t>() >= 0) &&
      value.get<std::uint64_t>() <= max) {
    return value.get<std::uint64_t>();
  }
  problem_.add(at, "must be from 0 to " + std::to_string(max) + ", is " + value.dump());
  return 0;
}

void JsonFieldReader::text(std::string_view name, std::string& out, Need need) {
  const json* value = find(name, need);
  if (value == nullptr) return;
  read_element(*value, JsonPlace{&place_, name}, out);
}

void JsonFieldReader::read_element(const json& value, const JsonPlace& at, std::string& out) {
  const std::string* text = string_of(value, at);
  if (text == nullptr) return;
  if (text->find('\0') != std::string::npos) return problem_.add(at, "holds a NUL character");
  out = *text;
}

void JsonFieldReader::bytes(std::string_view name, std::string& out, Need need) {
  const json* value = find(name, need);
  if (value == nullptr) return;
  const JsonPlace at{&place_, name};
  const std::string* text = string_of(*value, at);
  if (text == nullptr) return;
  auto unescaped = unescape_bytes(*text);
  if (!unescaped.ok()) return problem_.add(at, unescaped.error().what());
  out = std::move(unescaped).value();
}

void JsonFieldReader::path(std::string_view name, BytePath& out, Need need) {
  const json* value = find(name, need);
  if (value == nullptr) return;
  const JsonPlace at{&place_, name};
  const std::string* text = string_of(*value, at);
  if (text == nullptr) return;
  auto unescaped = unescape_path(*text);
  if (!unescaped.ok()) return problem_.add(at, unescaped.error().what());
  out = std::move(unescaped).value();
}

void JsonFieldReader::path(std::string_view name, std::optional<BytePath>& out) {
  if (!has(name)) return out.reset();
  path(name, out.emplace(), Need::required);
}

void JsonFieldReader::picture(std::string_view name, std::vector<std::uint8_t>& out) {
  const json* value = find(name, Need::optional);
  if (value == nullptr) return out.clear();
  const JsonPlace at{&place_, name};
  const std::string* text = string_of(*value, at);
  if (text == nullptr) return;
  auto picture = from_base64(*text);
  if (!picture.ok()) return problem_.add(at, picture.error().what());
  out = std::move(picture).value();
}

void JsonFieldReader::flag(std::string_view name, bool& out, bool by_default) {
  const json* value = find(name, Need::optional);
  out = value != nullptr ? boolean(*value, {&place_, name}) : by_default;
}

void JsonFieldReader::flag(std::string_view name, bool& out) {
  if (const json* value = find(name, Need::required)) out = boolean(*value, {&place_, name});
}

void JsonFieldReader::time(std::string_view name, WallTime& out) {
  std::int64_t since_epoch = 0;
  number(name, since_epoch);
  out = WallTime(Duration(since_epoch));
}

void JsonFieldReader::time(std::string_view name, std::optional<WallTime>& out) {
  if (!has(name)) return out.reset();
  time(name, out.emplace());
}

void JsonFieldReader::time(std::string_view name, BootTime& out) {
  std::int64_t since_boot = 0;
  number(name, since_boot);
  out = BootTime(Duration(since_boot));
}

void JsonFieldReader::nanoseconds(std::string_view name, Duration& out) {
  std::int64_t count = 0;
  number(name, count, std::optional<std::int64_t>(0));
  out = Duration(count);
}

void JsonFieldReader::milliseconds(std::string_view name, std::chrono::milliseconds& out) {
  std::int64_t count = 0;
  number(name, count, std::optional<std::int64_t>(0));
  // Beyond this a conversion to nanoseconds overflows; 292 years are enough for any limit.
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (count < -kMax || count > kMax) problem_.add({&place_, name}, "is beyond any clock's range");
  out = std::chrono::milliseconds(count);
}

void JsonFieldReader::milliseconds(std::string_view name,
                                   std::optional<std::chrono::milliseconds>& out) {
  if (!has(name)) return out.reset();
  milliseconds(name, out.emplace());
}

void JsonFieldReader::unknown(UnknownFields& out) {
  out.clear();
  // Nearly always every field was asked for: then there is nothing to look up.
  if (object_ == nullptr || asked_.size() == object_->size()) return;
  for (const auto& [name, value] : *object_) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) {
      out.emplace(name, value.dump());
    }
  }
}

void JsonFieldWriter::put(std::string_view name, json value) {
  object_.get_ref<json::object_t&>().insert_or_assign(std::string(name), std::move(value));
}

void JsonFieldWriter::text(std::string_view name, const std::string& value, Need need) {
  if (need == Need::required || !value.empty()) put(name, value);
}

void JsonFieldWriter::bytes(std::string_view name, const std::string& value, Need need) {
  if (need == Need::required || !value.empty()) put(name, escape_bytes(value));
}

void JsonFieldWriter::path(std::string_view name, const BytePath& value, Need need) {
  if (need == Need::required || !value.empty()) put(name, escape_path(value));
}

void JsonFieldWriter::path(std::string_view name, const std::optional<BytePath>& value) {
  if (value) put(name, escape_path(*value));
}

void JsonFieldWriter::picture(std::string_view name, const std::vector<std::uint8_t>& value) {
  if (!value.empty()) put(name, to_base64(value));
}

void JsonFieldWriter::flag(std::string_view name, bool value, bool by_default) {
  if (value != by_default) put(name, value);
}

void JsonFieldWriter::flag(std::string_view name, bool value) {
  put(name, value);
}

void JsonFieldWriter::time(std::string_view name, WallTime value) {
  put(name, value.since_epoch().count());
}

void JsonFieldWriter::time(std::string_view name, const std::optional<WallTime>& value) {
  if (value) time(name, *value);
}

void JsonFieldWriter::time(std::string_view name, BootTime value) {
  put(name, value.since_boot().count());
}

void JsonFieldWriter::nanoseconds(std::string_view name, Duration value) {
  if (value.count() != 0) put(name, value.count());
}

void JsonFieldWriter::milliseconds(std::string_view name, std::chrono::milliseconds value) {
  if (value.count() != 0) put(name, value.count());
}

void JsonFieldWriter::milliseconds(std::string_view name,
                                   const std::optional<std::chrono::milliseconds>& value) {
  if (value) put(name, value->count());
}

void JsonFieldWriter::unknown(const UnknownFields& values) {
  for (const auto& [name, text] : values) {
    json value = json::parse(text, nullptr, false);
    // validate() refuses such a text; here it must not make the rest unreadable.
    if (value.is_discarded()) value = nullptr;
    object_.get_ref<json::object_t&>().emplace(name, std::move(value));
  }
}

}  // namespace stillframe
