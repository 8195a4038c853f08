// One list of fields a struct, for reading and for writing: each struct of the documents and
// messages has a function template
//
//   template <class Io>
//   void fields(Io& io, typename Io::template Ref<T> value);
//
// that is called with a JsonFieldReader or a JsonFieldWriter. For .cpp files and the *_fields.hpp
// headers only: it brings in all of nlohmann/json.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include <stillframe/writer_metadata.hpp>

#include "framework/model/enum_names.hpp"

namespace stillframe {

inline constexpr std::size_t kJsonNoIndex = std::numeric_limits<std::size_t>::max();

// Where in a document a value stands, as a chain of names on the stack: made text only for an
// error.
struct JsonPlace {
  const JsonPlace* outer = nullptr;
  std::string_view name;
  std::size_t index = kJsonNoIndex;  // in an array

  std::string to_string() const;  // "components[3].files[0].path"
};

// The first thing that was wrong; later ones are its consequences.
struct JsonProblem {
  std::optional<Error> error;
  void add(const JsonPlace& at, std::string_view what);
};

// Required fields must be there. Optional ones stand for their default when absent, and are not
// written while they have it.
enum class Need { required, optional };

class JsonFieldReader {
 public:
  static constexpr bool kReads = true;
  template <class T>
  using Ref = T&;

  // `object` and what `place` points at must outlive the reader.
  JsonFieldReader(const nlohmann::json& object, const JsonPlace& place, JsonProblem& problem);

  // Human text: any UTF-8 without NUL. Names, messages, captions.
  void text(std::string_view name, std::string& out, Need need);
  // Opaque bytes by escape_bytes().
  void bytes(std::string_view name, std::string& out, Need need);
  // By escape_path(); at most kBytePathBytesMax bytes.
  void path(std::string_view name, BytePath& out, Need need);
  void path(std::string_view name, std::optional<BytePath>& out);
  void picture(std::string_view name, std::vector<std::uint8_t>& out);
  void flag(std::string_view name, bool& out, bool by_default);
  void flag(std::string_view name, bool& out);  // required

