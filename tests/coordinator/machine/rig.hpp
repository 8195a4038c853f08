// A session in the hand of a test: events go in by name, and what the machine asked for is kept.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "framework/coordinator/machine/machine.hpp"

namespace stillframe::machine::tests {

class Rig {
 public:
  explicit Rig(State initial, const Table& table = session_table())
      : state(std::move(initial)), table_(table) {}

  // Steps and keeps the actions in `actions` (of this step) and `history`.
  Rig& send(Event event) {
    actions.clear();
    std::vector<RowIndex> taken;
    step(table_, state, event, now, actions, &taken);
    rows.insert(rows.end(), taken.begin(), taken.end());
    history.insert(history.end(), actions.begin(), actions.end());
    return *this;
  }
  Rig& ask(EventKind kind, RequestId request = 1) {
    Event event;
    event.kind = kind;
    event.request = request;
    return send(event);
  }
  Rig& happens(EventKind kind) { return ask(kind, 0); }

  Rig& gather(const std::vector<WriterSpec>& writers) {
    Event event;
    event.kind = EventKind::gather;
    event.request = 1;
    event.writers = writers;
    return send(event);
  }
  Rig& select(const std::vector<ComponentSpec>& components) {
    Event event;
    event.kind = EventKind::select;
    event.request = 2;
    event.components = components;
    return send(event);
  }
  Rig& snapshot(const std::vector<GroupSpec>& groups, const std::vector<VolumeMask>& volumes,
                EventKind kind = EventKind::snapshot) {
    SetSpec set;
    set.groups = groups;
    set.component_volumes = volumes;
    set.auto_release = auto_release;
    Event event;
    event.kind = kind;
    event.request = 4;
    event.set = &set;
    return send(event);
  }
  Rig& complete(bool receipt, const std::vector<std::uint8_t>& succeeded) {
    CompleteSpec results{receipt, succeeded};
    Event event;
    event.kind = EventKind::complete;
    event.request = 5;
    event.complete = &results;
    return send(event);
  }

  Event answer_event(WriterIndex writer, std::optional<Errc> failure = {}) const {
    Event event;
    event.kind = EventKind::writer_answered;
    event.writer = writer;
    event.seq = state.writers[writer].call;
    event.failure = failure;
    event.hold = {held_from, held_until, true, false};
    return event;
  }
  Rig& answer(WriterIndex writer, std::optional<Errc> failure = {}) {
    return send(answer_event(writer, failure));
  }
  // Every writer that is asked something says yes.
  Rig& all_writers_answer() {
    for (WriterIndex i = 0; i < state.writers.size(); ++i) {
      if (state.writers[i].call != 0) answer(i);
    }
    return *this;
  }
  Rig& provider_answers(GroupIndex group, std::optional<Errc> failure = {}) {
    std::vector<CutTimes> cuts;
    for (std::uint8_t volume = 0; volume < kVolumesMax; ++volume) {
      if ((state.groups[group].volumes >> volume & 1) != 0) cuts.push_back({volume, now, now});
    }
    Event event;
    event.kind = EventKind::provider_answered;
    event.group = group;
    event.seq = state.groups[group].call;
    event.failure = failure;
    event.cuts = cuts;
    return send(event);
  }
  Rig& all_providers_answer() {
    for (GroupIndex i = 0; i < state.groups.size(); ++i) {
      if (state.groups[i].call != 0) provider_answers(i);
    }
    return *this;
  }
  Rig& operation(EventKind kind, std::optional<Errc> failure = {}) {
    Event event;
    event.kind = kind;
    event.seq = state.operation;
    event.failure = failure;
    return send(event);
  }
  Rig& fire(EventKind timeout, std::uint32_t writer = kNone) {
    Event event;
    event.kind = timeout;
    event.writer = writer;
    switch (timeout) {
      case EventKind::phase_timeout:
        event.seq = state.phase_timer;
        break;
      case EventKind::commit_timeout:
        event.seq = state.commit_timer;
        break;
      case EventKind::hold_timeout:
        event.seq = state.writers[writer].hold_timer;
        break;
      case EventKind::call_timeout:
        event.seq = state.writers[writer].call;
        break;
      default:
        event.seq = state.start_timer;
        break;
    }
    return send(event);
  }
  Rig& writer_event(EventKind kind, WriterIndex writer, std::uint32_t component = kNone,
                    RequestId request = 0) {
    Event event;
    event.kind = kind;
    event.writer = writer;
    event.component = component;
    event.request = request;
    return send(event);
  }
  Rig& provider_gone(GroupIndex group) {
    Event event;
    event.kind = EventKind::provider_gone;
    event.group = group;
    return send(event);
  }

