#include "framework/daemon/broker/broker.hpp"

#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/daemon/broker/exposed_files.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/wire/message.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;

using Fields = std::map<std::string, std::string>;

EventRecord make_event(BrokerEvent id, EventLevel level, std::string message, Fields fields) {
  EventRecord event;
  event.id = static_cast<int>(id);
  event.source = "broker";
  event.level = level;
  event.message = std::move(message);
  event.fields = std::move(fields);
  event.when = system_clock().wall_now();
  return event;
}

ChannelReply no_result() {
  return ChannelReply{"{}", {}};
}

Error too_many() {
  return {Errc::limit_reached,
          "too many requests of this kind wait in the broker already; try again when one is "
          "answered"};
}

BrokerEvent event_of(const BrokerRequest& request) {
  struct Which {
    BrokerEvent operator()(const AskVersion&) const { return BrokerEvent::refused; }
    BrokerEvent operator()(const AskProcess&) const { return BrokerEvent::refused; }
    BrokerEvent operator()(const StartProvider&) const { return BrokerEvent::started; }
    BrokerEvent operator()(const SpawnHost&) const { return BrokerEvent::started; }
    BrokerEvent operator()(const KillProcess&) const { return BrokerEvent::killed; }
    BrokerEvent operator()(const ThawRecorded&) const { return BrokerEvent::thawed; }
    BrokerEvent operator()(const FlushFileSystem&) const { return BrokerEvent::flushed; }
    BrokerEvent operator()(const OpenFiles&) const { return BrokerEvent::opened; }
    BrokerEvent operator()(const AskReadable&) const { return BrokerEvent::refused; }
    BrokerEvent operator()(const LocatePath&) const { return BrokerEvent::refused; }
    BrokerEvent operator()(const ListVolumes&) const { return BrokerEvent::refused; }
    BrokerEvent operator()(const CheckApart&) const { return BrokerEvent::refused; }
  };
  return std::visit(Which(), request);
}

// Questions change nothing, so that they succeed is not worth a line.
bool is_question(const BrokerRequest& request) {
  return event_of(request) == BrokerEvent::refused;
}

Result<ChannelReply> started_reply(Result<StartedProcess> started) {
  if (!started.ok()) return started.error();
  StartedProcess& process = started.value();
  json result = json::object();
  result["handle"] = static_cast<std::uint64_t>(process.handle);
  result["pid"] = process.pid;
  ChannelReply reply{dump_json(result), {}};
  reply.descriptors.push_back(std::move(process.descriptors.input));
  reply.descriptors.push_back(std::move(process.descriptors.output));
  reply.descriptors.push_back(std::move(process.descriptors.error));
  reply.descriptors.push_back(std::move(process.descriptors.pidfd));
  return reply;
}

Result<ChannelReply> state_reply(const Result<ProcessState>& state) {
  if (!state.ok()) return state.error();
  json result = json::object();
  result["running"] = state.value().running;
  if (!state.value().running) {
    result["code"] = state.value().status.code;
    result["signal"] = state.value().status.signal;
  }
  return ChannelReply{dump_json(result), {}};
}

Result<ChannelReply> located_reply(const Result<coordinator::Located>& located) {
  if (!located.ok()) return located.error();
  json result = json::object();
  result["volume"] = encode_json(located.value().volume);
  result["path"] = escape_path(located.value().path);
  return ChannelReply{dump_json(result), {}};
}

Result<ChannelReply> apart_reply(const coordinator::VolumeSource& volumes,
                                 const CheckApart& apart) {
  auto one = volumes.locate(apart.one);
  if (!one.ok()) return one.error();
  auto other = volumes.locate(apart.other);
  if (!other.ok()) return other.error();
  if (Status s = volumes.check_apart(one.value().volume, other.value().volume); !s.ok())
    return s.error();
  return no_result();
}

ChannelReply unreadable_reply(const std::optional<Unreadable>& found) {
  if (!found) return no_result();
  json result = json::object();
  result["place"] = found->place;
  result["path"] = escape_path(found->path);
  result["why"] = found->why;
  return {dump_json(result), {}};
}

