#include "framework/coordinator/session/session_events.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "framework/coordinator/event_ids.hpp"

namespace stillframe::coordinator {

using machine::Phase;

std::string in_milliseconds(Duration duration) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.3f",
                std::chrono::duration<double, std::milli>(duration).count());
  return text.data();
}

EventRecord SessionEvents::record(int id, EventLevel level, std::string message,
                                  EventFields fields) const {
  EventRecord event;
  event.id = id;
  event.source = "coordinator";
  event.level = level;
  event.message = std::move(message);
  event.fields = std::move(fields);
  event.fields.insert(common_.begin(), common_.end());
  event.when = clock_.wall_now();
  return event;
}

void SessionEvents::tell(int id, EventLevel level, std::string message, EventFields fields) {
  EventRecord event = record(id, level, std::move(message), std::move(fields));
  if (holding_) {
    kept_.push_back(std::move(event));
  } else {
    sink_.emit(event);
  }
}

void SessionEvents::hold_begins(EventFields fields) {
  tell(kEventHoldBegun, EventLevel::info, "writers are asked to freeze", std::move(fields));
  marks_.clear();
  holding_ = true;
}

void SessionEvents::mark(Phase phase) {
  if (!holding_ || find(phase) != nullptr) return;
  marks_.push_back({phase, clock_.now(), clock_.wall_now()});
}

const SessionEvents::Mark* SessionEvents::find(Phase phase) const {
  const auto found = std::find_if(marks_.begin(), marks_.end(),
                                  [&](const Mark& mark) { return mark.phase == phase; });
  return found == marks_.end() ? nullptr : &*found;
}

// Empty when the hold did not come that far.
std::string SessionEvents::between(Phase from, Phase to) const {
  const Mark* begun = find(from);
  const Mark* ended = find(to);
  return begun != nullptr && ended != nullptr ? in_milliseconds(ended->at - begun->at)
                                              : std::string();
}

// What went well during the hold, among what was kept, in the order in which it happened.
void SessionEvents::tell_course() {
  const auto keep = [&](const Mark* mark, int id, const char* message, EventFields fields) {
    if (mark == nullptr) return;
    EventRecord event = record(id, EventLevel::info, message, std::move(fields));
    event.when = mark->wall;
    kept_.push_back(std::move(event));
  };
  const Phase frozen = find(Phase::holding) != nullptr ? Phase::holding : Phase::pre_committing;
  keep(find(frozen), kEventWritersFrozen, "every writer of the set is frozen",
       {{"freeze_ms", between(Phase::freezing, frozen)}});
  keep(find(Phase::pre_committing), kEventCommitBegun, "the providers cut", {});
  const std::string commit_ms = between(Phase::pre_committing, Phase::thawing);
  if (find(Phase::post_committing) != nullptr && !commit_ms.empty())
    keep(find(Phase::thawing), kEventCommitEnded, "every volume is cut",
         {{"commit_ms", commit_ms}});
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const EventRecord& a, const EventRecord& b) { return a.when < b.when; });
  for (const EventRecord& event : kept_) sink_.emit(event);
  kept_.clear();
}

void SessionEvents::hold_ended(const HoldFacts& facts) {
  holding_ = false;
  const Mark* begun = find(Phase::freezing);
  const Duration whole = begun == nullptr ? Duration{0} : clock_.now() - begun->at;
  tell_course();
  EventFields fields{{"hold_ms", in_milliseconds(whole)},
                     {"writers", std::to_string(facts.writers)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) fields[name] = value;
  };
  add("commit_ms", between(Phase::pre_committing, Phase::thawing));
  if (facts.writers > 0) {
    fields["writer_hold_ms"] = in_milliseconds(facts.longest);
    fields["writer"] = facts.longest_writer;
  }
  if (facts.stall > Duration{0}) {
    fields["stall_ms"] = in_milliseconds(facts.stall);
    fields["stall_writer"] = facts.stall_writer;
  }
  add("broken", facts.broken);
  add("still_held", facts.still_held);
  const bool bad = !facts.broken.empty() || !facts.still_held.empty();
  std::string message = "the hold is over after " + fields["hold_ms"] + " ms";
  if (!facts.broken.empty()) message += "; it was broken by " + facts.broken;
  if (!facts.still_held.empty()) message += "; no answer to thaw from " + facts.still_held;
  tell(kEventHoldEnded, bad ? EventLevel::warning : EventLevel::info, std::move(message),
       std::move(fields));
}

}  // namespace stillframe::coordinator
