#include "framework/wire/request_message.hpp"

#include "framework/wire/error_fields.hpp"
#include "framework/wire/payload.hpp"

namespace stillframe::wire {
namespace {

using Json = nlohmann::json;

// Text from our own side that goes into a message as an object.
Result<Json> parse_object(std::string_view text, Kind kind) {
  if (text.empty()) return Json::object();
  auto json = parse_json_text(text, message_bytes_max(kind));
  if (!json.ok()) return json;
  if (!json.value().is_object()) return Error(Errc::corrupt, "not an object");
  return json;
}

}  // namespace

Result<RawMessage> encode_request(std::string_view method, std::string_view params_json,
                                  std::uint64_t sequence) {
  auto params = parse_object(params_json, Kind::request);
  if (!params.ok()) {
    return Error(Errc::invalid_argument,
                 "parameters of " + std::string(method) + ": " + params.error().what());
  }
  Json json{{"method", method}};
  json["params"] = std::move(params).value();
  return RawMessage{Kind::request, sequence, 0, dump_json(json)};
}

Result<Request> decode_request(const RawMessage& message) {
  auto json = parse_payload(message, Kind::request);
  if (!json.ok()) return json.error();
  Request request;
  const auto method = json.value().find("method");
  if (method == json.value().end() || !method->is_string()) {
    return Error(Errc::corrupt, "request message: no method");
  }
  request.method = method->get<std::string>();
  const auto params = json.value().find("params");
  if (params == json.value().end()) {
    request.params_json = "{}";
  } else if (params->is_object()) {
    request.params_json = dump_json(*params);
  } else {
    return Error(Errc::corrupt, "request message: params is not an object");
  }
  return request;
}

RawMessage encode_reply(const Result<std::string>& result_json, std::uint64_t sequence) {
  Json json;
  if (result_json.ok()) {
    auto result = parse_object(result_json.value(), Kind::reply);
    if (result.ok()) {
      json["result"] = std::move(result).value();
    } else {
      json["error"] = to_json_value(Error(Errc::internal, "the reply is " + result.error().what()));
    }
  } else {
    json["error"] = to_json_value(result_json.error());
  }
  return RawMessage{Kind::reply, sequence, 0, dump_json(json)};
}

Result<std::string> decode_reply(const RawMessage& message) {
  auto json = parse_payload(message, Kind::reply);
  if (!json.ok()) return json.error();
  if (const auto error = json.value().find("error"); error != json.value().end()) {
    Error value(Errc::internal, "");
    if (Status s = from_json_value(*error, "reply", value); !s.ok()) return s.error();
    return value;
  }
  const auto result = json.value().find("result");
  if (result == json.value().end() || !result->is_object()) {
    return Error(Errc::corrupt, "reply message: neither a result nor an error");
  }
  return dump_json(*result);
}

Result<RawMessage> encode_event(std::string_view event_json) {
  auto event = parse_object(event_json, Kind::event);
  if (!event.ok()) return Error(Errc::invalid_argument, "event: " + event.error().what());
  return RawMessage{Kind::event, 0, 0, dump_json(event.value())};
}

Result<std::string> decode_event(const RawMessage& message) {
  auto json = parse_payload(message, Kind::event);
  if (!json.ok()) return json.error();
  return dump_json(json.value());
}

}  // namespace stillframe::wire