std::string_view word_of(guard::RecordedThaw::Outcome outcome) {
  switch (outcome) {
    case guard::RecordedThaw::Outcome::thawed:
      return "thawed";
    case guard::RecordedThaw::Outcome::not_frozen:
      return "not frozen";
    case guard::RecordedThaw::Outcome::left_alone:
      return "left alone";
    case guard::RecordedThaw::Outcome::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace

// Called on the transport's thread: each hands its work on.
struct Broker::Carry {
  Broker& broker;
  Asked asked;
  ReplyHandler reply;

  void operator()(const AskVersion&) {
    json result = json::object();
    result["version"] = wire::kSdkVersion;
    broker.finish(asked, ChannelReply{dump_json(result), {}}, reply);
  }
  void operator()(const StartProvider& start) {
    broker.run_program(asked, "provider " + start.name, reply, [&config = broker.config_, start] {
      return provider_command(config, start.name);
    });
  }
  void operator()(const SpawnHost& spawn) {
    broker.run_program(asked, "host " + spawn.name, reply, [&config = broker.config_, spawn] {
      return host_command(config, spawn.name);
    });
  }
  void operator()(const KillProcess& kill) {
    broker.processes_->kill(
        asked.connection, kill.handle,
        [&to = broker, asked = asked, reply = reply](const Status& killed) {
          to.finish(asked, killed.ok() ? Result<ChannelReply>(no_result()) : killed.error(), reply);
        });
  }
  void operator()(const AskProcess& ask) {
    broker.processes_->ask(
        asked.connection, ask.handle,
        [&to = broker, asked = asked, reply = reply](const Result<ProcessState>& state) {
          to.finish(asked, state_reply(state), reply);
        });
  }
  void operator()(const ThawRecorded&) {
    broker.hand_on(broker.thaws_, asked, reply, [&to = broker] { return to.thaw(); });
  }
  void operator()(const FlushFileSystem& flush) {
    broker.hand_on(broker.flushes_, asked, reply, [path = flush.path]() -> Result<ChannelReply> {
      if (Status s = flush_file_system(path); !s.ok()) return s.error();
      return no_result();
    });
  }
  void operator()(const OpenFiles& open) {
    broker.hand_on(broker.opens_, asked, reply, [&to = broker, open]() -> Result<ChannelReply> {
      auto files = open_exposed_files(to.config_.expose_below, open.root, open.paths);
      if (!files.ok()) return files.error();
      return ChannelReply{"{}", std::move(files).value()};
    });
  }
  void operator()(const LocatePath& locate) {
    look([path = locate.path](const coordinator::VolumeSource& volumes) {
      return located_reply(volumes.locate(path));
    });
  }
  void operator()(const ListVolumes&) {
    look([](const coordinator::VolumeSource& volumes) -> Result<ChannelReply> {
      json result = json::object();
      result["volumes"] = encode_json(volumes.volumes());
      return ChannelReply{dump_json(result), {}};
    });
  }
  void operator()(const CheckApart& apart) {
    look([apart](const coordinator::VolumeSource& volumes) { return apart_reply(volumes, apart); });
  }
  template <class Work>
  void look(Work work) {
    broker.hand_on(broker.looks_, asked, reply, [&to = broker, work]() -> Result<ChannelReply> {
      auto volumes = to.volumes_();
      if (!volumes.ok()) return volumes.error();
      return work(*volumes.value());
    });
  }
  void operator()(const AskReadable& ask) {
    broker.hand_on(broker.looks_, asked, reply, [ask]() -> Result<ChannelReply> {
      const LinksIn links = ask.root == "/" ? LinksIn::followed : LinksIn::refused;
      auto found = find_unreadable(ask.user, ask.root, links, ask.places);
      if (!found.ok()) return found.error();
      return unreadable_reply(found.value());
    });
  }
};

Result<std::unique_ptr<Broker>> Broker::start(BrokerConfig config, EventSink& events) {
  std::unique_ptr<Broker> broker(new Broker(std::move(config), events));
  Broker& self = *broker;
  auto processes = StartedProcesses::start(
      [&self](const std::string& name, pid_t pid, const ExitStatus& status) {
        self.tell(BrokerEvent::ended, EventLevel::info,
                  escape_path(name) + " (process " + std::to_string(pid) + ") ended with " +
                      to_string(status),
                  {{"object", escape_path(name)},
                   {"process", std::to_string(pid)},
                   {"outcome", to_string(status)}});
      });
  if (!processes.ok()) return processes.error();
  broker->processes_ = std::move(processes).value();
  if (auto thawed = broker->thaw(); !thawed.ok()) {
    return thawed.error().while_doing("thawing what an earlier run left");
  }
  return broker;
}

namespace {

// Views of snapshots are no volumes.
std::vector<BytePath> views_of(const BrokerConfig& config) {
  std::vector<BytePath> views = config.expose_below;
  views.push_back(config.state_dir);
  views.push_back(config.runtime_dir);
  return views;
}

}  // namespace

Broker::Broker(BrokerConfig config, EventSink& events)
    : config_(std::move(config)),
      volumes_(coordinator::system_volumes(views_of(config_))),
      events_(events) {}

Broker::~Broker() = default;

void Broker::tell_listening() {
  tell(BrokerEvent::listening, EventLevel::info,
       "listening on '" + escape_path(config_.socket) + "' for user " + config_.daemon_user,
       {{"object", escape_path(config_.socket)}, {"outcome", "ok"}});
}

Status Broker::connection_opened(const RequestorPeer& peer, EventPush) {
  const std::lock_guard lock(mutex_);
  peers_.emplace(peer.connection, peer.credentials);
  return Ok{};
}

void Broker::connection_closed(ConnectionId connection) {
  PeerCredentials peer;
  {
    const std::lock_guard lock(mutex_);
    peer = peers_[connection];
    peers_.erase(connection);
  }
  processes_->connection_ended(connection);
  tell(BrokerEvent::connection_ended, EventLevel::info,
       "process " + std::to_string(peer.pid) + " left; what was started for it is killed",
       {{"pid", std::to_string(peer.pid)}, {"uid", std::to_string(peer.uid)}});
}

void Broker::handle(ConnectionId connection, std::string method, std::string params_json,
                    ReplyHandler reply) {
  PeerCredentials by;
  {
    const std::lock_guard lock(mutex_);
    by = peers_[connection];
  }
  auto request = parse_broker_request(method, params_json);
  if (!request.ok()) {
    tell(BrokerEvent::refused, EventLevel::warning,
         "process " + std::to_string(by.pid) + " was refused: " + request.error().what(),
         {{"pid", std::to_string(by.pid)},
          {"uid", std::to_string(by.uid)},
          {"verb", escape_path(std::string_view(method).substr(0, 40))},
          {"outcome", std::string(to_string(request.error().code()))}});
    reply(request.error());
    return;
  }
  const BrokerRequest& what = request.value();
  std::visit(Carry{*this, Asked{connection, by, what}, std::move(reply)}, what);
}

// On a lane, because to look up a user may take a server that does not answer.
void Broker::run_program(Asked asked, std::string name, ReplyHandler reply,
                         std::function<Result<ChildOptions>()> make_program) {
  const bool taken = starts_.post(
      [this, asked, name = std::move(name), reply, make_program = std::move(make_program)] {
        auto program = make_program();
        if (!program.ok()) return finish(asked, program.error(), reply);
        const std::lock_guard lock(mutex_);
        // The order of these two decides whether the process is killed with its connection.
        if (!peers_.contains(asked.connection)) return;
        processes_->start(asked.connection, name, std::move(program).value(),
                          [this, asked, reply](Result<StartedProcess> started) {
                            finish(asked, started_reply(std::move(started)), reply);
                          });
      });
  if (!taken) finish(asked, too_many(), reply);
}

void Broker::hand_on(WorkLane& lane, Asked asked, ReplyHandler reply,
                     std::function<Result<ChannelReply>()> work) {
  const bool taken =
      lane.post([this, asked, reply, work = std::move(work)] { finish(asked, work(), reply); });
  if (!taken) finish(asked, too_many(), reply);
}

void Broker::finish(const Asked& asked, Result<ChannelReply> outcome, const ReplyHandler& reply) {
  const BrokerRequest& request = asked.request;
  const std::string verb(method_of(request));
  const std::string object = object_of(request);
  if (!outcome.ok() || !is_question(request)) {
    const std::string about = verb + (object.empty() ? "" : " " + object);
    tell(outcome.ok() ? event_of(request) : BrokerEvent::refused,
         outcome.ok() ? EventLevel::info : EventLevel::warning,
         about + " for process " + std::to_string(asked.by.pid) +
             (outcome.ok() ? "" : ": " + outcome.error().what()),
         {{"pid", std::to_string(asked.by.pid)},
          {"uid", std::to_string(asked.by.uid)},
          {"verb", verb},
          {"object", object},
          {"outcome", outcome.ok() ? "ok" : std::string(to_string(outcome.error().code()))}});
  }
  reply(std::move(outcome));
}

Result<ChannelReply> Broker::thaw() {
  auto thawed = guard::thaw_recorded(config_.held_directory());
  if (!thawed.ok()) return thawed.error();
  json result = json::object();
  result["thaws"] = json::array();
  for (const guard::RecordedThaw& one : thawed.value()) {
    const std::string outcome(word_of(one.outcome));
    const std::string what = escape_path(one.mount_point.empty() ? one.record : one.mount_point);
    const bool failed = one.outcome == guard::RecordedThaw::Outcome::failed;
    tell(BrokerEvent::thawed, failed ? EventLevel::error : EventLevel::warning,
         what + ": " + outcome + (one.message.empty() ? "" : " (" + one.message + ")"),
         {{"verb", "thaw"}, {"object", what}, {"outcome", outcome}});
    result["thaws"].push_back(json{{"record", escape_path(one.record)},
                                   {"mount_point", escape_path(one.mount_point)},
                                   {"outcome", outcome},
                                   {"message", one.message}});
  }
  return ChannelReply{dump_json(result), {}};
}

void Broker::tell(BrokerEvent id, EventLevel level, std::string message,
                  std::map<std::string, std::string> fields) {
  events_.emit(make_event(id, level, std::move(message), std::move(fields)));
}

Status admit_to_broker(const PeerCredentials& peer, std::int64_t daemon_uid, EventSink& events) {
  if (peer.uid == daemon_uid || peer.uid == static_cast<std::int64_t>(::geteuid())) return Ok{};
  const std::string why = "user " + std::to_string(peer.uid) + " may not use the broker";
  events.emit(make_event(BrokerEvent::refused_peer, EventLevel::warning,
                         "process " + std::to_string(peer.pid) + " was refused: " + why,
                         {{"pid", std::to_string(peer.pid)},
                          {"uid", std::to_string(peer.uid)},
                          {"outcome", "access_denied"}}));
  return Error(Errc::access_denied,
               why + "; it serves user " + std::to_string(daemon_uid) + " (daemon_user) only");
}

}  // namespace stillframe::daemon
