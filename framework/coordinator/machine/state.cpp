#include "framework/coordinator/machine/state.hpp"

#include <algorithm>
#include <bit>

#include "framework/model/consistency.hpp"

namespace stillframe::machine {

State State::backup(const SessionOptions& options) {
  State state;
  state.restart(Phase::created, options);
  return state;
}

State State::restore(const SessionOptions& options) {
  State state;
  state.restart(Phase::restore_created, options);
  return state;
}

void State::restart(Phase first_phase, const SessionOptions& session_options) {
  auto kept_writers = std::move(writers);
  auto kept_components = std::move(components);
  auto kept_groups = std::move(groups);
  auto kept_cuts = std::move(cuts);
  *this = State{};
  kept_writers.clear();
  kept_components.clear();
  kept_groups.clear();
  kept_cuts.clear();
  writers = std::move(kept_writers);
  components = std::move(kept_components);
  groups = std::move(kept_groups);
  cuts = std::move(kept_cuts);
  phase = first_phase;
  options = session_options;
}

bool drained(const State& state) noexcept {
  const auto idle = [](const auto& slot) { return slot.call == 0 && slot.side_call == 0; };
  return state.phase == Phase::ended &&
         std::all_of(state.writers.begin(), state.writers.end(), idle) &&
         std::all_of(state.groups.begin(), state.groups.end(), idle);
}

bool is_restore(const State& state) noexcept {
  return state.phase >= Phase::restore_created && state.phase <= Phase::restore_ending;
}

namespace {

struct CutWindow {
  BootTime begun, ended;
  bool any = false;
};

CutWindow cut_window(const State& state, VolumeMask volumes) {
  CutWindow window;
  for (const CutTimes& cut : state.cuts) {
    if (!state.hold_only && (volumes >> cut.volume & 1) == 0) continue;
    window.begun = window.any ? std::min(window.begun, cut.begun) : cut.begun;
    window.ended = window.any ? std::max(window.ended, cut.ended) : cut.ended;
    window.any = true;
  }
  return window;
}

// One provider cuts all of `volumes`, and at one instant.
bool one_atomic_cut(const State& state, VolumeMask volumes) {
  const auto cuts_all = [&](const GroupSlot& group) { return (volumes & ~group.volumes) == 0; };
  const auto group = std::find_if(state.groups.begin(), state.groups.end(), cuts_all);
  return group != state.groups.end() &&
         shows_one_instant(group->atomicity, static_cast<std::size_t>(std::popcount(volumes)));
}

}  // namespace

bool given_up(const State& state) noexcept {
  if (!state.failure) return false;
  return state.failure->event == EventKind::abort || state.failure->event == EventKind::end;
}

Consistency label_of(const State& state, const ComponentSlot& component) noexcept {
  const WriterSlot& writer = state.writers[component.writer];
  const bool sound = !writer.failed && !component.failure;
  const CutWindow window = cut_window(state, component.volumes);
  Proof proof;
  proof.cut = window.any;
  // Where nothing is cut for it, only its writer's own stream can deliver it.
  proof.streamed =
      sound && component.volumes == 0 && writer.capabilities.has(Capability::streaming);
  proof.lost =
      (!sound && component.policy == ConsistencyPolicy::skip) || (!proof.cut && !proof.streamed);
  proof.one_instant = one_atomic_cut(state, component.volumes);
  proof.held = sound && writer.hold && writer.hold->unbroken &&
               spans(writer.hold->from, writer.hold->until, window.begun, window.ended);
  proof.asserted_only = writer.hold && writer.hold->asserted_only;
  return stillframe::label_of(proof);
}

}  // namespace stillframe::machine
