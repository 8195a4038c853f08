#include <exception>
#include <string_view>

#include "framework/model/environment.hpp"
#include "framework/sdk/dispatch.hpp"
#include "framework/sdk/process_environment.hpp"
#include "framework/sdk/runner.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe {
namespace {

// Verbs that take back or end: they run whatever was cancelled and however late they are.
bool undoes(Verb verb) {
  return verb == Verb::thaw || verb == Verb::abort || verb == Verb::shutdown ||
         verb == Verb::close || verb == Verb::restore_end;
}

// Verbs that may be said outside any session.
bool sessionless(Verb verb) {
  return verb == Verb::identify || verb == Verb::verify;
}

// What all writers of a set are told one after the other has to be quick in any case.
Pace pace_of(Verb verb) {
  switch (verb) {
    case Verb::identify:
    case Verb::prepare_backup:
    case Verb::prepare_snapshot:
    case Verb::freeze:
    case Verb::thaw:
    case Verb::post_snapshot:
    case Verb::backup_complete:
    case Verb::abort:
    case Verb::shutdown:
      return Pace::quick;
    default:
      return Pace::slow;
  }
}

bool restores(Verb verb) {
  return verb >= Verb::pre_restore && verb <= Verb::restore_end;
}

}  // namespace

Runner::Runner(Writer& writer, WriterRunnerOptions options)
    : writer_(writer),
      options_(std::move(options)),
      clock_(*options_.clock),
      strand_(writer.any_thread() ? options_.loop.get() : nullptr),
      streams_(writer_, clock_, strand_, options_.streams_through_pipes,
               [this](const SessionId& session, std::uint64_t handle) {
                 (void)say_for(session, Verb::close, CloseArgs{handle});
               }) {}

Status Runner::start() {
  try {
    identity_ = writer_.identity();
  } catch (const std::exception& e) {
    return Error(Errc::writer_fatal, std::string("the writer threw from identity: ") + e.what());
  }
  if (Status s = strand_.start("sf-writer"); !s.ok()) return s;
  auto alarm = options_.alarm([this] { ring(); });
  if (!alarm.ok()) return alarm.error();
  alarm_ = std::move(alarm).value();
  return Ok{};
}

Runner::~Runner() {
  if (alarm_) {
    lose_coordinator(Error(Errc::cancelled, "the writer is ending"), SelfThaw::ended);
  }
  strand_.stop();  // what lose_coordinator() posted runs first
  streams_.clear();
  alarm_.reset();
}

const WriterIdentity& Runner::identity() const {
  return identity_;
}

WriterInstanceId Runner::instance() const {
  return instance_;
}

void Runner::call(WriterCall call, AnswerHandler done) {
  auto pending = std::make_shared<PendingCall>();
  pending->received = clock_.now();
  pending->token = std::make_shared<CallToken>(clock_, call.deadline);
  pending->call = std::move(call);
  pending->done = std::move(done);
  {
    std::lock_guard lock(mutex_);
    pending_.push_back(pending);
    if (strand_.post([this, pending] { run(pending); }, pace_of(pending->call.verb))) return;
    pending_.remove(pending);
  }
  pending->done(failed_answer(Error(Errc::cancelled, "the writer is ending")));
}

void Runner::cancel(const SessionId& session) {
  std::lock_guard lock(mutex_);
  for (const auto& pending : pending_) {
    if (pending->call.session == session && !undoes(pending->call.verb)) pending->token->ask();
  }
}

void Runner::heartbeat(const SessionId& session) {
  std::lock_guard lock(mutex_);
  if (!hold_ || hold_->session() != session || hold_->phase() == Hold::Phase::over) return;
  // A sign that waited while this process was stopped comes too late.
  if (hold_->overdue(clock_.now())) return;
  hold_->sign_of_life(clock_.now());
  alarm_->set(hold_->due());
}

void Runner::coordinator_lost(std::string_view why) {
  lose_coordinator(Error(Errc::disconnected, std::string(why)), SelfThaw::disconnected);
}

void Runner::on_progress(ProgressHandler handler) {
  std::lock_guard lock(mutex_);
  on_progress_ = std::move(handler);
}

void Runner::run(const std::shared_ptr<PendingCall>& pending) {
  WriterAnswer answer = perform(*pending);
  {
    std::lock_guard lock(mutex_);
    pending_.remove(pending);
  }
  auto done = std::move(pending->done);
  done(std::move(answer));
}

WriterAnswer Runner::perform(PendingCall& pending) {
  const WriterCall& call = pending.call;
  {
    std::lock_guard lock(mutex_);
    if (pending.dropped) return failed_answer(*pending.dropped);
  }
  if (Status s = check_call(identity_, call); !s.ok()) return failed_answer(s.error());
  if (!undoes(call.verb)) {
    if (pending.token->asked())
      return failed_answer(Error(Errc::cancelled, "cancelled before it ran"));
    if (pending.token->cancelled()) {
      return failed_answer(Error(Errc::timed_out, std::string(to_string(call.verb)) +
                                                      " waited for the writer's thread until its "
                                                      "deadline had passed"));
    }
  }
  open_session(call);
  const auto say_it = [&] { return say(pending); };
  switch (call.verb) {
    case Verb::identify:
      return identify(pending);
    case Verb::freeze:
      return freeze(pending);
    case Verb::thaw:
      return thaw(pending);
    case Verb::open_stream:
      return streams_.open(call.session, say_it);
    case Verb::close:
      return close_stream(call, say_it);
    case Verb::read:
      return read_stream(call, say_it);
    case Verb::abort:
    case Verb::shutdown:
    case Verb::restore_end:
      return end(pending);
    case Verb::backup_complete:
      return complete(pending);
    default:
      return say(pending);
  }
}

