// Makes encode_json() and decode_json() for one struct out of its fields(). For the
// json_codec_*.cpp files only.
#pragma once

#include "framework/model/json_codec.hpp"
#include "framework/model/json_fields.hpp"

namespace stillframe {
namespace json_codec_detail {

template <class T>
struct Codec {
  static nlohmann::json encode(const T& value) {
    JsonFieldWriter io;
    fields(io, value);
    return io.take();
  }
  static void decode(const nlohmann::json& json, const JsonPlace& at, JsonProblem& problem,
                     T& out) {
    JsonFieldReader io(json, at, problem);
    fields(io, out);
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static nlohmann::json encode(const std::vector<T>& values) {
    nlohmann::json::array_t array;
    array.reserve(values.size());
    for (const T& value : values) array.push_back(Codec<T>::encode(value));
    return array;
  }
  static void decode(const nlohmann::json& json, const JsonPlace& at, JsonProblem& problem,
                     std::vector<T>& out) {
    if (!json.is_array()) {
      return problem.add(at, std::string("must be an array, is ") + json.type_name());
    }
    out.reserve(json.size());
    for (std::size_t i = 0; i < json.size() && !problem.error; ++i) {
      Codec<T>::decode(json[i], JsonPlace{&at, {}, i}, problem, out.emplace_back());
    }
  }
};

}  // namespace json_codec_detail

template <class T>
nlohmann::json encode_json(const T& value) {
  return json_codec_detail::Codec<T>::encode(value);
}

template <class T>
void decode_json_into(const nlohmann::json& json, const JsonPlace& at, JsonProblem& problem,
                      T& out) {
  json_codec_detail::Codec<T>::decode(json, at, problem, out);
}

template <class T>
Result<T> decode_json(const nlohmann::json& json, std::string_view where) {
  T value{};
  JsonProblem problem;
  const JsonPlace at{nullptr, where};
  decode_json_into(json, at, problem, value);
  if (problem.error) return *problem.error;
  return value;
}

}  // namespace stillframe

#define STILLFRAME_JSON_CODEC(T)                                                                \
  template nlohmann::json encode_json<T>(const T&);                                             \
  template Result<T> decode_json<T>(const nlohmann::json&, std::string_view);                   \
  template void decode_json_into<T>(const nlohmann::json&, const JsonPlace&, JsonProblem&, T&); \
  template nlohmann::json encode_json<std::vector<T>>(const std::vector<T>&);                   \
  template Result<std::vector<T>> decode_json<std::vector<T>>(const nlohmann::json&,            \
                                                              std::string_view);