  // Says yes to everything until the session waits for its requestor or for an event, or stands in
  // `until`.
  Rig& run(Phase until = Phase::ended) {
    for (int i = 0; i < 200 && state.phase != until; ++i) {
      if (info(state.phase).kind != PhaseKind::waiting) return *this;
      if (state.operation != 0) {
        operation(state.phase == Phase::queued     ? EventKind::turn_granted
                  : state.phase == Phase::flushing ? EventKind::flushed
                                                   : EventKind::journalled);
      } else if (any_call(state.writers)) {
        const auto it = std::find_if(state.writers.begin(), state.writers.end(),
                                     [](const auto& w) { return w.call != 0; });
        answer(static_cast<WriterIndex>(it - state.writers.begin()));
      } else if (any_call(state.groups)) {
        const auto it = std::find_if(state.groups.begin(), state.groups.end(),
                                     [](const auto& g) { return g.call != 0; });
        provider_answers(static_cast<GroupIndex>(it - state.groups.begin()));
      } else {
        return *this;
      }
    }
    return *this;
  }

  // ---- what the machine asked for in the last step

  std::vector<std::string> calls() const { return calls_in(actions); }
  // "freeze 0", "commit of 1": calls in order.
  static std::vector<std::string> calls_in(const Actions& list) {
    std::vector<std::string> names;
    for (const Action& action : list) {
      if (action.kind == ActionKind::call_writer) {
        names.push_back(std::string(stillframe::to_string(action.verb)) + " " +
                        std::to_string(action.writer));
      } else if (action.kind == ActionKind::call_provider) {
        names.push_back(std::string(machine::to_string(action.step)) + " of " +
                        std::to_string(action.group));
      }
    }
    return names;
  }
  bool called(const std::string& call) const {
    const auto all = calls_in(history);
    return std::find(all.begin(), all.end(), call) != all.end();
  }
  bool acted(ActionKind kind) const {
    return std::any_of(actions.begin(), actions.end(),
                       [&](const Action& action) { return action.kind == kind; });
  }
  // What the journal was told last.
  std::optional<Record> last_record() const {
    std::optional<Record> last;
    for (const Action& action : history) {
      if (action.kind == ActionKind::journal) last = action.record;
    }
    return last;
  }
  // The failure a request was answered with; EXPECTs that it was answered exactly once.
  std::optional<Errc> reply_to(RequestId request) const {
    std::optional<Errc> failure;
    int count = 0;
    for (const Action& action : history) {
      if (action.kind != ActionKind::reply || action.request != request) continue;
      ++count;
      failure = action.failure;
    }
    EXPECT_EQ(count, 1) << "replies to request " << request;
    return failure;
  }

  State state;
  BootTime now{std::chrono::seconds(1000)};
  BootTime held_from{std::chrono::seconds(0)}, held_until{std::chrono::seconds(2000)};
  bool auto_release = true;
  Actions actions, history;
  std::vector<RowIndex> rows;

 private:
  template <class Slots>
  static bool any_call(const Slots& slots) {
    return std::any_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.call != 0; });
  }

  const Table& table_;
};

inline WriterSpec writer(FreezeLevel level = FreezeLevel::front_end) {
  WriterSpec spec;
  spec.level = level;
  spec.capabilities.add(Capability::logs)
      .add(Capability::streaming)
      .add(Capability::restore_events)
      .add(Capability::staged_restore);
  return spec;
}

// Three writers, one a level, each with one component with logs on volume 0 and 1, cut by two
// providers; brought as far as `until`.
inline Rig backup(Phase until, ConsistencyPolicy policy = ConsistencyPolicy::require) {
  SessionOptions options;
  options.truncates = true;
  Rig rig(State::backup(options));
  if (until == Phase::created) return rig;
  rig.gather(
      {writer(FreezeLevel::system), writer(FreezeLevel::front_end), writer(FreezeLevel::back_end)});
  rig.run(until);
  if (rig.state.phase == until) return rig;
  rig.select({{0, policy, true}, {1, policy, true}, {2, policy, true}});
  rig.ask(EventKind::prepare, 3).run(until);
  if (rig.state.phase == until) return rig;
  rig.snapshot({{Atomicity::volume, 1}, {Atomicity::file, 2}}, {1, 2, 3}).run(until);
  if (rig.state.phase == until) return rig;
  rig.complete(true, {1, 1, 1}).run(until);
  if (rig.state.phase == until) return rig;
  rig.ask(EventKind::end, 6).run(until);
  return rig;
}

}  // namespace stillframe::machine::tests
