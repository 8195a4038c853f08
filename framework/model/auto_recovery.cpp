#include "framework/model/auto_recovery.hpp"

#include <algorithm>

namespace stillframe {

bool wants_recovery(const Component& component, bool for_rollback) noexcept {
  return component.backup_recovery || (for_rollback && component.rollback_recovery);
}

bool needs_writable_snapshots(std::span<const WriterMetadata* const> writers,
                              const Selection& selection, bool for_rollback) noexcept {
  const auto& chosen = selection.components;
  return std::any_of(chosen.begin(), chosen.end(), [&](const SelectedComponent& selected) {
    const WriterMetadata& writer = *writers[selected.writer];
    const auto wants = [&](std::size_t component) {
      return wants_recovery(writer.components[component], for_rollback);
    };
    return !writer.exclude_from_snapshot.empty() || wants(selected.component) ||
           std::any_of(selected.implicit.begin(), selected.implicit.end(), wants);
  });
}

}  // namespace stillframe
