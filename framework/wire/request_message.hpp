// A requestor's request, its reply, and events, as messages.
#pragma once

#include <string>
#include <string_view>

#include <stillframe/requestor.hpp>

#include "framework/wire/frame.hpp"

namespace stillframe::wire {

struct Request {
  std::string method;
  std::string params_json;
};

// invalid_argument when `params_json` is not a JSON object.
Result<RawMessage> encode_request(std::string_view method, std::string_view params_json,
                                  std::uint64_t sequence);
Result<Request> decode_request(const RawMessage& message);

// A result (JSON object text; "" stands for {}) or an error. Descriptors travel beside it.
RawMessage encode_reply(const Result<std::string>& result_json, std::uint64_t sequence);
// The error is the coordinator's own answer, or corrupt when the message is no reply.
Result<std::string> decode_reply(const RawMessage& message);

// invalid_argument when `event_json` is not a JSON object.
Result<RawMessage> encode_event(std::string_view event_json);
Result<std::string> decode_event(const RawMessage& message);

}  // namespace stillframe::wire
