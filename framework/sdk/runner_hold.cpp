// The hold of a runner: begun by freeze, ended by thaw, by the alarm, or with the coordinator.
#include "framework/sdk/runner.hpp"

namespace stillframe {
namespace {

// A thaw that fails is tried again, because an application that stays held is the worst outcome.
constexpr int kThawTriesMax = 100;
constexpr Duration kThawRetry = std::chrono::milliseconds(100);

Duration shorter(Duration a, Duration b) {
  if (a <= Duration{0}) return b;
  if (b <= Duration{0}) return a;
  return std::min(a, b);
}

}  // namespace

WriterAnswer Runner::freeze(const PendingCall& pending) {
  const WriterCall& call = pending.call;
  {
    std::unique_lock lock(mutex_);
    wait_for_self_thaw(lock);
    if (pending.dropped) return failed_answer(*pending.dropped);
    if (hold_ && hold_->phase() != Hold::Phase::over) {
      return failed_answer(Error(Errc::in_progress, "session " + hold_->session().to_string() +
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
  return failed_answer(Error(*end == SelfThaw::disconnected ? Errc::disconnected : Errc::timed_out,
                             std::string(describe(*end)) + "; the writer is thawed again"));
}

WriterAnswer Runner::thaw(const PendingCall& pending) {
  std::optional<SelfThaw> late;
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
    const BootTime now = clock_.now();
    // The alarm may have been due and not have run: after a stop of this process, for one.
    late = hold_->overdue(now);
    hold_->thaw_begins(now, options_.time_suspended());
  }
  WriterAnswer answer = say(pending);
  std::lock_guard lock(mutex_);
  if (!answer.status.ok()) {
    hold_->thaw_failed();
    alarm_->set(clock_.now() + kThawRetry);
    return answer;
  }
  const HoldStatement& said = std::get<HoldStatement>(answer.payload);
  if (late) hold_->close_by_self(said, *late);
  answer.payload = late ? hold_->statement() : hold_->close(said);
  hold_.reset();
  alarm_->set(std::nullopt);
  return answer;
}

// On the alarm's thread.
void Runner::ring() {
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
void Runner::self_thaw(SelfThaw cause) {
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
void Runner::thaw_now(SelfThaw cause) {
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
void Runner::wait_for_self_thaw(std::unique_lock<std::mutex>& lock) {
  thawed_.wait(lock, [this] { return !hold_ || hold_->phase() != Hold::Phase::thawing; });
}

void Runner::thaw_if_held(const SessionId& session) {
  {
    std::unique_lock lock(mutex_);
    wait_for_self_thaw(lock);
    if (!hold_ || hold_->session() != session || hold_->phase() != Hold::Phase::held) return;
  }
  self_thaw(SelfThaw::ended);
}

}  // namespace stillframe
