#include "framework/daemon/observe/observe_handler.hpp"

#include <algorithm>

#include <unistd.h>

#include "framework/wire/event_codec.hpp"
#include "framework/wire/requestor_codec.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;

template <class Json>
void answer(const RequestorHandler::ReplyHandler& reply, const Json& result) {
  ChannelReply out;
  out.json = result.dump(-1, ' ', false, Json::error_handler_t::replace);
  reply(std::move(out));
}

json object_of(const std::string& params) {
  return params.empty() ? json::object() : json::parse(params, nullptr, false);
}

bool wanted(const EventRecord& event, const EventQuery& query) {
  if (event.level < query.level) return false;
  if (query.session.empty()) return true;
  const auto session = event.fields.find("session");
  return session != event.fields.end() && session->second == query.session;
}

// Of what memory has, the first ones after a number, or the last ones of all. A reply has room for
// everything: the ring's own bound is below a message's.
EventPage find_events(const EventRing& ring, const EventQuery& query) {
  constexpr std::size_t kEverything = ~std::size_t{0};
  const EventRing::Page found = ring.after(query.after.value_or(0), kEverything);
  EventPage page;
  page.lost = query.after ? found.lost : 0;
  page.next = found.next;
  for (const SharedEvent& event : found.events) {
    if (!wanted(event->record, query)) continue;
    if (query.after && page.events.size() == query.limit) {
      page.next = page.events.back().sequence;
      break;
    }
    page.events.push_back(*event);
  }
  if (page.events.size() > query.limit)
    page.events.erase(page.events.begin(),
                      page.events.end() - static_cast<std::ptrdiff_t>(query.limit));
  return page;
}

}  // namespace

ObserveHandler::ObserveHandler(RequestorHandler& next, const EventHub& hub, const Metrics& metrics,
                               std::string version)
    : next_(next),
      hub_(hub),
      metrics_(metrics),
      version_(std::move(version)),
      since_(system_clock().wall_now()) {}

Result<std::unique_ptr<ObserveHandler>> ObserveHandler::make(RequestorHandler& next,
                                                             const EventHub& hub,
                                                             const Metrics& metrics,
                                                             std::string version) {
  auto followers = EventFollowers::start(hub.ring());
  if (!followers.ok()) return followers.error();
  std::unique_ptr<ObserveHandler> handler(
      new ObserveHandler(next, hub, metrics, std::move(version)));
  handler->followers_ = std::move(followers).value();
  return handler;
}

const std::map<std::string, ObserveHandler::Method, std::less<>>& ObserveHandler::methods() {
  static const std::map<std::string, Method, std::less<>> table{
      {"events", &ObserveHandler::events},
      {"events.follow", &ObserveHandler::follow},
      {"metrics", &ObserveHandler::metrics},
      {"status", &ObserveHandler::status},
  };
  return table;
}

Status ObserveHandler::connection_opened(const RequestorPeer& peer, EventPush push) {
  Status opened = next_.connection_opened(peer, push);
  if (!opened.ok()) return opened;
  const std::lock_guard lock(mutex_);
  pushes_[peer.connection] = std::move(push);
  return opened;
}

void ObserveHandler::connection_closed(ConnectionId connection) {
  followers_->remove(connection);
  {
    const std::lock_guard lock(mutex_);
    pushes_.erase(connection);
  }
  next_.connection_closed(connection);
}

void ObserveHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                            ReplyHandler reply) {
  const auto own = methods().find(method);
  if (own == methods().end())
    return next_.handle(connection, std::move(method), std::move(params_json), std::move(reply));
  (this->*own->second)(connection, params_json, reply);
}

void ObserveHandler::events(ConnectionId, const std::string& params, const ReplyHandler& reply) {
  const auto query = query_from_json(object_of(params));
  if (!query.ok()) return reply(query.error());
  answer(reply, page_to_json(find_events(hub_.ring(), query.value())));
}

void ObserveHandler::follow(ConnectionId connection, const std::string& params,
                            const ReplyHandler& reply) {
  const auto query = query_from_json(object_of(params));
  if (!query.ok()) return reply(query.error());
  EventPush push;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = pushes_.find(connection); found != pushes_.end()) push = found->second;
  }
  if (!push) return reply(Error(Errc::disconnected, "the connection is closed"));
  // A number of an earlier run would never be reached.
  const std::uint64_t last = hub_.ring().last();
  const std::uint64_t after = std::min(query.value().after.value_or(last), last);
  followers_->add(connection, after, std::move(push));
  answer(reply, json{{"after", after}});
}

void ObserveHandler::metrics(ConnectionId, const std::string&, const ReplyHandler& reply) {
  answer(reply, json{{"text", metrics_.text()}});
}

// The sessions are the coordinator's to tell.
void ObserveHandler::status(ConnectionId connection, const std::string&,
                            const ReplyHandler& reply) {
  DaemonStatus status;
  status.version = version_;
  status.since = since_;
  status.pid = ::getpid();
  status.in_quiesce = hub_.holding();
  for (const EventPumpState& log : hub_.outputs())
    status.logs.push_back({log.name, log.written, log.lost, log.failing});
  next_.handle(connection, "sessions", "{}",
               [status = std::move(status), reply](Result<ChannelReply> sessions) mutable {
                 if (!sessions.ok()) return reply(sessions.error());
                 const json list = json::parse(sessions.value().json, nullptr, false);
                 auto decoded = decode_json<std::vector<SessionInfo>>(
                     list.is_object() && list.contains("sessions") ? list["sessions"] : json(),
                     "sessions");
                 if (!decoded.ok()) return reply(decoded.error());
                 status.sessions = std::move(decoded).value();
                 answer(reply, status_to_json(status));
               });
}

}  // namespace stillframe::daemon
