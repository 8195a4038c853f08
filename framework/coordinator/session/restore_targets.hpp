// Where a writer may be told to put what is restored, when that is not the place it came from.
#pragma once

#include <vector>

#include <stillframe/backup_document.hpp>
#include <stillframe/writer.hpp>

namespace stillframe::coordinator {

struct AgreedTargets {
  const WriterMetadata* writer = nullptr;  // as it says today; null: it said nothing
  std::vector<BytePath> roots;             // that are good for every writer
};

// access_denied names the component, the target and the remedy: a target must lie in a directory
// that the component owns, in one that the writer names as another place for it, or below a root.
// Judged by its text, so one with "." or ".." in it is refused.
Status check_targets(const AgreedTargets& agreed, const BackupComponent& component);
Status check_targets(const AgreedTargets& agreed, const ComponentName& component,
                     const std::vector<AlternateMapping>& mappings_used);
// Those of a registration: new places of files, and logs. Files that stay where they are need no
// agreement.
Status check_targets(const AgreedTargets& agreed, const RestoreRegistration& registration);

}  // namespace stillframe::coordinator
