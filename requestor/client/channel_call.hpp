// What the client classes share: typed calls over a channel and the routing of its events.
// For the .cpp files of this folder only: it brings in nlohmann/json.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include <nlohmann/json.hpp>

#include <stillframe/requestor.hpp>

#include "framework/wire/requestor_codec.hpp"

namespace stillframe {

// Tells each session of its own events. The channel's handler holds it and not the channel: the
// last owner of a channel must not be the channel's own thread.
// What a writer says of its part of a restore is passed on as progress, in a phase that begins like
// this and goes on with its words.
inline constexpr std::string_view kRemarkPhase = "remark: ";

class EventRouter {
 public:
  // `handler` hears of `session` until it is replaced by an empty one; when unsubscribing returns,
  // it is not running and will not run again.
  void subscribe(const SessionId& session, ProgressHandler handler);
  // Of a daemon's own events, at most one; empty: nobody any more.
  void follow(Client::EventPageHandler handler);
  void handle_event(std::string_view event_json);

 private:
  void handle_records(const nlohmann::json& event);

  std::mutex mutex_;  // held while a handler runs, so that a session can end knowing it is not
  std::map<SessionId, ProgressHandler> handlers_;
  Client::EventPageHandler records_;
};

// A coordinator's connection as calls and events with types: what a Client's copies and its
// sessions share.
class RequestorCalls {
 public:
  explicit RequestorCalls(std::shared_ptr<RequestorChannel> channel);
  ~RequestorCalls();

  // A method's result object. `descriptors` takes those that came along; null: they are closed.
  Result<nlohmann::json> call(std::string_view method, const nlohmann::json& params,
                              std::vector<Descriptor>* descriptors = nullptr);

  void subscribe(const SessionId& session, ProgressHandler handler) {
    events_->subscribe(session, std::move(handler));
  }
  void follow(Client::EventPageHandler handler) { events_->follow(std::move(handler)); }

 private:
  const std::shared_ptr<RequestorChannel> channel_;
  const std::shared_ptr<EventRouter> events_;  // shared with the channel's handler
};

class Client::Core : public RequestorCalls {
 public:
  using RequestorCalls::RequestorCalls;
};

// Where `member` of a result belongs to the contract and is of type T.
template <class T>
Result<T> decode_member(std::string_view method, const nlohmann::json& result, const char* member) {
  const auto found = result.find(member);
  if (found == result.end()) {
    return Error(Errc::corrupt, std::string(method) + ": the coordinator's answer lacks \"" +
                                    member + "\"; is it of another version?");
  }
  auto value = decode_json<T>(*found, member);
  if (!value.ok()) return value.error().while_doing(method);
  return value;
}

template <class T>
Result<T> decode_whole(std::string_view method, const nlohmann::json& result) {
  auto value = decode_json<T>(result);
  if (!value.ok()) return value.error().while_doing(method);
  return value;
}

// The id of a session that `method` began.
Result<SessionId> decode_session(std::string_view method, const nlohmann::json& result);

inline nlohmann::json of_session(const SessionId& session) {
  nlohmann::json params = nlohmann::json::object();
  params["session"] = session.to_string();
  return params;
}

inline Status to_status(const Result<nlohmann::json>& result) {
  if (!result.ok()) return result.error();
  return Ok{};
}

}  // namespace stillframe
