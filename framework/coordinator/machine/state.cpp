#include "framework/coordinator/machine/state.hpp"

#include <algorithm>
#include <bit>

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

// One cut that is atomic by itself holds all of `volumes`.
bool one_atomic_cut(const State& state, VolumeMask volumes) {
  for (const GroupSlot& group : state.groups) {
    if ((volumes & ~group.volumes) != 0) continue;
    if (group.atomicity == Atomicity::set) return true;
    return group.atomicity == Atomicity::volume && std::popcount(volumes) == 1;
  }
  return false;
}

}  // namespace

Consistency label_of(const State& state, const ComponentSlot& component) noexcept {
  const WriterSlot& writer = state.writers[component.writer];
  if (component.failure && component.policy == ConsistencyPolicy::skip) return Consistency::failed;
  if (writer.failed && component.policy == ConsistencyPolicy::skip) return Consistency::failed;
  const CutWindow cut = cut_window(state, component.volumes);
  const bool sound = !writer.failed && !component.failure;
  if (!cut.any) {
    // Nothing was cut for it: only the writer's own stream can deliver it, and its word is the
    // proof.
    const bool streams =
        sound && component.volumes == 0 && writer.capabilities.has(Capability::streaming);
    return streams ? Consistency::application_consistent : Consistency::failed;
  }
  if (sound && writer.hold && writer.hold->unbroken && writer.hold->from <= cut.begun &&
      cut.ended <= writer.hold->until) {
    return writer.hold->asserted_only ? Consistency::application_asserted
                                      : Consistency::application_consistent;
  }
  return one_atomic_cut(state, component.volumes) ? Consistency::crash_consistent
                                                  : Consistency::fuzzy;
}

}  // namespace stillframe::machine
