// Payloads to and from values, by the fields() of each type. For codec sources only.
#pragma once

#include "framework/model/json_codec.hpp"
#include "framework/model/json_fields.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe::wire {

template <class T>
nlohmann::json to_json_value(const T& value) {
  JsonFieldWriter io;
  fields(io, value);
  return io.take();
}

template <class T>
Status from_json_value(const nlohmann::json& json, std::string_view where, T& out) {
  JsonProblem problem;
  const JsonPlace at{nullptr, where};
  JsonFieldReader io(json, at, problem);
  fields(io, out);
  if (problem.error) return *problem.error;
  return Ok{};
}

// The payload of a message that must be of `kind`, as an object.
inline Result<nlohmann::json> parse_payload(const RawMessage& message, Kind kind) {
  if (message.kind != kind) {
    return Error(Errc::corrupt, "a " + std::string(to_string(message.kind)) + " message where " +
                                    std::string(to_string(kind)) + " was due");
  }
  auto json = parse_json_text(message.payload, message_bytes_max(kind));
  // Frames say where a message ends, so text that ends early is a lie, not a torn tail.
  if (!json.ok()) {
    return Error(Errc::corrupt, std::string(to_string(kind)) + " message: " + json.error().what());
  }
  if (!json.value().is_object()) {
    return Error(Errc::corrupt, std::string(to_string(kind)) + " message: not an object");
  }
  return json;
}

template <class T>
RawMessage encode_payload(Kind kind, const T& value, std::uint64_t sequence = 0) {
  return RawMessage{kind, sequence, 0, dump_json(to_json_value(value))};
}

template <class T>
Result<T> decode_payload(const RawMessage& message, Kind kind) {
  if (message.descriptors != 0) {
    return Error(Errc::corrupt,
                 "a " + std::string(to_string(kind)) + " message carries no descriptors");
  }
  auto json = parse_payload(message, kind);
  if (!json.ok()) return json.error();
  T value{};
  if (Status s = from_json_value(json.value(), to_string(kind), value); !s.ok()) return s.error();
  return value;
}

}  // namespace stillframe::wire
