// One call of a guest while it is carried out. For the guest_*.cpp files only: it brings in
// nlohmann/json.
#pragma once

#include "framework/coordinator/service/request.hpp"
#include "framework/testkit/guest.hpp"

namespace stillframe::testkit {

struct Guest::Call {
  std::string method;
  coordinator::Params params;
  std::shared_ptr<Link> link;
  std::uint16_t session = kNoSession;
  SessionDocument* document = nullptr;  // of the session
  SessionPlan* plan = nullptr;
  const machine::State* state = nullptr;
};

inline ChannelReply reply_with(const nlohmann::json& result) {
  ChannelReply reply;
  reply.json = dump_json(result);
  return reply;
}

// {name: value}
template <class T>
ChannelReply reply_with(const char* name, const T& value) {
  nlohmann::json result = nlohmann::json::object();
  result[name] = encode_json(value);
  return reply_with(result);
}

inline Result<ChannelReply> done(const Status& status) {
  if (!status.ok()) return status.error();
  return reply_with(nlohmann::json::object());
}

}  // namespace stillframe::testkit
