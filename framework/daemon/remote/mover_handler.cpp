#include "framework/daemon/remote/mover_handler.hpp"

#include <algorithm>

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/daemon/remote/remote_events.hpp"
#include "framework/providers/guard/helper_path.hpp"
#include "framework/wire/requestor_codec.hpp"

namespace stillframe::daemon {

struct MoverSnapshotRoot {
  BytePath mount_point, root;
};
namespace {

using nlohmann::json;

constexpr std::size_t kLaneThreads = 4, kLaneWaitingMax = 1024;
constexpr std::size_t kRootsMax = 253;  // what one packet's descriptors can be

std::string text_of(const std::string& object_json, const char* name) {
  const json object = json::parse(object_json, nullptr, false);
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::vector<MoverSnapshotRoot>> roots_of(const std::string& result_json) {
  const json result = json::parse(result_json, nullptr, false);
  auto set = decode_json<SnapshotSetResult>(result);
  if (!set.ok()) return set.error();
  std::vector<MoverSnapshotRoot> roots;
  for (const SnapshotInfo& snapshot : set.value().snapshots)
    if (!snapshot.root.empty()) roots.push_back({snapshot.volume.mount_point, snapshot.root});
  return roots;
}

Error no_descriptors(const std::string& method) {
  return Error(Errc::not_supported,
               "'" + method + "' answers with descriptors, which cannot leave this machine");
}

}  // namespace

struct MoverHandler::Session {
  std::string id;
  RequestorPeer peer;
  std::mutex mutex;  // held while its mover is started, used or stopped
  std::vector<MoverSnapshotRoot> roots;
  std::shared_ptr<MoverProcess> mover;  // shared: with connections on their way to it
  MoverName name{};
  std::uint64_t last_stream = 0;
};

struct MoverHandler::Guest {
  RequestorPeer peer;
  std::map<std::string, SharedSession> sessions;
};

MoverHandler::MoverHandler(RequestorHandler& next, MoverRegistry& registry, EventSink& events,
                           MoverHandlerOptions options)
    : next_(next),
      registry_(registry),
      events_(events),
      options_(std::move(options)),
      lane_(std::make_unique<WorkLane>(kLaneThreads, kLaneWaitingMax)) {}

MoverHandler::~MoverHandler() = default;

Status MoverHandler::connection_opened(const RequestorPeer& peer, EventPush push) {
  {
    const std::lock_guard lock(mutex_);
    auto guest = std::make_shared<Guest>();
    guest->peer = peer;
    guests_[peer.connection] = std::move(guest);
  }
  // A session can end without its requestor: by force, by a limit.
  auto watched = [this, id = peer.connection, push = std::move(push)](std::string event_json) {
    if (event_json.find("\"state\"") != std::string::npos) {
      if (const auto session = find(id, text_of(event_json, "session")))
        noticed(session, event_json);
    }
    return push(std::move(event_json));
  };
  Status opened = next_.connection_opened(peer, std::move(watched));
  if (!opened.ok()) {
    const std::lock_guard lock(mutex_);
    guests_.erase(peer.connection);
  }
  return opened;
}

void MoverHandler::noticed(const SharedSession& session, std::string_view event_json) {
  const std::string phase = text_of(std::string(event_json), "phase");
  if (phase == "aborting" || phase == "releasing" || phase == "ended") stop_soon(session);
  if (phase != "ended") return;
  const std::lock_guard lock(mutex_);
  const auto guest = guests_.find(session->peer.connection);
  if (guest != guests_.end()) guest->second->sessions.erase(session->id);
}

MoverHandler::SharedSession MoverHandler::find(ConnectionId connection,
                                               const std::string& session) {
  const std::lock_guard lock(mutex_);
  const auto guest = guests_.find(connection);
  if (guest == guests_.end()) return nullptr;
  const auto found = guest->second->sessions.find(session);
  return found == guest->second->sessions.end() ? nullptr : found->second;
}

void MoverHandler::begun(ConnectionId connection, const std::string& result_json) {
  auto session = std::make_shared<Session>();
  session->id = text_of(result_json, "session");
  const std::lock_guard lock(mutex_);
  const auto guest = guests_.find(connection);
  if (guest == guests_.end()) return;
  session->peer = guest->second->peer;
  guest->second->sessions[session->id] = std::move(session);
}

void MoverHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                          ReplyHandler reply) {
  const std::string id = text_of(params_json, "session");
  const SharedSession session = id.empty() ? nullptr : find(connection, id);
  if (method == "backup.mover") {
    if (!session)
      return reply(Error(Errc::not_found, "this connection has no backup session '" + id + "'"));
    return post([this, session, reply = std::move(reply)] { answer_mover(session, reply); });
  }
  if (session && (method == "backup.end" || method == "backup.abort"))
    return end_after_stop(connection, std::move(method), std::move(params_json), session,
                          std::move(reply));
  auto mind = [this, connection, session, method, reply](Result<ChannelReply> answer) {
    if (!answer.ok()) return reply(std::move(answer));
    if (method == "backup.begin") begun(connection, answer.value().json);
    if (method == "backup.open_stream" && session) {
      // shared: WorkLane keeps copyable functions.
      auto opened = std::make_shared<ChannelReply>(std::move(answer).value());
      return post(
          [this, session, reply, opened] { reply(pass_stream(session, std::move(*opened))); });
    }
    if (!answer.value().descriptors.empty()) return reply(no_descriptors(method));
    if (method == "backup.snapshot" && session) {
      auto roots = roots_of(answer.value().json);
      if (!roots.ok()) return reply(roots.error().while_doing("reading the snapshots' places"));
      // A mover that runs already was told of none; the next one is.
      stop_soon(session);
      const std::lock_guard lock(session->mutex);
      session->roots = std::move(roots).value();
    }
    reply(std::move(answer));
  };
  next_.handle(connection, std::move(method), std::move(params_json), std::move(mind));
}

void MoverHandler::end_after_stop(ConnectionId connection, std::string method,
                                  std::string params_json, const SharedSession& session,
                                  ReplyHandler reply) {
  post([this, connection, method = std::move(method), params_json = std::move(params_json), session,
        reply = std::move(reply)] {
    stop(session);
    if (method == "backup.end") {
      const std::lock_guard lock(mutex_);
      if (const auto guest = guests_.find(connection); guest != guests_.end())
        guest->second->sessions.erase(session->id);
    }
    next_.handle(connection, method, params_json, reply);
  });
}

void MoverHandler::connection_closed(ConnectionId connection) {
  std::shared_ptr<Guest> guest;
  {
    const std::lock_guard lock(mutex_);
    const auto found = guests_.find(connection);
    if (found == guests_.end()) return;
    guest = found->second;
    guests_.erase(found);
  }
  post([this, guest, connection] {
    for (const auto& [id, session] : guest->sessions) stop(session);
    next_.connection_closed(connection);
  });
}

// What does not fit in any more is done at once: nothing may be forgotten.
void MoverHandler::post(std::function<void()> work) {
  if (!lane_->post(work)) work();
}

void MoverHandler::stop_soon(const SharedSession& session) {
  post([this, session] { stop(session); });
}

void MoverHandler::stop(const SharedSession& session) {
  const std::lock_guard lock(session->mutex);
  if (!session->mover) return;
  registry_.remove(session->name);
  session->mover->stop();
  session->mover.reset();
  report(kEventMoverEnded, EventLevel::info, *session, "the session's mover ended");
}

void MoverHandler::stop_unless(const std::function<bool(const PeerCredentials&)>& allowed) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, guest] : guests_) {
    if (allowed(guest->peer.credentials)) continue;
    for (const auto& [name, session] : guest->sessions) stop_soon(session);
  }
}

