#include "framework/daemon/access/access_handler.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace stillframe::daemon {
namespace {

struct MethodRight {
  std::string_view prefix;  // of the method's name; the first that fits counts
  Right right;
};

constexpr std::array kMethodRights = {
    MethodRight{"hello", Right::look},
    MethodRight{"writers", Right::look},
    MethodRight{"providers", Right::look},
    MethodRight{"volumes", Right::look},
    MethodRight{"sessions", Right::look},
    MethodRight{"snapshots", Right::look},
    MethodRight{"snapshot.evidence", Right::look},
    MethodRight{"events", Right::look},
    MethodRight{"metrics", Right::look},
    MethodRight{"status", Right::look},
    MethodRight{"plugins", Right::look},
    MethodRight{"doctor", Right::look},
    MethodRight{"backup.", Right::backup},
    MethodRight{"restore.", Right::restore},
    MethodRight{"snapshot.remove", Right::remove},
    MethodRight{"snapshot.make_writable", Right::remove},
    MethodRight{"snapshot.revert", Right::revert},
    // A mount at a place of one's choice is the business of who runs the machine.
    MethodRight{"snapshot.expose", Right::manage},
    MethodRight{"snapshot.unexpose", Right::manage},
    MethodRight{"session.end", Right::manage},
    MethodRight{"plugin.release", Right::manage},
};

// Beginnings and ends of sessions and what reaches beyond one are worth a line; the steps between
// are the session's own events.
bool is_audited(std::string_view method) {
  constexpr std::array kAudited = {
      std::string_view("backup.begin"),           std::string_view("backup.complete"),
      std::string_view("backup.snapshot"),        std::string_view("restore.begin"),
      std::string_view("restore.register"),       std::string_view("restore.complete"),
      std::string_view("snapshot.remove"),        std::string_view("snapshot.expose"),
      std::string_view("snapshot.unexpose"),      std::string_view("snapshot.revert"),
      std::string_view("snapshot.make_writable"), std::string_view("session.end"),
      std::string_view("backup.hold_begin"),      std::string_view("plugin.release")};
  return std::find(kAudited.begin(), kAudited.end(), method) != kAudited.end();
}

// What the request is about: the texts among its parameters, cut to a sane length.
std::map<std::string, std::string> objects_of(const std::string& params_json) {
  constexpr std::size_t kTextMax = 256;
  std::map<std::string, std::string> objects;
  const auto params = nlohmann::json::parse(params_json, nullptr, false);
  if (!params.is_object()) return objects;
  for (const char* name : {"session", "snapshot", "set", "place", "name"}) {
    const auto found = params.find(name);
    if (found != params.end() && found->is_string())
      objects[name] = found->get<std::string>().substr(0, kTextMax);
  }
  return objects;
}

}  // namespace

Right right_for(std::string_view method) noexcept {
  const auto found =
      std::find_if(kMethodRights.begin(), kMethodRights.end(), [&](const MethodRight& known) {
        const bool family = known.prefix.back() == '.';
        if (family) return method.starts_with(known.prefix);
        // "events" stands for "events.follow" too.
        return method == known.prefix || (method.starts_with(known.prefix) &&
                                          method.substr(known.prefix.size()).starts_with('.'));
      });
  return found == kMethodRights.end() ? Right::manage : found->right;
}

Status AccessHandler::connection_opened(const RequestorPeer& peer, EventPush push) {
  const Rights rights = policy_.get()->rights_of(peer.credentials) & ceiling_;
  const Rights of_requestors = Rights(Right::look) | Right::backup | Right::restore |
                               Right::remove | Right::revert | Right::manage;
  if (!(rights & of_requestors).any()) {
    Error denied(Errc::access_denied,
                 describe(peer.credentials) +
                     " has no right here; an [[allow]] table of stillframe.toml can give it some");
    note(peer, "connect", "{}", false, denied);
    return denied;
  }
  RequestorPeer admitted = peer;
  admitted.redirects_restores = [this, credentials = peer.credentials] {
    return (policy_.get()->rights_of(credentials) & ceiling_).has(Right::redirect);
  };
  {
    const std::lock_guard lock(mutex_);
    peers_[peer.connection] = admitted;
  }
  Status opened = next_.connection_opened(admitted, std::move(push));
  if (!opened.ok()) {
    const std::lock_guard lock(mutex_);
    peers_.erase(peer.connection);
  }
  return opened;
}

void AccessHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                           ReplyHandler reply) {
  RequestorPeer peer;
  {
    const std::lock_guard lock(mutex_);
    const auto known = peers_.find(connection);
    if (known == peers_.end()) return reply(Error(Errc::disconnected, "the connection is closed"));
    peer = known->second;
  }
  // Asked for every request, so that a right that was taken away is gone for open connections too.
  const Right right = right_for(method);
  Status allowed = policy_.get()->check(peer.credentials, right);
  if (allowed.ok() && !ceiling_.has(right))
    allowed = Error(Errc::access_denied,
                    "this socket only shows things; '" + method + "' belongs to requestor.sock");
  if (!allowed.ok()) {
    note(peer, method, params_json, false, allowed);
    return reply(allowed.error());
  }
  if (!is_audited(method))
    return next_.handle(connection, std::move(method), std::move(params_json), std::move(reply));
  auto audited = [this, peer, method, params_json,
                  reply = std::move(reply)](Result<ChannelReply> answer) {
    note(peer, method, params_json, true, answer.ok() ? Status(Ok{}) : Status(answer.error()));
    reply(std::move(answer));
  };
  next_.handle(connection, std::move(method), std::move(params_json), std::move(audited));
}

void AccessHandler::connection_closed(ConnectionId connection) {
  next_.connection_closed(connection);
  const std::lock_guard lock(mutex_);
  peers_.erase(connection);
}

void AccessHandler::note(const RequestorPeer& peer, const std::string& method,
                         const std::string& params_json, bool allowed, const Status& outcome) {
  EventRecord event;
  event.id = allowed ? kEventAllowed : kEventDenied;
  event.source = "audit";
  event.level = allowed ? EventLevel::info : EventLevel::warning;
  event.fields = objects_of(params_json);
  event.fields["method"] = method.substr(0, 64);
  if (peer.credentials.certificate.empty()) {
    event.fields["uid"] = std::to_string(peer.credentials.uid);
    event.fields["pid"] = std::to_string(peer.credentials.pid);
  } else {
    event.fields["certificate"] = peer.credentials.certificate;
    event.fields["address"] = peer.credentials.address;
  }
  event.fields["requestor"] = peer.name.substr(0, 256);
  event.fields["outcome"] = outcome.ok() ? "ok" : std::string(to_string(outcome.error().code()));
  event.message = describe(peer.credentials) + (allowed ? ": " : " was refused: ") +
                  event.fields["method"] + (outcome.ok() ? "" : ": " + outcome.error().what());
  event.when = system_clock().wall_now();
  audit_.emit(event);
}

}  // namespace stillframe::daemon
