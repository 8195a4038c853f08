// What requests bring along, and the verbs that are passed on to one writer.
#include <algorithm>

#include "framework/base/check.hpp"
#include "framework/coordinator/machine/context.hpp"
#include "framework/model/consistency.hpp"

namespace stillframe::machine {
namespace {

// A second abort or end finds the first under way and needs no more than to hear so.
void note_ending(Context& context, RequestId& place) {
  context.state.closing = true;
  if (place != 0) {
    reply(context, context.event.request, std::nullopt);
  } else {
    place = context.event.request;
  }
}

// A set may be stricter or more lenient than the preparation was; a writer is as strict as the
// strictest of its components.
void note_policies(State& state, std::span<const ConsistencyPolicy> policies) {
  if (policies.empty()) return;
  STILLFRAME_CHECK(policies.size() == state.components.size(), "the driver names one for each");
  for (std::size_t i = 0; i < policies.size(); ++i) state.components[i].policy = policies[i];
  for (WriterSlot& writer : state.writers) {
    if (!writer.selected) continue;
    writer.policy = ConsistencyPolicy::skip;
    for (ComponentIndex i = writer.first_component; i != kNone;) {
      const ComponentSlot& component = state.components[i];
      writer.policy = std::min(writer.policy, component.policy);
      i = component.next_of_writer;
    }
  }
}

}  // namespace

void note_request(Context& context) {
  State& state = context.state;
  if (context.event.kind == EventKind::abort) return note_ending(context, state.abort_pending);
  if (context.event.kind == EventKind::end) return note_ending(context, state.end_pending);
  state.pending = context.event.request;
}

void note_writers(Context& context) {
  STILLFRAME_CHECK(context.event.writers.size() <= kWritersMax, "the driver bounds its writers");
  State& state = context.state;
  state.writers.clear();
  for (const WriterSpec& spec : context.event.writers) {
    WriterSlot& writer = state.writers.emplace_back();
    writer.level = spec.level;
    writer.capabilities = spec.capabilities;
    writer.hold_limit =
        std::min(state.options.limits.hold, spec.hold_limit.value_or(Duration::max()));
  }
}

void note_selection(Context& context) {
  State& state = context.state;
  STILLFRAME_CHECK(state.components.size() + context.event.components.size() <= kComponentsMax,
                   "the driver bounds its components");
  for (const ComponentSpec& spec : context.event.components) {
    STILLFRAME_CHECK(spec.writer < state.writers.size(), "the driver resolves selectors");
    WriterSlot& writer = state.writers[spec.writer];
    ComponentSlot& component = state.components.emplace_back();
    component.writer = spec.writer;
    component.policy = spec.policy;
    component.has_logs = spec.has_logs;
    component.next_of_writer = writer.first_component;
    writer.first_component = static_cast<ComponentIndex>(state.components.size() - 1);
    writer.policy = writer.selected ? std::min(writer.policy, spec.policy) : spec.policy;
    writer.selected = true;
  }
}

void note_set(Context& context) {
  State& state = context.state;
  state.hold_only = context.event.kind == EventKind::hold_begin;
  state.groups.clear();
  if (context.event.set == nullptr) return;
  const SetSpec& set = *context.event.set;
  state.auto_release = set.auto_release;
  for (const GroupSpec& spec : set.groups) {
    GroupSlot& group = state.groups.emplace_back();
    group.atomicity = spec.atomicity;
    group.volumes = spec.volumes;
  }
  const std::size_t count = std::min(set.component_volumes.size(), state.components.size());
  for (std::size_t i = 0; i < count; ++i) state.components[i].volumes = set.component_volumes[i];
  note_policies(state, set.policies);
}

// Logs may go for what is proven, published and whole; everything else keeps them.
void note_results(Context& context) {
  State& state = context.state;
  const auto succeeded = context.event.complete->succeeded;
  for (std::size_t i = 0; i < state.components.size(); ++i) {
    ComponentSlot& component = state.components[i];
    const WriterSlot& writer = state.writers[component.writer];
    component.succeeded = i < succeeded.size() && succeeded[i] != 0;
    component.truncate_due = component.succeeded && component.has_logs && !component.failure &&
                             state.options.truncates && writer.capabilities.has(Capability::logs) &&
                             can_be_base(component.label);
  }
}

void call_for_requestor(Context& context) {
  State& state = context.state;
  const Event& event = context.event;
  const Verb verb = verb_of(event.kind);
  const bool staged = is_restore(state);
  call_writer(context, event.writer, verb,
              staged ? state.options.limits.restore : state.options.limits.call);
  WriterSlot& writer = context.writer();
  writer.request = event.request;
  writer.call_component = event.component;
  Action& call = context.actions.back();
  call.request = event.request;
  call.component = event.component;
  call.copied_ok = event.copied_ok;
  if (verb != Verb::restore_register) return;
  // Before the answer: a registration whose answer is lost may stand.
  state.components[event.component].staged = ComponentSlot::Staged::registered;
  Action& journal = context.emit(ActionKind::journal);
  journal.record = Record::registration_opened;
  journal.component = event.component;
}

}  // namespace stillframe::machine
