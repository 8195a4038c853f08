#include "requestor/client/channel_call.hpp"

#include "framework/wire/event_codec.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

std::string text_of(const json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

RequestorCalls::RequestorCalls(std::shared_ptr<RequestorChannel> channel)
    : channel_(std::move(channel)), events_(std::make_shared<EventRouter>()) {
  channel_->on_event(
      [events = events_](std::string_view event_json) { events->handle_event(event_json); });
}

RequestorCalls::~RequestorCalls() {
  // The channel may outlive us in the caller's hands.
  channel_->on_event({});
}

Result<json> RequestorCalls::call(std::string_view method, const json& params,
                                  std::vector<Descriptor>* descriptors) {
  auto reply = channel_->call(method, dump_json(params));
  if (!reply.ok()) return reply.error();
  json result = json::parse(reply.value().json, nullptr, /*allow_exceptions=*/false);
  if (!result.is_object()) {
    return Error(Errc::corrupt,
                 std::string(method) + ": the coordinator's answer is no JSON object");
  }
  if (descriptors != nullptr) *descriptors = std::move(reply.value().descriptors);
  return result;
}

void EventRouter::subscribe(const SessionId& session, ProgressHandler handler) {
  const std::lock_guard lock(mutex_);
  if (handler) {
    handlers_[session] = std::move(handler);
  } else {
    handlers_.erase(session);
  }
}

void EventRouter::handle_event(std::string_view event_json) {
  const json event = json::parse(event_json, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) return;  // from a newer coordinator, or not for us
  if (text_of(event, "event") == "records") return handle_records(event);
  const auto session = SessionId::parse(text_of(event, "session"));
  if (!session.ok()) return;
  const std::lock_guard lock(mutex_);
  const auto found = handlers_.find(session.value());
  if (found == handlers_.end()) return;
  const std::string kind = text_of(event, "event");
  if (kind == "progress") {
    const std::string said = text_of(event, "what");
    if (!said.empty() && text_of(event, "phase") == "post_restore") {
      found->second(std::string(kRemarkPhase) + said, text_of(event, "who"), 0, 0);
      return;
    }
    found->second(text_of(event, "phase"), text_of(event, "who"), number_of(event, "done"),
                  number_of(event, "total"));
  } else if (kind == "state") {
    found->second(text_of(event, "phase"), "", 0, 0);
  } else if (kind == "waiting") {
    found->second("waiting", text_of(event, "holder"), 0, 0);
  }
}

void EventRouter::follow(Client::EventPageHandler handler) {
  const std::lock_guard lock(mutex_);
  records_ = std::move(handler);
}

void EventRouter::handle_records(const json& event) {
  const auto page = page_from_json(event);
  if (!page.ok()) return;  // from a newer coordinator
  const std::lock_guard lock(mutex_);
  if (records_) records_(page.value());
}

Result<SessionId> decode_session(std::string_view method, const json& result) {
  auto session = SessionId::parse(text_of(result, "session"));
  if (!session.ok()) {
    return Error(Errc::corrupt,
                 std::string(method) + ": the coordinator's answer names no session");
  }
  return session;
}

}  // namespace stillframe
