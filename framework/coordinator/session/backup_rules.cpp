#include "framework/coordinator/session/backup_rules.hpp"

#include <algorithm>

#include "framework/model/consistency.hpp"

namespace stillframe::coordinator {
namespace {

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Error broken(const BackupComponent& component, const std::string& why) {
  return Error(Errc::chain_broken, "component " + component.name.full() + " of " +
                                       component.instance_name + " cannot build on backup " +
                                       component.base->backup.to_string() + ": " + why +
                                       "; take a full backup");
}

}  // namespace

Status check_receipt(const Receipt& receipt, const BackupDocument& document) {
  const auto wrong = [](const std::string& what) {
    return Error(Errc::invalid_argument,
                 "the receipt " + what + "; nothing was truncated, the session goes on");
  };
  if (receipt.session != document.session) return wrong("is of another session");
  if (receipt.backup != document.backup) return wrong("names another backup than the document");
  if (receipt.set != document.set) return wrong("names another snapshot set than the document");
  if (!is_sha256(receipt.manifest_sha256))
    return wrong("has no manifest hash (64 lower-case hex digits)");
  return Ok{};
}

Status check_chain(Journal& journal, const BackupComponent& component, const std::string& owner) {
  const ChainBase& base = *component.base;
  auto backup = journal.backup(base.backup);
  if (!backup.ok()) {
    if (backup.error().code() == Errc::not_found)
      return broken(component, "this coordinator knows no such backup");
    return backup.error();
  }
  if (backup.value().chain_owner != owner || (!base.owner.empty() && base.owner != owner))
    return broken(component, "its chain is kept by '" + backup.value().chain_owner +
                                 "', and this backup is taken for '" + owner + "'");
  const auto& known = backup.value().components;
  const auto entry = std::find_if(known.begin(), known.end(), [&](const JournalledComponent& c) {
    return c.writer_class == component.writer_class && c.instance_name == component.instance_name &&
           c.name == component.name;
  });
  if (entry == known.end()) return broken(component, "that backup does not hold it");
  if (!can_be_base(entry->label))
    return broken(component, "it was not application-consistent there");
  if (!entry->completed) return broken(component, "its writer did not complete that backup");
  if (!base.stamp.empty() && base.stamp != entry->stamp)
    return broken(component, "its stamp there is another one");
  return Ok{};
}

ComponentEvidence judge_component(const JudgedComponent& judged, Consistency machine_label,
                                  const std::vector<SnapshotEvidence>& snapshots) {
  ComponentFacts facts;
  // A component that may be had degraded is judged by its cuts alone when its writer failed.
  if (machine_label == Consistency::failed) facts.writer_failure = judged.writer_failure;
  facts.hold = judged.hold;
  facts.cuts = judged.cuts;
  facts.places = judged.places;
  facts.uncovered = judged.gaps;
  facts.streamed = judged.streamed;
  const Label concluded = label_component(facts, snapshots);

  ComponentEvidence evidence;
  evidence.writer_class = judged.component->writer_class;
  evidence.instance_name = judged.component->instance_name;
  evidence.name = judged.component->name;
  evidence.hold = judged.hold;
  evidence.cuts = judged.cuts;
  evidence.failures = judged.component->failures;
  evidence.label = concluded.label;
  evidence.reason = concluded.reason;
  if (machine_label > concluded.label) {
    evidence.label = machine_label;
    evidence.reason = "its hold proves less than its cuts would need";
  }
  if (facts.writer_failure.empty() && !judged.writer_failure.empty())
    evidence.reason += "; its writer failed: " + judged.writer_failure;
  return evidence;
}

}  // namespace stillframe::coordinator
