#include "framework/sdk/writer_runner.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>

#include <unistd.h>

#include "framework/model/environment.hpp"
#include "framework/sdk/dispatch.hpp"
#include "framework/sdk/hold.hpp"
#include "framework/sdk/process_environment.hpp"
#include "framework/sdk/strand.hpp"
#include "framework/sdk/stream_pump.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kStreamsMax = 64;  // each is a thread and a pipe
// A thaw that fails is tried again, because an application that stays held is the worst outcome.
constexpr int kThawTriesMax = 100;
constexpr Duration kThawRetry = std::chrono::milliseconds(100);

// Verbs that take back or end: they run whatever was cancelled and however late they are.
bool undoes(Verb verb) {
  return verb == Verb::thaw || verb == Verb::abort || verb == Verb::shutdown ||
         verb == Verb::close || verb == Verb::restore_end;
}

// Verbs that may be said outside any session.
bool sessionless(Verb verb) {
  return verb == Verb::identify || verb == Verb::verify;
}

bool restores(Verb verb) {
  return verb >= Verb::pre_restore && verb <= Verb::restore_end;
}

class Token : public CancelToken {
 public:
  Token(const Clock& clock, BootTime deadline) : clock_(clock), deadline_(deadline) {}
  bool cancelled() const noexcept override { return asked_ || clock_.now() >= deadline_; }
  void ask() { asked_ = true; }
  bool asked() const { return asked_; }

 private:
  const Clock& clock_;
  const BootTime deadline_;
  std::atomic<bool> asked_{false};
};

class Reporter : public ProgressSink {
 public:
  Reporter(Verb verb, WriterRunner::ProgressHandler handler)
      : verb_(verb), handler_(std::move(handler)) {}
  void report(std::uint64_t done, std::uint64_t total, std::string_view what) override {
    if (handler_) handler_(verb_, done, total, std::string(what));
  }

 private:
  const Verb verb_;
  const WriterRunner::ProgressHandler handler_;
};

// A call on its way through the strand.
struct Pending {
  WriterCall call;
  WriterRunner::AnswerHandler done;
  BootTime received;
  std::shared_ptr<Token> token;
  std::optional<Error> dropped;  // answered with this instead of being run
};

struct Session {
  bool restore = false;
  bool completed = false;  // backup_complete was answered: no abort any more
  SetId set;
};

struct Stream {
  SessionId session;
  std::unique_ptr<StreamPump> pump;
};

WriterAnswer failed(Error error) {
  WriterAnswer answer;
  answer.status = std::move(error);
  return answer;
}

class Runner : public WriterRunner {
 public:
  Runner(Writer& writer, WriterRunnerOptions options)
      : writer_(writer), options_(std::move(options)), clock_(*options_.clock) {}

