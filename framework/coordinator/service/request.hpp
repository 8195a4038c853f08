// One requestor's request while it is worked on: its parameters, read with their errors remembered,
// and the one reply it is owed.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "framework/transport/requestor_handler.hpp"
#include "framework/wire/requestor_codec.hpp"

namespace stillframe::coordinator {

// A missing or wrong parameter is remembered (the first one) and read as its default; check() then
// says invalid_argument.
class Params {
 public:
  Params(std::string method, std::string_view json_text)
      : method_(std::move(method)), json_(nlohmann::json::parse(json_text, nullptr, false)) {
    if (!json_.is_object()) fail("its parameters are no JSON object");
  }

  template <class T>
  T get(const char* name) {
    const auto field = json_.is_object() ? json_.find(name) : json_.end();
    if (!json_.is_object() || field == json_.end()) return fail(missing(name)), T{};
    auto value = decode_json<T>(*field, name);
    if (!value.ok()) return fail(value.error().what()), T{};
    return std::move(value).value();
  }
  template <class IdType>
  IdType id(const char* name) {
    auto parsed = IdType::parse(text(name));
    if (!parsed.ok()) fail(std::string(name) + ": " + parsed.error().what());
    return parsed.ok() ? parsed.value() : IdType{};
  }
  std::string text(const char* name) {
    return plain<std::string>(name, &nlohmann::json::is_string);
  }
  std::string text_or(const char* name, const std::string& otherwise) {
    return json_.is_object() && json_.contains(name) ? text(name) : otherwise;
  }
  bool flag(const char* name) { return plain<bool>(name, &nlohmann::json::is_boolean); }
  std::uint64_t number(const char* name) {
    return plain<std::uint64_t>(name, &nlohmann::json::is_number_unsigned);
  }
  BytePath path(const char* name) {
    auto path = unescape_path(text(name));
    if (!path.ok()) fail(std::string(name) + ": " + path.error().what());
    return path.ok() ? std::move(path).value() : BytePath{};
  }

  Status check() const {
    if (problem_.empty()) return Ok{};
    return Error(Errc::invalid_argument, method_ + ": " + problem_);
  }

 private:
  using TypeTest = bool (nlohmann::json::*)() const noexcept;
  template <class T>
  T plain(const char* name, TypeTest is_type) {
    const auto field = json_.is_object() ? json_.find(name) : json_.end();
    if (!json_.is_object() || field == json_.end()) return fail(missing(name)), T{};
    if (!((*field).*is_type)()) return fail(std::string(name) + " has another type"), T{};
    return field->template get<T>();
  }
  static std::string missing(const char* name) {
    return std::string("parameter '") + name + "' is missing";
  }
  void fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  std::string method_;
  nlohmann::json json_;
  std::string problem_;
};

struct Request {
  ConnectionId connection{};
  Params params;
  RequestorHandler::ReplyHandler reply;

  void answer(const nlohmann::json& result, std::vector<Descriptor> descriptors = {}) const {
    ChannelReply out;
    out.json = dump_json(result);
    out.descriptors = std::move(descriptors);
    reply(std::move(out));
  }
  void refuse(const Error& error) const { reply(error); }
  void answer(const Status& status) const {
    if (!status.ok()) return refuse(status.error());
    answer(nlohmann::json::object());
  }
};

// Answers {name: value}, or the error.
template <class T>
auto answer_with(const std::shared_ptr<Request>& request, const char* name) {
  return [request, name](Result<T> value) {
    if (!value.ok()) return request->refuse(value.error());
    nlohmann::json result = nlohmann::json::object();
    result[name] = encode_json(value.value());
    request->answer(result);
  };
}

inline auto answer_status(const std::shared_ptr<Request>& request) {
  return [request](const Status& status) { request->answer(status); };
}

}  // namespace stillframe::coordinator
