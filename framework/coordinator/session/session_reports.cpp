// When a session tells of itself, and what.
#include <algorithm>

#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/session/session_driver.hpp"

namespace stillframe::coordinator {
namespace {

void append(std::string& list, const std::string& name) {
  constexpr std::size_t kListBytesMax = 2'000;  // of a thousand names the first ones must do
  if (list.size() > kListBytesMax) return;
  list += (list.empty() ? "" : ", ") + name;
}

}  // namespace

void SessionDriver::tell_begun() {
  EventFields fields = facts();
  fields["kind"] = kind_;
  fields["requestor"] = owner_.requestor;
  fields["uid"] = std::to_string(owner_.uid);
  events_.tell(kEventSessionBegun, EventLevel::info,
               "a " + kind_ + " of " + owner_.requestor + " begins", std::move(fields));
}

// After every step of the machine and before anything is done about it: nobody is asked to freeze
// before the hold's begin was told, and who gets a reply finds the events that led to it, those of
// a hold that failed excepted.
void SessionDriver::tell_step() {
  if (state_.failure && !failure_told_) {
    failure_told_ = true;
    if (!machine::given_up(state_)) tell_failed();
  }
  if (state_.phase == told_phase_) return;
  const machine::Phase before = std::exchange(told_phase_, state_.phase);
  if (machine::is_hold(state_.phase) && !machine::is_hold(before) && !events_.holding()) {
    EventFields fields = facts();
    fields["writers"] = std::to_string(
        std::count_if(state_.writers.begin(), state_.writers.end(),
                      [](const machine::WriterSlot& writer) { return writer.takes_part; }));
    events_.hold_begins(std::move(fields));
  }
  events_.mark(state_.phase);
  // An abort thaws: until it was answered, or given up, the hold is not over.
  if (events_.holding() && !machine::is_hold(state_.phase) &&
      state_.phase != machine::Phase::aborting)
    events_.hold_ended(hold_facts());
  if (state_.phase == machine::Phase::ready) tell_result();
  if (state_.phase == machine::Phase::ended) tell_ended();
}

void SessionDriver::tell_failed() {
  const machine::FirstFailure& failure = *state_.failure;
  EventFields fields = facts();
  fields["kind"] = kind_;
  fields["phase"] = machine::to_string(failure.phase);
  fields["failure"] = to_string(failure.code);
  if (failure.writer != machine::kNone && failure.writer < writers_.size())
    fields["writer"] = writer_name(failure.writer);
  if (failure.group != machine::kNone) fields["provider"] = group_name(failure.group);
  const std::string message =
      "failed while " + fields["phase"] + ": " + describe(failure.code, 0).what();
  events_.tell(kEventSetFailed, EventLevel::error, message, std::move(fields));
}

void SessionDriver::tell_ended() {
  EventFields fields = facts();
  fields["kind"] = kind_;
  fields["requestor"] = owner_.requestor;
  // Whoever gave up a session knows why; what went wrong by itself is what needs a look.
  const bool failed = state_.failure && !machine::given_up(state_);
  fields["outcome"] = state_.failure && !failed ? "aborted" : outcome();
  fields["duration_ms"] = in_milliseconds(services_.clock->now() - since_);
  std::string message = "the " + kind_ + " of " + owner_.requestor + " ended: " + fields["outcome"];
  if (failed) {
    fields["failure"] = to_string(state_.failure->code);
    fields["phase"] = machine::to_string(state_.failure->phase);
  }
  if (!abort_reason_.empty()) {
    fields["reason"] = abort_reason_;
    message += " (" + abort_reason_ + ")";
  }
  const bool bad = failed || fields["outcome"] == "failed";
  events_.tell(kEventSessionEnded, bad ? EventLevel::warning : EventLevel::info, std::move(message),
               std::move(fields));
}

HoldFacts SessionDriver::hold_facts() const {
  HoldFacts facts;
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) {
    if (i < state_.writers.size() && state_.writers[i].owes_thaw)
      append(facts.still_held, writer_name(i));
    const auto& hold = writers_[i].hold;
    if (!hold) continue;
    ++facts.writers;
    if (const Duration held = hold->held_until - hold->held_from; held >= facts.longest) {
      facts.longest = held;
      facts.longest_writer = writer_name(i);
    }
    if (hold->longest_stall > facts.stall) {
      facts.stall = hold->longest_stall;
      facts.stall_writer = writer_name(i);
    }
    if (!hold->unbroken) append(facts.broken, writer_name(i));
  }
  return facts;
}

void SessionDriver::tell_writer_failed(machine::WriterIndex writer, Verb verb, const Error& error) {
  events_.tell(kEventWriterFailed, EventLevel::warning,
               "writer " + writer_name(writer) + " failed at " + std::string(to_string(verb)) +
                   ": " + error.what(),
               {{"writer", writer_name(writer)},
                {"instance", writers_[writer].link->instance().to_string()},
                {"verb", std::string(to_string(verb))},
                {"failure", std::string(to_string(error.code()))}});
}

}  // namespace stillframe::coordinator
