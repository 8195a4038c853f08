// What a backup must satisfy beyond its order: receipts that fit, chains that are whole, labels
// that are proven.
#pragma once

#include <map>
#include <vector>

#include "framework/coordinator/journal/journal.hpp"
#include "framework/coordinator/machine/state.hpp"
#include "framework/model/consistency.hpp"

namespace stillframe::coordinator {

// invalid_argument says what of the receipt is not this backup's.
Status check_receipt(const Receipt& receipt, const BackupDocument& document);

// Whether `component` may build on its base: known here, of the same owner, completed by its writer
// and consistent enough. chain_broken says why not and that a full backup mends it.
Status check_chain(Journal& journal, const BackupComponent& component, const std::string& owner);

// One component as evidence sees it.
struct JudgedComponent {
  const BackupComponent* component = nullptr;
  const machine::ComponentSlot* slot = nullptr;
  std::string writer_failure;  // empty when its writer did well
  std::optional<HoldStatement> hold;
  std::vector<SnapshotId> cuts;
  std::vector<FilePlace> places;
  std::vector<std::string> gaps;
  bool streamed = false;
};

// The label is the worse of what the model concludes from the facts and what the machine, which
// enforces policies, allowed.
ComponentEvidence judge_component(const JudgedComponent& judged, Consistency machine_label,
                                  const std::vector<SnapshotEvidence>& snapshots);

}  // namespace stillframe::coordinator