  template <class T>
  void number(std::string_view name, T& out, std::optional<T> by_default = {}) {
    static_assert(std::is_integral_v<T> && !std::is_same_v<T, bool>);
    const nlohmann::json* value = find(name, by_default ? Need::optional : Need::required);
    if (value == nullptr) {
      if (by_default) out = *by_default;
      return;
    }
    const JsonPlace at{&place_, name};
    if constexpr (std::is_signed_v<T>) {
      out = static_cast<T>(
          signed_number(*value, at, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else {
      out = static_cast<T>(unsigned_number(*value, at, std::numeric_limits<T>::max()));
    }
  }

  template <NamedEnum E>
  void name_of(std::string_view name, E& out, std::optional<E> by_default = {}) {
    const nlohmann::json* value = find(name, by_default ? Need::optional : Need::required);
    if (value == nullptr) {
      if (by_default) out = *by_default;
      return;
    }
    const JsonPlace at{&place_, name};
    const std::string* text = string_of(*value, at);
    if (text == nullptr) return;
    auto parsed = parse_enum<E>(*text);
    if (!parsed.ok()) return problem_.add(at, parsed.error().what());
    out = parsed.value();
  }
  template <NamedEnum E>
  void name_of(std::string_view name, std::optional<E>& out) {
    if (!has(name)) return out.reset();
    name_of(name, out.emplace());
  }

  template <class Tag>
  void id(std::string_view name, Id<Tag>& out, Need need) {
    const nlohmann::json* value = find(name, need);
    if (value == nullptr) return;
    const JsonPlace at{&place_, name};
    const std::string* text = string_of(*value, at);
    if (text == nullptr) return;
    auto parsed = Id<Tag>::parse(*text);
    if (!parsed.ok()) return problem_.add(at, parsed.error().what());
    out = parsed.value();
  }

  void time(std::string_view name, WallTime& out);
  void time(std::string_view name, std::optional<WallTime>& out);
  void time(std::string_view name, BootTime& out);
  void nanoseconds(std::string_view name, Duration& out);  // absent: none
  void milliseconds(std::string_view name, std::chrono::milliseconds& out);
  void milliseconds(std::string_view name, std::optional<std::chrono::milliseconds>& out);

  template <class T>
  void object(std::string_view name, T& out) {
    if (const nlohmann::json* value = find(name, Need::required)) {
      read_object(*value, JsonPlace{&place_, name}, out);
    }
  }
  template <class T>
  void object(std::string_view name, std::optional<T>& out) {
    const nlohmann::json* value = find(name, Need::optional);
    if (value == nullptr) return out.reset();
    read_object(*value, JsonPlace{&place_, name}, out.emplace());
  }

  // Absent is empty.
  template <class T>
  void list(std::string_view name, std::vector<T>& out) {
    const nlohmann::json* value = find(name, Need::optional);
    out.clear();
    if (value == nullptr) return;
    const JsonPlace at{&place_, name};
    if (!is_array(*value, at)) return;
    out.reserve(value->size());
    for (std::size_t i = 0; i < value->size() && !problem_.error; ++i) {
      read_element((*value)[i], JsonPlace{&at, {}, i}, out.emplace_back());
    }
  }

  // Everything that no call above asked for. Last, and only once.
  void unknown(UnknownFields& out);

  bool has(std::string_view name) const;
  const JsonPlace& place() const { return place_; }
  JsonProblem& problem() { return problem_; }

 private:
  const nlohmann::json* find(std::string_view name, Need need);
  const std::string* string_of(const nlohmann::json& value, const JsonPlace& at);
  bool is_array(const nlohmann::json& value, const JsonPlace& at);
  bool boolean(const nlohmann::json& value, const JsonPlace& at);
  std::int64_t signed_number(const nlohmann::json& value, const JsonPlace& at, std::int64_t min,
                             std::int64_t max);
  std::uint64_t unsigned_number(const nlohmann::json& value, const JsonPlace& at,
                                std::uint64_t max);

  template <class T>
  void read_object(const nlohmann::json& value, const JsonPlace& at, T& out) {
    JsonFieldReader inner(value, at, problem_);
    fields(inner, out);
  }
  template <class T>
  void read_element(const nlohmann::json& value, const JsonPlace& at, T& out) {
    read_object(value, at, out);
  }
  void read_element(const nlohmann::json& value, const JsonPlace& at, std::string& out);
  template <class Tag>
  void read_element(const nlohmann::json& value, const JsonPlace& at, Id<Tag>& out) {
    const std::string* text = string_of(value, at);
    if (text == nullptr) return;
    auto parsed = Id<Tag>::parse(*text);
    if (!parsed.ok()) return problem_.add(at, parsed.error().what());
    out = parsed.value();
  }

  const nlohmann::json::object_t* object_ = nullptr;  // null when the value is no object
  const JsonPlace& place_;
  JsonProblem& problem_;
  std::vector<std::string_view> asked_;  // the names that were found
};

class JsonFieldWriter {
 public:
  static constexpr bool kReads = false;
  template <class T>
  using Ref = const T&;

  void text(std::string_view name, const std::string& value, Need need);
  void bytes(std::string_view name, const std::string& value, Need need);
  void path(std::string_view name, const BytePath& value, Need need);
  void path(std::string_view name, const std::optional<BytePath>& value);
  void picture(std::string_view name, const std::vector<std::uint8_t>& value);
  void flag(std::string_view name, bool value, bool by_default);
  void flag(std::string_view name, bool value);

  template <class T>
  void number(std::string_view name, T value, std::optional<T> by_default = {}) {
    if (by_default && value == *by_default) return;
    put(name, value);
  }
  template <NamedEnum E>
  void name_of(std::string_view name, E value, std::optional<E> by_default = {}) {
    if (by_default && value == *by_default) return;
    put(name, std::string(enum_name(value)));
  }
  template <NamedEnum E>
  void name_of(std::string_view name, const std::optional<E>& value) {
    if (value) put(name, std::string(enum_name(*value)));
  }
  template <class Tag>
  void id(std::string_view name, const Id<Tag>& value, Need need) {
    if (need == Need::required || !value.is_nil()) put(name, value.to_string());
  }

  void time(std::string_view name, WallTime value);
  void time(std::string_view name, const std::optional<WallTime>& value);
  void time(std::string_view name, BootTime value);
  void nanoseconds(std::string_view name, Duration value);
  void milliseconds(std::string_view name, std::chrono::milliseconds value);
  void milliseconds(std::string_view name, const std::optional<std::chrono::milliseconds>& value);

  template <class T>
  void object(std::string_view name, const T& value) {
    put(name, element(value));
  }
  template <class T>
  void object(std::string_view name, const std::optional<T>& value) {
    if (value) put(name, element(*value));
  }
  template <class T>
  void list(std::string_view name, const std::vector<T>& values) {
    if (values.empty()) return;
    nlohmann::json::array_t array;
    array.reserve(values.size());
    for (const T& value : values) array.push_back(element(value));
    put(name, std::move(array));
  }

  // Names that are fields of ours keep our value.
  void unknown(const UnknownFields& values);

  nlohmann::json take() { return std::move(object_); }

 private:
  void put(std::string_view name, nlohmann::json value);
  template <class T>
  nlohmann::json element(const T& value) {
    JsonFieldWriter inner;
    fields(inner, value);
    return inner.take();
  }
  nlohmann::json element(const std::string& value) { return value; }
  template <class Tag>
  nlohmann::json element(const Id<Tag>& value) {
    return value.to_string();
  }

  nlohmann::json object_ = nlohmann::json::object();
};

// decode_json() for a value inside a larger one that is being read. Defined with it.
template <class T>
void decode_json_into(const nlohmann::json& json, const JsonPlace& at, JsonProblem& problem,
                      T& out);

}  // namespace stillframe
