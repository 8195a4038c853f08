// What a backup tells of itself beyond what every session tells.
#include <algorithm>

#include "framework/coordinator/event_ids.hpp"
#include "framework/coordinator/session/backup_session.hpp"
#include "framework/model/enum_names.hpp"

namespace stillframe::coordinator {

EventFields BackupSession::facts() const {
  EventFields facts{{"backup", document_.backup.to_string()},
                    {"type", std::string(enum_name(document_.type))}};
  const SetId set = hold_set_ ? *hold_set_ : document_.set;
  if (!set.is_nil()) facts["set"] = set.to_string();
  return facts;
}

// A planned set that never came to be; the machine does not know of it.
void BackupSession::tell_not_planned(const Status& planned) {
  EventFields fields = facts();
  fields["kind"] = kind_;
  fields["phase"] = "planning";
  fields["failure"] = to_string(planned.error().code());
  events_.tell(kEventSetFailed, EventLevel::error,
               "failed while planning: " + planned.error().what(), std::move(fields));
}

void BackupSession::tell_provider_failed(const machine::Action& call, const Error& error) {
  const std::string step(machine::to_string(call.step));
  events_.tell(kEventProviderFailed, EventLevel::warning,
               "provider " + group_name(call.group) + " failed at " + step + ": " + error.what(),
               {{"provider", group_name(call.group)},
                {"step", step},
                {"failure", std::string(to_string(error.code()))}});
}

void BackupSession::tell_result() {
  if (!set_ && !hold_set_) return;  // streams only: what they are is known when they are closed
  constexpr std::size_t kComponentEventsMax = 64;
  const Evidence proof = evidence();
  EventFields fields = facts();
  fields["label"] = enum_name(proof.label);
  fields["components"] = std::to_string(proof.components.size());
  std::map<std::string, std::size_t> labels;
  for (const auto& component : proof.components) ++labels[std::string(enum_name(component.label))];
  for (const auto& [label, count] : labels)
    fields["labels"] += (fields["labels"].empty() ? "" : " ") + label + "=" + std::to_string(count);
  std::string providers;
  for (const auto& snapshot : proof.snapshots)
    if (providers.find(snapshot.provider_name) == std::string::npos)
      providers += (providers.empty() ? "" : ", ") + snapshot.provider_name;
  fields["providers"] = providers;
  fields["snapshots"] = std::to_string(proof.snapshots.size());
  const bool good = proof.label == Consistency::application_consistent;
  const std::string message = "the set is made: " + fields["label"] + ", " + proof.reason;
  events_.tell(kEventSetMade, good ? EventLevel::info : EventLevel::warning, message,
               std::move(fields));
  // Of many components those that are not as good as they could be come first.
  std::vector<const ComponentEvidence*> components;
  for (const auto& component : proof.components) components.push_back(&component);
  std::stable_sort(components.begin(), components.end(),
                   [](const auto* a, const auto* b) { return a->label > b->label; });
  if (components.size() > kComponentEventsMax) components.resize(kComponentEventsMax);
  for (const auto* component : components) tell_component(*component);
}

void BackupSession::tell_component(const ComponentEvidence& component) {
  const std::string label(enum_name(component.label));
  const bool good = component.label == Consistency::application_consistent;
  events_.tell(kEventComponentLabelled, good ? EventLevel::info : EventLevel::warning,
               "component " + component.name.full() + " is " + label + ": " + component.reason,
               {{"component", component.name.full()},
                {"writer", component.instance_name},
                {"writer_class", component.writer_class.to_string()},
                {"label", label},
                {"reason", component.reason}});
}

}  // namespace stillframe::coordinator
