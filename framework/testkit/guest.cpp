#include "framework/testkit/guest.hpp"

#include <algorithm>
#include <exception>

#include "framework/testkit/guest_call.hpp"

namespace stillframe::testkit {

using machine::EventKind;

class Guest::Channel final : public RequestorChannel {
 public:
  explicit Channel(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~Channel() override { Channel::close(); }

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    if (link_->guest == nullptr) {
      return Error(Errc::disconnected,
                   std::string(method) + ": the connection was lost; connect again");
    }
    return link_->guest->call(link_, method, params_json);
  }
  void on_event(EventHandler) override {}  // virtual time passes unseen: there is no progress
  void close() override {
    if (link_->guest != nullptr) link_->guest->close(link_);
  }

 private:
  const std::shared_ptr<Link> link_;  // shared with the guest, who may lose it
};

Guest::Guest(OwnRequestor requestor, std::uint16_t number, std::uint16_t first_session, Stage stage)
    : number_(number),
      first_session_(first_session),
      stage_(stage),
      baton_([this, requestor = std::move(requestor)] {
        try {
          requestor(*this);
        } catch (const std::exception& error) {
          thrown_ = error.what();
        } catch (...) {
          thrown_ = "something that is no std::exception";
        }
        // What it left open ends with it.
        for (const auto& link : std::vector(links_)) close(link);
      }) {}

Guest::~Guest() {
  dismiss();
}

// ---- its own side

Result<std::unique_ptr<RequestorChannel>> Guest::connect() {
  if (dismissed_) return Error(Errc::cancelled, "the run is over");
  if (!stage_.world.coordinator_is_up()) {
    return Error(Errc::disconnected, "no coordinator answers; let time pass and try again");
  }
  auto link = std::make_shared<Link>();
  link->guest = this;
  links_.push_back(link);
  return std::unique_ptr<RequestorChannel>(std::make_unique<Channel>(std::move(link)));
}

void Guest::let_time_pass(Duration time) {
  pass(time.count());
}

BootTime Guest::now() const {
  return BootTime(Duration(stage_.world.now()));
}

void Guest::wait() {
  waiting_ = true;
  baton_.wait();
  waiting_ = false;
}

void Guest::pass(Nanos time) {
  if (time <= 0 || dismissed_) return;
  const Nanos until = stage_.world.now() + time;
  stage_.world.wake_guest(number_, time);
  while (!dismissed_ && stage_.world.now() < until) wait();
}

Status Guest::ask(Call& call, const machine::Event& event) {
  World& world = stage_.world;
  answer_.reset();
  lost_ = false;
  awaited_session_ = call.session;
  awaited_ = world.next_request(call.session);
  world.guest_asks(call.session, event);
  while (!answer_ && !lost_ && !dismissed_) wait();
  awaited_ = 0;
  if (answer_) {
    pass(world.thinking_time(call.session));
    pass(world.oversleeps(call.session));
  }
  if (dismissed_) return Error(Errc::cancelled, call.method + ": the run is over");
  if (!answer_) return Error(Errc::disconnected, call.method + ": the connection was lost");
  if (!*answer_) return Ok{};
  const Errc code = **answer_;
  if (code == Errc::wrong_state) {
    return Error(code,
                 wrong_state_message(machine::session_table(), call.state->phase, event.kind));
  }
  return Error(code, call.method + ": " + std::string(to_string(code)));
}

Status Guest::ask(Call& call, EventKind kind, std::uint32_t writer, std::uint32_t component) {
  machine::Event event;
  event.kind = kind;
  event.writer = writer;
  event.component = component;
  return ask(call, event);
}

// ---- the world's side

void Guest::answered(std::uint16_t session, machine::RequestId request,
                     std::optional<Errc> failure) {
  if (session != awaited_session_ || request != awaited_) return;
  answer_.emplace(failure);
  if (waiting_) stage_.world.wake_guest(number_, 0);
}

void Guest::lose_connection() {
  lost_ = true;
  const auto links = std::move(links_);
  links_.clear();
  for (const auto& link : links) {
    link->guest = nullptr;
    for (std::uint16_t session : link->sessions) stage_.world.guest_leaves(session);
  }
  if (waiting_) stage_.world.wake_guest(number_, 0);
}

void Guest::dismiss() {
  dismissed_ = true;
  while (baton_.begun() && !baton_.over()) baton_.go();
  for (const auto& link : links_) link->guest = nullptr;
  links_.clear();
}

void Guest::close(const std::shared_ptr<Link>& link) {
  link->guest = nullptr;
  std::erase(links_, link);
  if (dismissed_) return;
  for (std::uint16_t session : link->sessions) stage_.world.guest_leaves(session);
}

// ---- calls

Result<ChannelReply> Guest::call(const std::shared_ptr<Link>& link, std::string_view method,
                                 std::string_view params_json) {
  if (dismissed_) return Error(Errc::cancelled, std::string(method) + ": the run is over");
  if (!baton_.is_own_thread()) {
    return Error(Errc::wrong_state, std::string(method) +
                                        ": a simulated requestor has one thread, the one that its "
                                        "function was called on");
  }
  const auto found = methods().find(method);
  if (found == methods().end()) {
    return Error(Errc::not_supported, std::string(method) + " is not simulated");
  }
  Call call{std::string(method), coordinator::Params(std::string(method), params_json), link};
  const bool of_session =
      method.find('.') != std::string_view::npos && method.substr(method.find('.')) != ".begin";
  if (of_session) {
    const auto id = call.params.id<SessionId>("session");
    if (Status s = call.params.check(); !s.ok()) return s.error();
    const auto session =
        std::find_if(link->sessions.begin(), link->sessions.end(), [&](std::uint16_t candidate) {
          return stage_.documents[candidate]->document.session == id;
        });
    if (session == link->sessions.end()) {
      return Error(Errc::not_found, call.method + ": this connection has no such session");
    }
    call.session = *session;
    call.document = stage_.documents[call.session].get();
    call.plan = &stage_.plan.sessions[call.session];
    call.state = &stage_.world.sessions()[call.session].machine;
  }
  return (this->*found->second)(call);
}

Result<std::uint16_t> Guest::begin_session(const std::shared_ptr<Link>& link, SessionKind kind,
                                           BackupType type) {
  if (!stage_.world.coordinator_is_up()) {
    return Error(Errc::disconnected, "no coordinator answers; let time pass and try again");
  }
  if (begun_ == kSessionsPerGuest) {
    return Error(Errc::limit_reached, "a simulated requestor begins at most " +
                                          std::to_string(kSessionsPerGuest) + " sessions in a run");
  }
  const auto session = static_cast<std::uint16_t>(first_session_ + begun_);
  if (begun_++ > 0) {
    stage_.world.move_faults(static_cast<std::uint16_t>(session - 1), session);
  }
  SessionPlan& plan = stage_.plan.sessions[session];
  plan.kind = kind;
  plan.truncates =
      type == BackupType::full || type == BackupType::incremental || type == BackupType::log;
  stage_.documents[session]->document.type = type;
  link->sessions.push_back(session);
  stage_.world.begin_session(session);
  pass(stage_.world.thinking_time(session));
  return session;
}

Result<std::uint32_t> Guest::writer_named(Call& call) const {
  const auto id = call.params.id<WriterInstanceId>("writer");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const auto& writers = stage_.cast.writers;
  const auto found = std::find_if(writers.begin(), writers.end(),
                                  [&](const auto& writer) { return writer.instance == id; });
  if (found != writers.end()) return static_cast<std::uint32_t>(found - writers.begin());
  return Error(Errc::not_found, call.method + ": no writer of this session has instance id " +
                                    id.to_string() + "; gather() lists them");
}

Result<std::uint32_t> Guest::component_named(Call& call, std::uint32_t writer) const {
  call.document->named_component = call.params.get<ComponentName>("component");
  if (Status s = call.params.check(); !s.ok()) return s.error();
  const auto index = call.document->find(writer, call.document->named_component);
  if (index != machine::kNone) return index;
  return Error(Errc::not_found, call.method + ": component " +
                                    call.document->named_component.full() + " was not selected");
}

// ---- methods of every session, and of none

Result<ChannelReply> Guest::hello(Call&) {
  nlohmann::json result = nlohmann::json::object();
  result["coordinator"] = "stillframe-simulation";
  result["version"] = "1";
  result["host"] = "simulation";
  return reply_with(result);
}

Result<ChannelReply> Guest::writers(Call&) {
  std::vector<WriterStatus> all;
  for (const WriterMetadata& metadata : stage_.cast.writers) {
    WriterStatus& status = all.emplace_back();
    status.identity = metadata.identity;
    status.instance = metadata.instance;
    status.state = WriterState::stable;
    status.metadata = metadata;
  }
  return reply_with("writers", all);
}

Result<ChannelReply> Guest::providers(Call&) {
  return reply_with("providers", std::vector<ProviderInfo>{stage_.cast.provider()});
}

Result<ChannelReply> Guest::volumes(Call&) {
  std::vector<Volume> all;
  for (std::size_t i = 0; i < stage_.cast.volumes.size(); ++i) {
    all.push_back(stage_.cast.volume(i));
  }
  return reply_with("volumes", all);
}

Result<ChannelReply> Guest::status(Call& call) {
  return reply_with("writers", call.document->statuses(*call.state));
}

Result<ChannelReply> Guest::document(Call& call) {
  return reply_with("document", call.document->document);
}

Result<ChannelReply> Guest::evidence(Call& call) {
  return reply_with("evidence", call.document->evidence(*call.state));
}

Result<ChannelReply> Guest::abort(Call& call) {
  return done(ask(call, EventKind::abort));
}

Result<ChannelReply> Guest::gather(Call& call) {
  std::vector<machine::WriterSpec> specs;
  for (const WriterPlan& writer : stage_.world.plan().writers) {
    specs.push_back({writer.level, writer.capabilities, Duration(writer.hold_limit)});
  }
  machine::Event event;
  event.kind = EventKind::gather;
  event.writers = specs;
  if (Status s = ask(call, event); !s.ok()) return s.error();
  return status(call);
}

const std::map<std::string, Guest::Method, std::less<>>& Guest::methods() {
  static const std::map<std::string, Method, std::less<>> table{
      {"hello", &Guest::hello},
      {"writers", &Guest::writers},
      {"providers", &Guest::providers},
      {"volumes", &Guest::volumes},
      {"backup.begin", &Guest::begin_backup},
      {"backup.gather", &Guest::gather},
      {"backup.select", &Guest::select_backup},
      {"backup.prepare", &Guest::prepare_backup},
      {"backup.snapshot", &Guest::snapshot},
      {"backup.hold_begin", &Guest::hold_begin},
      {"backup.hold_end", &Guest::hold_end},
      {"backup.open_stream", &Guest::open_stream},
      {"backup.close_stream", &Guest::close_stream},
      {"backup.list_logs", &Guest::list_logs},
      {"backup.complete", &Guest::complete},
      {"backup.abort", &Guest::abort},
      {"backup.cancel", &Guest::abort},
      {"backup.end", &Guest::end_backup},
      {"backup.document", &Guest::document},
      {"backup.evidence", &Guest::evidence},
      {"backup.status", &Guest::status},
      {"restore.begin", &Guest::begin_restore},
      {"restore.gather", &Guest::gather},
      {"restore.select", &Guest::select_restore},
      {"restore.pre_restore", &Guest::pre_restore},
      {"restore.prepare", &Guest::prepare_restore},
      {"restore.locations", &Guest::locations},
      {"restore.register", &Guest::register_restore},
      {"restore.file_status", &Guest::file_status},
      {"restore.complete", &Guest::complete_restore},
      {"restore.post_restore", &Guest::post_restore},
      {"restore.end", &Guest::end_restore},
      {"restore.cancel", &Guest::abort},
  };
  return table;
}

}  // namespace stillframe::testkit