void MoverHandler::answer_mover(const SharedSession& session, const ReplyHandler& reply) {
  reply(admit(session));
}

// A new ticket for the session's mover, which is started when there is none.
Result<ChannelReply> MoverHandler::admit(const SharedSession& session) {
  const std::lock_guard lock(session->mutex);
  if (Status s = ensure_mover(session); !s.ok()) return s.error();
  MoverAdmit admit;
  admit.valid = options_.ticket_valid;
  if (Status s = fill_random(admit.ticket); !s.ok()) return s.error();
  if (Status s = session->mover->admit(admit); !s.ok()) return s.error();
  const json result = {{"mover", to_text(session->name)},
                       {"ticket", to_text(admit.ticket)},
                       {"certificate_sha256", to_hex(session->mover->certificate())},
                       {"valid_ms", admit.valid.count()}};
  return ChannelReply{result.dump(), {}};
}

Result<ChannelReply> MoverHandler::pass_stream(const SharedSession& session, ChannelReply reply) {
  if (reply.descriptors.size() != 1)
    return Error(Errc::internal, "an open stream came without its pipe");
  json result = json::parse(reply.json, nullptr, false);
  const std::lock_guard lock(session->mutex);
  if (Status s = ensure_mover(session); !s.ok()) return s.error();
  const std::uint64_t key = ++session->last_stream;
  Status given = session->mover->give_stream(key, std::move(reply.descriptors.front()));
  if (!given.ok()) return given.error();
  result["mover_stream"] = key;
  return ChannelReply{result.dump(), {}};
}

