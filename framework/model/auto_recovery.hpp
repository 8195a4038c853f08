// Who needs to write into a snapshot before it is sealed.
#pragma once

#include <span>

#include "framework/model/selection.hpp"

namespace stillframe {

// Whether a component's writer recovers its files in the snapshot: always, or, for components that
// say so, in a snapshot that is taken to roll back to.
bool wants_recovery(const Component& component, bool for_rollback) noexcept;

// Whether anybody in the selection has something to do in its snapshots: a component to recover, or
// a writer files to take out. If not, they can be read-only from the start.
bool needs_writable_snapshots(std::span<const WriterMetadata* const> writers,
                              const Selection& selection, bool for_rollback) noexcept;

}  // namespace stillframe