WriterAnswer Runner::say(const PendingCall& pending) {
  return say(pending.call, *pending.token);
}

WriterAnswer Runner::say(const WriterCall& call, const CallToken& token) {
  ProgressHandler handler;
  {
    std::lock_guard lock(mutex_);
    handler = on_progress_;
  }
  ProgressReporter reporter(call.verb, std::move(handler));
  const CallContext context{call.session, Deadline(call.deadline), &token, &reporter};
  return dispatch(writer_, context, call);
}

// A verb that the SDK says on its own account, for a session that cannot say it any more.
WriterAnswer Runner::say_for(const SessionId& session, Verb verb, WriterArgs args) {
  WriterCall call;
  call.verb = verb;
  call.session = session;
  call.deadline = clock_.now() + std::chrono::seconds(60);
  call.args = std::move(args);
  const CallToken token(clock_, call.deadline);
  return say(call, token);
}

WriterAnswer Runner::identify(const PendingCall& pending) {
  WriterAnswer answer = say(pending);
  if (auto* metadata = std::get_if<WriterMetadata>(&answer.payload)) {
    metadata->identity = identity_;
    metadata->instance = instance_;
    metadata->process = describe_process(own_credentials());
    // Only this process knows its variables, and a restore must find the same places without it.
    Status expanded = expand_metadata_paths(*metadata, process_environment());
    if (!expanded.ok()) return failed_answer(expanded.error().while_doing("identifying"));
  }
  return answer;
}

// Arguments of another verb are for dispatch() to complain about.
WriterAnswer Runner::read_stream(const WriterCall& call, const WriterStreams::Say& say) {
  const auto* args = std::get_if<ReadArgs>(&call.args);
  return args == nullptr ? say() : streams_.read(args->handle, say);
}

WriterAnswer Runner::close_stream(const WriterCall& call, const WriterStreams::Say& say) {
  const auto* args = std::get_if<CloseArgs>(&call.args);
  return args == nullptr ? say() : streams_.close(args->handle, say);
}

WriterAnswer Runner::complete(const PendingCall& pending) {
  WriterAnswer answer = say(pending);
  std::lock_guard lock(mutex_);
  sessions_[pending.call.session].completed = true;
  return answer;
}

void Runner::open_session(const WriterCall& call) {
  if (sessionless(call.verb) || undoes(call.verb)) return;
  std::lock_guard lock(mutex_);
  Session& session = sessions_[call.session];
  session.restore = session.restore || restores(call.verb);
  if (const auto* backup = std::get_if<BackupView>(&call.args)) session.set = backup->set;
  if (const auto* snapshot = std::get_if<SnapshotArgs>(&call.args)) {
    session.set = snapshot->set.set;
  }
}

// abort, shutdown, restore_end: a hold or stream that is still owed an end gets it first.
WriterAnswer Runner::end(const PendingCall& pending) {
  const SessionId& session = pending.call.session;
  thaw_if_held(session);
  streams_.close_all_of(session);
  WriterAnswer answer = say(pending);
  std::lock_guard lock(mutex_);
  if (pending.call.verb != Verb::abort) {
    sessions_.erase(session);
    if (hold_ && hold_->session() == session && hold_->phase() == Hold::Phase::over) {
      hold_.reset();
    }
  }
  return answer;
}

void Runner::end_all_sessions() {
  std::map<SessionId, Session> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions.swap(sessions_);
  }
  for (const auto& [id, session] : sessions) {
    thaw_if_held(id);
    streams_.close_all_of(id);
    if (session.restore) {
      if (check(Verb::restore_end)) (void)say_for(id, Verb::restore_end);
      continue;
    }
    if (!session.completed) (void)say_for(id, Verb::abort);
    (void)say_for(id, Verb::shutdown, ShutdownArgs{session.set});
  }
  std::lock_guard lock(mutex_);
  if (hold_ && hold_->phase() == Hold::Phase::over) hold_.reset();
}

bool Runner::check(Verb verb) const {
  WriterCall call;
  call.verb = verb;
  return check_call(identity_, call).ok();
}

void Runner::lose_coordinator(const Error& why, SelfThaw cause) {
  {
    std::lock_guard lock(mutex_);
    for (const auto& pending : pending_) {
      pending->dropped = why;
      pending->token->ask();
    }
  }
  self_thaw(cause);
  strand_.post([this] { end_all_sessions(); });
}

void Runner::log(const std::string& line) const {
  if (options_.log) options_.log("writer '" + identity_.name + "' " + line);
}

Result<std::unique_ptr<WriterRunner>> WriterRunner::start(Writer& writer,
                                                          WriterRunnerOptions options) {
  auto runner = std::make_unique<Runner>(writer, std::move(options));
  if (Status s = runner->start(); !s.ok()) return s.error();
  return std::unique_ptr<WriterRunner>(std::move(runner));
}

}  // namespace stillframe
