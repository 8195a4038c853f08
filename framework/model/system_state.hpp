// Which components are the system's state. See docs/decisions/0029-system-state.md.
#pragma once

#include <span>
#include <vector>

#include "framework/model/selection.hpp"

namespace stillframe {

// A component of a system writer (usage bootable_system_state or system_service) that is not marked
// not_system_state.
bool is_system_state(const WriterMetadata& writer, const Component& component) noexcept;

// `selectors` and, behind them, one for every component of the system state that they leave out and
// that can stand for itself. What they already choose keeps their settings; what is added has the
// defaults. Errors are those of select_components().
Result<std::vector<ComponentSelector>> with_system_state(
    std::span<const WriterMetadata* const> writers, std::span<const ComponentSelector> selectors,
    const std::vector<std::string>& exclude_writers = {});

// The components that a selection lacks of the system state it has begun: none when it holds
// nothing of it. Writers that promised independent_system_state neither begin nor complete it.
std::vector<LeftOutComponent> missing_system_state(std::span<const WriterMetadata* const> writers,
                                                   const Selection& selection);

}  // namespace stillframe