  Status start() {
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

  ~Runner() override {
    if (alarm_) {
      lose_coordinator(Error(Errc::cancelled, "the writer is ending"), SelfThaw::ended);
    }
    strand_.stop();  // what lose_coordinator() posted runs first
    streams_.clear();
    alarm_.reset();
  }

  const WriterIdentity& identity() const override { return identity_; }
  WriterInstanceId instance() const override { return instance_; }

  void call(WriterCall call, AnswerHandler done) override {
    auto pending = std::make_shared<Pending>();
    pending->received = clock_.now();
    pending->token = std::make_shared<Token>(clock_, call.deadline);
    pending->call = std::move(call);
    pending->done = std::move(done);
    {
      std::lock_guard lock(mutex_);
      pending_.push_back(pending);
      if (strand_.post([this, pending] { run(pending); })) return;
      pending_.remove(pending);
    }
    pending->done(failed(Error(Errc::cancelled, "the writer is ending")));
  }

  void cancel(const SessionId& session) override {
    std::lock_guard lock(mutex_);
    for (const auto& pending : pending_) {
      if (pending->call.session == session && !undoes(pending->call.verb)) pending->token->ask();
    }
  }

  void heartbeat(const SessionId& session) override {
    std::lock_guard lock(mutex_);
    if (!hold_ || hold_->session() != session || hold_->phase() == Hold::Phase::over) return;
    hold_->sign_of_life(clock_.now());
    alarm_->set(hold_->due());
  }

  void coordinator_lost(std::string_view why) override {
    lose_coordinator(Error(Errc::disconnected, std::string(why)), SelfThaw::disconnected);
  }

  void on_progress(ProgressHandler handler) override {
    std::lock_guard lock(mutex_);
    on_progress_ = std::move(handler);
  }

 private:
  // ---- one call, on the strand

  void run(const std::shared_ptr<Pending>& pending) {
    WriterAnswer answer = perform(*pending);
    {
      std::lock_guard lock(mutex_);
      pending_.remove(pending);
    }
    auto done = std::move(pending->done);
    done(std::move(answer));
  }

  WriterAnswer perform(Pending& pending) {
    const WriterCall& call = pending.call;
    {
      std::lock_guard lock(mutex_);
      if (pending.dropped) return failed(*pending.dropped);
    }
    if (Status s = check_call(identity_, call); !s.ok()) return failed(s.error());
    if (!undoes(call.verb)) {
      if (pending.token->asked()) return failed(Error(Errc::cancelled, "cancelled before it ran"));
      if (pending.token->cancelled()) {
        return failed(Error(Errc::timed_out, std::string(to_string(call.verb)) +
                                                 " waited for the writer's thread until its "
                                                 "deadline had passed"));
      }
    }
    open_session(call);
    switch (call.verb) {
      case Verb::identify:
        return identify(pending);
      case Verb::freeze:
        return freeze(pending);
      case Verb::thaw:
        return thaw(pending);
      case Verb::open_stream:
        return open_stream(pending);
      case Verb::close:
        return close_stream(pending);
      case Verb::read:
        return read(pending);
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

  WriterAnswer say(const Pending& pending) { return say(pending.call, *pending.token); }

  WriterAnswer say(const WriterCall& call, const Token& token) {
    ProgressHandler handler;
    {
      std::lock_guard lock(mutex_);
      handler = on_progress_;
    }
    Reporter reporter(call.verb, std::move(handler));
    const CallContext context{call.session, Deadline(call.deadline), &token, &reporter};
    return dispatch(writer_, context, call);
  }

  // A verb that the SDK says on its own account, for a session that cannot say it any more.
  WriterAnswer say_for(const SessionId& session, Verb verb, WriterArgs args = NoArgs{}) {
    WriterCall call;
    call.verb = verb;
    call.session = session;
    call.deadline = clock_.now() + std::chrono::seconds(60);
    call.args = std::move(args);
    const Token token(clock_, call.deadline);
    return say(call, token);
  }

  WriterAnswer identify(const Pending& pending) {
    WriterAnswer answer = say(pending);
    if (auto* metadata = std::get_if<WriterMetadata>(&answer.payload)) {
      metadata->identity = identity_;
      metadata->instance = instance_;
      metadata->process = describe_process(own_credentials());
      // Only this process knows its variables, and a restore must find the same places without it.
      Status expanded = expand_metadata_paths(*metadata, process_environment());
      if (!expanded.ok()) return failed(expanded.error().while_doing("identifying"));
    }
    return answer;
  }

  WriterAnswer complete(const Pending& pending) {
    WriterAnswer answer = say(pending);
    std::lock_guard lock(mutex_);
    sessions_[pending.call.session].completed = true;
    return answer;
  }

  // ---- sessions

  void open_session(const WriterCall& call) {
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
  WriterAnswer end(const Pending& pending) {
    const SessionId& session = pending.call.session;
    thaw_if_held(session);
    close_streams(session);
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

  void end_all_sessions() {
    std::map<SessionId, Session> sessions;
    {
      std::lock_guard lock(mutex_);
      sessions.swap(sessions_);
    }
    for (const auto& [id, session] : sessions) {
      thaw_if_held(id);
      close_streams(id);
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

  bool check(Verb verb) const {
    WriterCall call;
    call.verb = verb;
    return check_call(identity_, call).ok();
  }

  void lose_coordinator(const Error& why, SelfThaw cause) {
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

  // ---- the hold

  Duration shorter(Duration a, Duration b) {
    if (a <= Duration{0}) return b;
    if (b <= Duration{0}) return a;
    return std::min(a, b);
  }

  WriterAnswer freeze(const Pending& pending) {
    const WriterCall& call = pending.call;
    {
      std::unique_lock lock(mutex_);
      wait_for_self_thaw(lock);
      if (pending.dropped) return failed(*pending.dropped);
      if (hold_ && hold_->phase() != Hold::Phase::over) {
        return failed(Error(Errc::in_progress, "session " + hold_->session().to_string() +
                                                   " holds this writer already"));
      }
      Hold::Terms terms;
      terms.session = call.session;
      terms.number = ++holds_begun_;
      terms.received = pending.received;
      terms.limit = shorter(call.hold_limit, options_.hold_limit);
      if (identity_.hold_limit) terms.limit = shorter(terms.limit, *identity_.hold_limit);
      terms.lease = shorter(call.lease, options_.lease);
      hold_.emplace(terms);
      alarm_->set(hold_->due());  // before the application is touched
    }
    WriterAnswer answer = say(pending);
    const BootTime returned = clock_.now();
    const Duration suspended = options_.time_suspended();
    std::optional<SelfThaw> end;
    {
      std::lock_guard lock(mutex_);
      hold_->freeze_returned(returned, suspended);
      end = hold_->given_up() ? hold_->given_up() : hold_->overdue(returned);
      if (!end && pending.token->cancelled()) end = SelfThaw::late;
      if (!end && !answer.status.ok()) end = SelfThaw::refused;
      if (end) hold_->thaw_begins(returned, suspended);
    }
    if (!end) return answer;
    thaw_now(*end);
    if (!answer.status.ok()) return answer;
    return failed(Error(*end == SelfThaw::disconnected ? Errc::disconnected : Errc::timed_out,
                        std::string(describe(*end)) + "; the writer is thawed again"));
  }

  WriterAnswer thaw(const Pending& pending) {
    {
      std::unique_lock lock(mutex_);
      wait_for_self_thaw(lock);
      if (!hold_ || hold_->session() != pending.call.session) {
        WriterAnswer answer;
        HoldStatement nothing;
        nothing.broken_because = "nothing was held for this session";
        answer.payload = nothing;
        return answer;
      }
      if (hold_->phase() == Hold::Phase::over) {
        WriterAnswer answer;
        answer.payload = hold_->statement();
        hold_.reset();
        return answer;
      }
      hold_->thaw_begins(clock_.now(), options_.time_suspended());
    }
    WriterAnswer answer = say(pending);
    std::lock_guard lock(mutex_);
    if (!answer.status.ok()) {
      hold_->thaw_failed();
      alarm_->set(clock_.now() + kThawRetry);
      return answer;
    }
    answer.payload = hold_->close(std::get<HoldStatement>(answer.payload));
    hold_.reset();
    alarm_->set(std::nullopt);
    return answer;
  }

  // On the alarm's thread.
  void ring() {
    std::optional<SelfThaw> cause;
    {
      std::lock_guard lock(mutex_);
      if (!hold_ || hold_->phase() == Hold::Phase::over) return;
      cause = hold_->overdue(clock_.now());
      if (!cause && hold_->thaws_failed() > 0) cause = SelfThaw::ended;
      if (!cause) return alarm_->set(hold_->due());  // a heartbeat came meanwhile
    }
    self_thaw(*cause);
  }

  // Ends the hold, if there is one, on whatever thread can do it now: the writer's own when it is
  // idle, else this one. A freeze() that is still running is followed by a thaw on its thread.
  void self_thaw(SelfThaw cause) {
    {
      std::lock_guard lock(mutex_);
      if (!hold_) return;
      if (hold_->phase() == Hold::Phase::freezing) return hold_->give_up(cause);
      if (hold_->phase() != Hold::Phase::held) return;
      hold_->thaw_begins(clock_.now(), options_.time_suspended());
      // Under the lock: a job that starts from here on finds the hold in phase thawing.
      if (!strand_.on_thread() && strand_.take_over([this, cause] { thaw_now(cause); })) return;
    }
    thaw_now(cause);
    if (!strand_.on_thread()) strand_.release();
  }

  // The hold is in phase thawing, so nobody else thaws.
  void thaw_now(SelfThaw cause) {
    SessionId session;
    {
      std::lock_guard lock(mutex_);
      session = hold_->session();
    }
    WriterAnswer answer = say_for(session, Verb::thaw);
    std::unique_lock lock(mutex_);
    if (answer.status.ok()) {
      hold_->close_by_self(std::get<HoldStatement>(answer.payload), cause);
      alarm_->set(std::nullopt);
    } else {
      hold_->thaw_failed();
      if (hold_->thaws_failed() < kThawTriesMax) alarm_->set(clock_.now() + kThawRetry);
    }
    thawed_.notify_all();
    lock.unlock();
    log(answer.status.ok() ? "thawed by itself: " + std::string(describe(cause))
                           : "thawing by itself failed: " + answer.status.error().what());
  }

  // On the strand: another thread may be thawing in its place.
  void wait_for_self_thaw(std::unique_lock<std::mutex>& lock) {
    thawed_.wait(lock, [this] { return !hold_ || hold_->phase() != Hold::Phase::thawing; });
  }

  void thaw_if_held(const SessionId& session) {
    {
      std::unique_lock lock(mutex_);
      wait_for_self_thaw(lock);
      if (!hold_ || hold_->session() != session || hold_->phase() != Hold::Phase::held) return;
    }
    self_thaw(SelfThaw::ended);
  }

  // ---- streams

  WriterAnswer open_stream(const Pending& pending) {
    if (streams_.size() >= kStreamsMax) {
      return failed(Error(Errc::limit_reached, std::to_string(kStreamsMax) +
                                                   " streams of this writer are open; close one"));
    }
    WriterAnswer answer = say(pending);
    if (!answer.status.ok()) return answer;
    const StreamInfo info = std::get<StreamInfo>(answer.payload);
    if (streams_.contains(info.handle)) {
      return failed(Error(Errc::writer_fatal,
                          "the writer opened stream " + std::to_string(info.handle) + " twice"));
    }
    Stream stream;
    stream.session = pending.call.session;
    if (options_.streams_through_pipes) {
      Descriptor read_end;
      auto pump = StreamPump::start(info, fetcher(stream.session, info.handle), read_end);
      if (!pump.ok()) {
        (void)say_for(stream.session, Verb::close, CloseArgs{info.handle});
        return failed(pump.error());
      }
      stream.pump = std::move(pump).value();
      answer.descriptors.push_back(std::move(read_end));
    }
    streams_.emplace(info.handle, std::move(stream));
    return answer;
  }

  // Each chunk is a job of its own, so that other verbs come in between.
  StreamPump::Fetch fetcher(const SessionId& session, std::uint64_t handle) {
    return [this, session, handle](std::shared_ptr<std::vector<std::byte>> buffer,
                                   std::function<void(Result<std::size_t>)> done) {
      strand_.post([this, session, handle, buffer = std::move(buffer), done = std::move(done)] {
        done(read_chunk(session, handle, *buffer));
      });
    };
  }

  Result<std::size_t> read_chunk(const SessionId& session, std::uint64_t handle,
                                 std::vector<std::byte>& buffer) {
    if (!streams_.contains(handle)) return Error(Errc::cancelled, "the stream was closed");
    WriterCall call;
    call.verb = Verb::read;
    call.session = session;
    call.deadline = clock_.now() + std::chrono::seconds(60);
    const Token token(clock_, call.deadline);
    Reporter reporter(Verb::read, nullptr);
    const CallContext context{session, Deadline(call.deadline), &token, &reporter};
    try {
      return writer_.read(context, handle, buffer);
    } catch (const std::exception& e) {
      return Error(Errc::writer_fatal, std::string("the writer threw from read: ") + e.what());
    }
  }

  WriterAnswer read(const Pending& pending) {
    const auto stream = streams_.find(std::get<ReadArgs>(pending.call.args).handle);
    if (stream != streams_.end() && stream->second.pump) {
      return failed(Error(Errc::wrong_state, "this stream is delivered through its pipe"));
    }
    return say(pending);
  }

  WriterAnswer close_stream(const Pending& pending) {
    const auto* args = std::get_if<CloseArgs>(&pending.call.args);
    if (args == nullptr) return say(pending);
    Status delivered = Ok{};
    if (auto stream = streams_.extract(args->handle); !stream.empty() && stream.mapped().pump) {
      delivered = stream.mapped().pump->stop();
    }
    WriterAnswer answer = say(pending);
    if (answer.status.ok() && !delivered.ok()) return failed(delivered.error());
    return answer;
  }

  void close_streams(const SessionId& session) {
    for (auto it = streams_.begin(); it != streams_.end();) {
      if (it->second.session != session) {
        ++it;
        continue;
      }
      const std::uint64_t handle = it->first;
      if (it->second.pump) (void)it->second.pump->stop();
      it = streams_.erase(it);
      (void)say_for(session, Verb::close, CloseArgs{handle});
    }
  }

  void log(const std::string& line) const {
    if (options_.log) options_.log("writer '" + identity_.name + "' " + line);
  }

  Writer& writer_;
  const WriterRunnerOptions options_;
  const Clock& clock_;
  WriterIdentity identity_;
  const WriterInstanceId instance_ = WriterInstanceId::generate();

  std::map<std::uint64_t, Stream> streams_;  // the strand's own

  std::mutex mutex_;  // guards what follows; never held while the writer or a handler is called
  std::condition_variable thawed_;
  std::list<std::shared_ptr<Pending>> pending_;  // run or wait, in order
  std::map<SessionId, Session> sessions_;
  std::optional<Hold> hold_;
  std::uint64_t holds_begun_ = 0;
  ProgressHandler on_progress_;

  Strand strand_;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace

Result<std::unique_ptr<WriterRunner>> WriterRunner::start(Writer& writer,
                                                          WriterRunnerOptions options) {
  auto runner = std::make_unique<Runner>(writer, std::move(options));
  if (Status s = runner->start(); !s.ok()) return s.error();
  return std::unique_ptr<WriterRunner>(std::move(runner));
}

}  // namespace stillframe
