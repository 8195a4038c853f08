#include "framework/daemon/doctor/event_checks.hpp"

#include <array>
#include <map>

#include "framework/base/service_command.hpp"
#include "framework/coordinator/event_ids.hpp"
#include "framework/daemon/observe/event_ids.hpp"
#include "framework/daemon/remote/remote_events.hpp"

namespace stillframe::daemon {
namespace {

// An event that begins a trouble, the one that ends it (0: only a start does), and the field that
// says what it is about.
struct Trouble {
  int begins, ends;
  Severity severity;
  const char* check;
  const char* field;
  const char* object;  // where events have no such field
};

constexpr std::array kTroubles = {
    Trouble{coordinator::kEventProviderUnavailable, coordinator::kEventProviderJoined,
            Severity::warning, "provider.unavailable", "provider", "provider"},
    Trouble{coordinator::kEventOrphanLeft, coordinator::kEventOrphanDeleted, Severity::warning,
            "snapshot.orphan", "snapshot", "snapshot"},
    Trouble{coordinator::kEventJournalWriteFailed, 0, Severity::warning, "journal.failed", "",
            "journal"},
    Trouble{kEventMetricsListenFailed, 0, Severity::warning, "metrics.not_served", "", "metrics"},
    Trouble{kEventRemoteNotServed, kEventRemoteListens, Severity::warning, "remote.not_served",
            "address", "remote"},
};

std::string remedy_of(const Trouble& trouble, const std::string& object) {
  switch (trouble.begins) {
    case coordinator::kEventOrphanLeft:
      return "stillframe snapshot delete " + shell_word(object);
    case coordinator::kEventJournalWriteFailed:
      return "make room or mend the disk, then " + restart_command("stillframed", "stillframed");
    default:
      return "mend what it names, then " + restart_command("stillframed", "stillframed");
  }
}

Finding finding_of(const Trouble& trouble, const EventRecord& event, const std::string& object) {
  return {trouble.severity,
          trouble.check,
          object,
          event.message,
          "event " + std::to_string(event.id),
          remedy_of(trouble, object)};
}

std::string object_of(const Trouble& trouble, const EventRecord& event) {
  const auto field = event.fields.find(trouble.field);
  return field == event.fields.end() ? trouble.object : field->second;
}

// What a dead run left frozen and this one's start could not thaw. The next start tries again.
void note_failed_thaw(const EventRecord& event, Findings& findings) {
  if (event.id != coordinator::kEventRecoveredThaw || event.level != EventLevel::error) return;
  const auto place = event.fields.find("mount_point");
  findings.push_back({Severity::problem, "hold.left",
                      place == event.fields.end() ? "file system" : place->second, event.message,
                      "event 2001", restart_command("stillframed", "stillframed")});
}

}  // namespace

void check_events(const EventRing& ring, Findings& findings) {
  constexpr std::size_t kEverything = ~std::size_t{0};
  std::map<std::pair<int, std::string>, Finding> lasting;
  for (const SharedEvent& one : ring.after(0, kEverything).events) {
    const EventRecord& event = one->record;
    note_failed_thaw(event, findings);
    for (const Trouble& trouble : kTroubles) {
      const std::pair key{trouble.begins, object_of(trouble, event)};
      if (event.id == trouble.begins)
        lasting.insert_or_assign(key, finding_of(trouble, event, key.second));
      else if (event.id == trouble.ends)
        lasting.erase(key);
    }
  }
  for (auto& [key, finding] : lasting) findings.push_back(std::move(finding));
}

}  // namespace stillframe::daemon
