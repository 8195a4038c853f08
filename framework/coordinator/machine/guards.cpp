#include <algorithm>

#include "framework/coordinator/machine/context.hpp"
#include "framework/model/consistency.hpp"

namespace stillframe::machine {
namespace {

bool requires_more(const State& state, const WriterSlot& writer) noexcept {
  for (ComponentIndex i = writer.first_component; i != kNone;) {
    const ComponentSlot& component = state.components[i];
    if (component.failure && component.policy == ConsistencyPolicy::require) return true;
    i = component.next_of_writer;
  }
  return false;
}

bool unforgiven(const WriterSlot& writer) noexcept {
  return writer.selected && !writer.failed && writer.policy == ConsistencyPolicy::require;
}

bool fails_set(const State& state, const Event& event) noexcept {
  if (event.kind == EventKind::phase_timeout) {
    return std::any_of(state.writers.begin(), state.writers.end(), [](const WriterSlot& writer) {
      return writer.call != 0 && unforgiven(writer);
    });
  }
  const WriterSlot& writer = state.writers[event.writer];
  if (event.kind == EventKind::writer_answered) {
    if (!event.failure) return false;
    if (*event.failure == Errc::partial_failure) return requires_more(state, writer);
  }
  return unforgiven(writer);
}

bool proof_missing(const State& state) noexcept {
  return std::any_of(state.components.begin(), state.components.end(), [&](const auto& component) {
    return judge(label_of(state, component), component.policy) == PolicyVerdict::fail_set;
  });
}

bool call_under_way(const State& state) noexcept {
  return std::any_of(state.writers.begin(), state.writers.end(),
                     [](const WriterSlot& writer) { return writer.call != 0; });
}

bool registration_open(const State& state) noexcept {
  return std::any_of(state.components.begin(), state.components.end(), [](const auto& component) {
    return component.staged == ComponentSlot::Staged::registered;
  });
}

bool truncation_due(const State& state, const Event& event) noexcept {
  const WriterSlot& writer = state.writers[event.writer];
  const bool well = !event.failure || *event.failure == Errc::partial_failure;
  if (!well || writer.failed) return false;
  return next_truncation(state, writer, writer.call_component) != kNone;
}

}  // namespace

bool holds(Guard guard, const State& state, const Event& event) noexcept {
  switch (guard) {
    case Guard::always:
      return true;
    case Guard::hold_only:
      return state.hold_only;
    case Guard::fails_set:
      return fails_set(state, event);
    case Guard::more_freeze_levels:
      return state.level + 1 < kFreezeLevels;
    case Guard::more_thaw_levels:
      return state.level >= 0;
    case Guard::proof_missing:
      return proof_missing(state);
    case Guard::operation_failed:
      return event.failure.has_value();
    case Guard::begin_prepared:
      return state.groups[event.group].step == ProviderStep::begin_prepare;
    case Guard::closing:
      return state.closing;
    case Guard::receipt_invalid:
      return event.complete == nullptr || !event.complete->receipt_valid;
    case Guard::call_under_way:
      return call_under_way(state);
    case Guard::can_call:
    case Guard::can_register:
    case Guard::can_complete:
      return !objection(state, event);
    case Guard::registration_open:
      return registration_open(state);
    case Guard::truncation_due:
      return truncation_due(state, event);
    case Guard::awaited:
      return state.writers[event.writer].awaited;
  }
  return false;
}

}  // namespace stillframe::machine