// With the session's mutex held.
Status MoverHandler::ensure_mover(const SharedSession& session) {
  if (session->mover) return Ok{};
  auto program = find_helper(kMoverProgram, options_.helper_dir);
  if (!program.ok()) return program.error();
  auto client = parse_sha256(session->peer.credentials.certificate_sha256);
  if (!client.ok()) return client.error();
  MoverProcessOptions options;
  options.program = std::move(program).value();
  options.client = client.value();
  if (session->roots.size() > kRootsMax)
    return Error(Errc::limit_reached, "the set has more than 253 snapshots; back them up in two");
  for (const MoverSnapshotRoot& place : session->roots) {
    Descriptor directory(::open(place.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return posix_error(errno, "open the snapshot", place.root);
    options.roots.push_back({place.mount_point, std::move(directory)});
  }
  // Not the session itself: it owns what calls back.
  options.noted = [this, about = session->peer, id = session->id](const std::string& message) {
    Session who;
    who.id = id;
    who.peer = about;
    report(kEventRemoteTurnedAway, EventLevel::warning, who, "the mover turned away: " + message);
  };
  options.died = [this, about = session->peer, id = session->id](const Error& why) {
    Session who;
    who.id = id;
    who.peer = about;
    report(kEventMoverDied, EventLevel::error, who,
           "what the requestor was reading is cut off: " + why.what());
  };
  auto mover = MoverProcess::start(std::move(options));
  if (!mover.ok()) return mover.error();
  session->mover = std::move(mover).value();
  auto name = registry_.add(session->mover);
  if (!name.ok()) {
    session->mover.reset();
    return name.error();
  }
  session->name = name.value();
  report(kEventMoverStarted, EventLevel::info, *session,
         "a mover reads " + std::to_string(session->roots.size()) + " snapshots for the session");
  return Ok{};
}

void MoverHandler::report(int id, EventLevel level, const Session& session, std::string message) {
  EventRecord event;
  event.id = id;
  event.source = "remote";
  event.level = level;
  event.message = std::move(message);
  event.fields = {{"session", session.id},
                  {"certificate", session.peer.credentials.certificate},
                  {"address", session.peer.credentials.address}};
  event.when = system_clock().wall_now();
  events_.emit(event);
}

}  // namespace stillframe::daemon
