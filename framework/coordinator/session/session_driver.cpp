#include "framework/coordinator/session/session_driver.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "framework/coordinator/event_ids.hpp"

namespace stillframe::coordinator {
namespace {

Status status_of(const WriterAnswer& answer) {
  return answer.status;
}

bool in_hold(Verb verb) noexcept {
  return verb == Verb::freeze || verb == Verb::thaw;
}

// A document with files in it that its writer may not declare is no answer.
void judge_declared(const FileRules& rules, const WriterLink& link, WriterAnswer& answer) {
  const auto* metadata = std::get_if<WriterMetadata>(&answer.payload);
  if (!answer.status.ok() || metadata == nullptr) return;
  answer.status = rules.check(link, "/", false, declared_files(*metadata, link.process().pid));
}

}  // namespace

SessionDriver::SessionDriver(const Services& services, SessionOwner owner, std::string kind)
    : services_(services),
      owner_(std::move(owner)),
      kind_(std::move(kind)),
      strand_(services.runtime->make_strand()),
      events_(owner_.only_looks ? null_event_sink() : *services.events, *services.clock,
              {{"session", id_.to_string()}}),
      since_(services.clock->now()) {}

SessionDriver::~SessionDriver() {
  services_.heartbeat->stop_beating(id_);
}

Status SessionDriver::start(machine::State state) {
  state_ = std::move(state);
  phase_name_ = machine::to_string(state_.phase);
  auto timer = services_.runtime->make_timer(strand_);
  if (!timer.ok()) return timer.error();
  timers_ = std::make_unique<SessionTimers>(std::move(timer).value(), *services_.clock,
                                            [this](const SessionTimers::Alarm& alarm) {
                                              machine::Event event;
                                              event.kind = timeout_event(alarm.kind);
                                              event.writer = alarm.writer;
                                              event.seq = alarm.seq;
                                              feed(event);
                                            });
  timers_->set_owner(weak_from_this());
  told_phase_ = state_.phase;
  tell_begun();
  return Ok{};
}

SessionInfo SessionDriver::info() const {
  SessionInfo info;
  info.session = id_;
  info.requestor = owner_.requestor;
  info.kind = kind_;
  info.since = since_;
  info.waiting_for = services_.turns->waiting_for(id_);
  const std::lock_guard lock(info_mutex_);
  info.phase = phase_name_;
  return info;
}

void SessionDriver::requestor_gone() {
  guarded([this] {
    abort_reason_ = "the requestor went away";
    machine::Event event;
    event.kind = machine::EventKind::requestor_gone;
    feed(event);
  })();
}

void SessionDriver::abort(const std::string& reason, Done done) {
  if (abort_reason_.empty()) abort_reason_ = reason;
  timeline_.note("abort", owner_.requestor, Ok{}, reason, services_.clock->now());
  machine::Event event;
  event.kind = machine::EventKind::abort;
  request(event, std::move(done));
}

machine::RequestId SessionDriver::expect(machine::EventKind kind, Done done) {
  const machine::RequestId request = ++last_request_;
  requests_[request].kind = kind;
  requests_[request].done = std::move(done);
  return request;
}

void SessionDriver::set_done(machine::RequestId request, machine::WriterIndex writer, Done done) {
  requests_[request].writer = writer;
  requests_[request].done = std::move(done);
}

void SessionDriver::request(machine::Event event, Done done) {
  event.request = expect(event.kind, std::move(done));
  requests_[event.request].writer = event.writer;
  feed(event);
}

WriterAnswer* SessionDriver::answer_of(machine::RequestId request) {
  auto found = requests_.find(request);
  return found == requests_.end() || !found->second.answer ? nullptr : &*found->second.answer;
}

void SessionDriver::feed(const machine::Event& event) {
  if (notice_suspend()) {
    machine::Event slept;
    slept.kind = machine::EventKind::suspended;
    feed(slept);
  }
  const machine::Phase before = state_.phase;
  machine::Actions actions;
  machine::step(state_, event, services_.clock->now(), actions);
  tell_step();
  // Before the replies go out: whoever hears that the session ended finds it ended.
  if (state_.phase == machine::Phase::ended && !ended_.exchange(true))
    services_.restore_claims->release(id_);
  // Before anybody is asked to freeze: the machine may fall asleep the moment after.
  if (machine::is_hold(state_.phase) && !suspend_watch_)
    suspend_watch_.emplace(services_.time_slept);
  if (!machine::is_hold(state_.phase)) suspend_watch_.reset();
  // What is written down is under way before anybody hears of it: a registration before its writer,
  // the end of a session before the requestor that looks for what it left.
  for (const auto& action : actions)
    if (action.kind == machine::ActionKind::journal) perform(action);
  for (const auto& action : actions)
    if (action.kind != machine::ActionKind::journal) perform(action);
  after_step(before);
}

bool SessionDriver::notice_suspend() {
  if (!suspend_watch_ || !suspend_watch_->suspended()) return false;
  timeline_.note("suspended", "", Error(Errc::hold_broken, ""),
                 "the machine slept while writers were held", services_.clock->now());
  events_.tell(kEventMachineSlept, EventLevel::warning,
               "the machine slept while writers were held; the set fails");
  suspend_watch_.emplace(services_.time_slept);
  return true;
}

void SessionDriver::after_step(machine::Phase before) {
  if (state_.phase != before) {
    {
      const std::lock_guard lock(info_mutex_);
      phase_name_ = machine::to_string(state_.phase);
    }
    push_event(nlohmann::json{{"event", "state"},
                              {"session", id_.to_string()},
                              {"phase", machine::to_string(state_.phase)}}
                   .dump());
  }
  if (!over_ && state_.phase == machine::Phase::ended && machine::drained(state_)) {
    over_ = true;
    for (auto& writer : writers_) writer.subscription.drop();
    if (on_over_) on_over_();
  }
}

void SessionDriver::perform(const machine::Action& action) {
  switch (action.kind) {
    case machine::ActionKind::call_writer:
      return call_writer(action);
    case machine::ActionKind::give_up_call:
      if (const auto& link = writers_[action.writer].link) link->cancel(id_);
      return;
    case machine::ActionKind::start_heartbeat:
      return services_.heartbeat->start_beating(id_, state_.options.limits.lease,
                                                writers_[action.writer].link);
    case machine::ActionKind::stop_heartbeat:
      return services_.heartbeat->stop_beating(id_, writers_[action.writer].link->instance());
    case machine::ActionKind::call_provider:
      return call_provider(action);
    case machine::ActionKind::flush:
      return flush(action);
    case machine::ActionKind::take_turns:
      return take_turns(action);
    case machine::ActionKind::release_turns:
      return services_.turns->release(id_);
    case machine::ActionKind::journal:
      return write_journal(action);
    case machine::ActionKind::reply:
      return reply(action);
    case machine::ActionKind::arm_timer:
      return timers_->arm({action.timer, action.writer, action.seq, action.deadline});
    case machine::ActionKind::cancel_timer:
      return timers_->cancel(action.seq);
  }
}

void SessionDriver::call_writer(const machine::Action& action) {
  SessionWriter& writer = writers_[action.writer];
  WriterCall call;
  call.verb = action.verb;
  call.session = id_;
  call.deadline = action.deadline;
  if (action.verb == Verb::freeze) {
    call.hold_limit = state_.writers[action.writer].hold_limit;
    call.lease = state_.options.limits.lease;
  }
  call.args = arguments(action);
  timeline_.begin(action.seq, std::string(to_string(action.verb)), writer_name(action.writer),
                  services_.clock->now());
  const bool judged = action.verb == Verb::identify && services_.file_rules.cover(*writer.link);
  // The handler goes on a thread of the link's, which must not be where the link's last owner goes:
  // only a session that is over has no other owner. What every held writer waits for is done there,
  // without waking another thread; such a step calls and arms, and waits for nothing.
  // The answer holds descriptors, which std::function cannot carry by value.
  writer.link->call(std::move(call),
                    [weak = weak_from_this(), strand = strand_, services = &services_, judged,
                     link = std::weak_ptr(writer.link), action](WriterAnswer answer) {
                      auto shared = std::make_shared<WriterAnswer>(std::move(answer));
                      if (in_hold(action.verb) && shared->status.ok()) {
                        return strand.run_or_post([weak, strand, action, shared] {
                          const auto self = weak.lock();
                          if (!self) return;
                          self->writer_answered(action, std::move(*shared));
                          if (self->over()) strand.post([self] {});
                        });
                      }
                      const auto arrive = [weak, strand, action, shared] {
                        strand.post([weak, action, shared] {
                          if (auto self = weak.lock())
                            self->writer_answered(action, std::move(*shared));
                        });
                      };
                      if (!judged) return arrive();
                      services->files_worker->post([services, link, shared, arrive] {
                        if (const auto asked = link.lock())
                          judge_declared(services->file_rules, *asked, *shared);
                        arrive();
                      });
                    });
}

void SessionDriver::writer_answered(const machine::Action& call, WriterAnswer answer) {
  machine::Event event;
  event.kind = machine::EventKind::writer_answered;
  event.writer = call.writer;
  event.component = call.component;
  event.seq = call.seq;
  SessionWriter& writer = writers_[call.writer];
  // Nobody waits for a stale answer: what it says about documents comes too late to be taken over.
  const bool stale = machine::is_stale(state_, event);
  const bool partly = !answer.status.ok() && answer.status.error().code() == Errc::partial_failure;
  if (!stale && (answer.status.ok() || partly)) {
    if (Status s = absorb(call.verb, call.writer, call.component, answer); !s.ok())
      answer.status = s.error();
  }
  timeline_.end(call.seq, status_of(answer), services_.clock->now());
  if (!answer.status.ok()) {
    event.failure = answer.status.error().code();
    if (!stale) {
      writer.error = answer.status.error();
      tell_writer_failed(call.writer, call.verb, *writer.error);
    }
  }
  if (const auto* hold = std::get_if<HoldStatement>(&answer.payload); hold && answer.status.ok()) {
    writer.hold = *hold;
    event.hold = {hold->held_from, hold->held_until, hold->unbroken, hold->asserted_only};
  }
  if (auto request = requests_.find(call.request); call.request != 0 && request != requests_.end())
    request->second.answer = std::move(answer);
  feed(event);
}

// The machine waits for most records, and those are steps of the session. The last one, and those
// that only index what is written beside a target, it does not wait for: they bear no number, may
// still be under way when the session's last answer goes out, and are told of only when they fail.
void SessionDriver::write_journal(const machine::Action& action) {
  auto entry = journal_entry(action);
  const machine::CallSeq seq = action.seq;
  if (seq != 0)
    timeline_.begin(seq, "journal " + std::string(machine::to_string(action.record)), "",
                    services_.clock->now());
  services_.journal_worker->post([weak = weak_from_this(), strand = strand_,
                                  journal = services_.journal, entry = std::move(entry), seq,
                                  unwritten = unwritten_event(action.record),
                                  events = services_.events] {
    const Status status = entry(*journal);
    if (seq != 0)
      return strand.post([weak, status, seq] {
        if (auto self = weak.lock()) self->journal_written(seq, status);
      });
    if (status.ok()) return;
    EventRecord event = unwritten;
    event.message += status.error().what();
    events->emit(event);
  });
}

EventRecord SessionDriver::unwritten_event(machine::Record record) const {
  EventRecord event;
  event.id = kEventJournalWriteFailed;
  event.source = "coordinator";
  event.level = EventLevel::warning;
  event.message = "'" + std::string(machine::to_string(record)) +
                  "' was not journalled; the next start goes by what was written before: ";
  event.fields = {{"session", id_.to_string()}};
  event.when = services_.clock->wall_now();
  return event;
}

void SessionDriver::journal_written(machine::CallSeq seq, const Status& status) {
  timeline_.end(seq, status, services_.clock->now());
  note_operation_error(status);
  machine::Event event = make_event(machine::EventKind::journalled);
  event.seq = seq;
  if (!status.ok()) event.failure = status.error().code();
  feed(event);
}

void SessionDriver::reply(const machine::Action& action) {
  auto found = requests_.find(action.request);
  if (found == requests_.end()) return;
  Done done = std::move(found->second.done);
  const Status status = action.failure ? Status(describe(*action.failure, action.request)) : Ok{};
  if (done) done(status);
  requests_.erase(action.request);
}

void SessionDriver::note_operation_error(const Status& status) {
  if (!status.ok()) operation_error_ = status.error();
}

// The machine deals in codes; people need to know who said so and in which words.
Error SessionDriver::describe(Errc code, machine::RequestId request) const {
  const auto found = requests_.find(request);
  const auto permitted = machine::permitted_requests(machine::session_table(), state_.phase);
  if (code == Errc::wrong_state && found != requests_.end() &&
      std::find(permitted.begin(), permitted.end(), found->second.kind) == permitted.end())
    return Error(code, machine::wrong_state_message(machine::session_table(), state_.phase,
                                                    found->second.kind));
  machine::WriterIndex writer = found != requests_.end() ? found->second.writer : machine::kNone;
  if (writer == machine::kNone && state_.failure) writer = state_.failure->writer;
  // A veto that ended a restore is no failure of the session; whoever gave this code is meant.
  for (machine::WriterIndex i = 0; i < state_.writers.size() && !state_.failure; ++i)
    if (writer == machine::kNone && state_.writers[i].failure == code) writer = i;
  if (writer != machine::kNone && writer < writers_.size()) {
    const std::string name = "writer " + writer_name(writer);
    const auto& error = writers_[writer].error;
    if (error && error->code() == code) return error->while_doing(name);
    return Error(code, name + " (" + std::string(to_string(code)) + ")");
  }
  if (state_.failure && state_.failure->group != machine::kNone) {
    const auto error = group_errors_.find(state_.failure->group);
    const std::string name = "provider " + group_name(state_.failure->group);
    if (error != group_errors_.end()) return Error(code, error->second.while_doing(name).what());
    return Error(code, name + " (" + std::string(to_string(code)) + ")");
  }
  if (operation_error_ && operation_error_->code() == code) return *operation_error_;
  if (code == Errc::cancelled)
    return Error(code, abort_reason_.empty() ? "the session was aborted" : abort_reason_);
  const std::string where =
      state_.failure ? " while " + std::string(machine::to_string(state_.failure->phase)) : "";
  return Error(code, "the session failed" + where + " (" + std::string(to_string(code)) + ")");
}

void SessionDriver::push_event(const std::string& event) const {
  if (owner_.push) owner_.push(event);
}

void SessionDriver::push_waiting(const std::string& holder) {
  events_.tell(kEventTurnAwaited, EventLevel::info, "waits for its turn, which has " + holder,
               {{"holder", holder}});
  push_event(
      nlohmann::json{{"event", "waiting"}, {"session", id_.to_string()}, {"holder", holder}}.dump(
          -1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace stillframe::coordinator
