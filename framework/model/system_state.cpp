#include "framework/model/system_state.hpp"

#include <algorithm>
#include <map>

#include "framework/model/component_tree.hpp"

namespace stillframe {
namespace {

using Writers = std::span<const WriterMetadata* const>;

const Component& component_of(Writers writers, const LeftOutComponent& out) {
  return writers[out.writer]->components[out.component];
}

bool is_independent(const WriterMetadata& writer) noexcept {
  return writer.schema.has(BackupSchema::kIndependentSystemState);
}

// Whether a selection holds something of the system state that is only whole together.
bool begins_system_state(Writers writers, const Selection& selection) {
  return std::any_of(
      selection.components.begin(), selection.components.end(), [&](const auto& selected) {
        const WriterMetadata& writer = *writers[selected.writer];
        if (is_independent(writer)) return false;
        if (is_system_state(writer, writer.components[selected.component])) return true;
        return std::any_of(
            selected.implicit.begin(), selected.implicit.end(),
            [&](std::size_t member) { return is_system_state(writer, writer.components[member]); });
      });
}

}  // namespace

bool is_system_state(const WriterMetadata& writer, const Component& component) noexcept {
  const UsageType usage = writer.identity.usage;
  return (usage == UsageType::bootable_system_state || usage == UsageType::system_service) &&
         !component.not_system_state;
}

Result<std::vector<ComponentSelector>> with_system_state(
    Writers writers, std::span<const ComponentSelector> selectors,
    const std::vector<std::string>& exclude_writers) {
  auto selection = select_components(writers, selectors, exclude_writers);
  if (!selection.ok()) return selection.error();
  std::vector<ComponentSelector> wanted(selectors.begin(), selectors.end());
  std::map<std::size_t, ComponentTree> trees;
  for (const LeftOutComponent& out : selection.value().left_out) {
    const WriterMetadata& writer = *writers[out.writer];
    const bool excluded =
        std::any_of(exclude_writers.begin(), exclude_writers.end(),
                    [&](const std::string& text) { return names_writer(writer, text); });
    if (excluded || !is_system_state(writer, component_of(writers, out))) continue;
    // A member comes with its head, which is in the list too; unless the head is no system state.
    const auto tree = trees.try_emplace(out.writer, writer).first;
    const auto head = tree->second.selectable_ancestor(out.component);
    if (head && is_system_state(writer, writer.components[*head])) continue;
    if (head && !component_of(writers, out).selectable_for_backup) continue;
    ComponentSelector& added = wanted.emplace_back();
    added.writer = writer.instance.to_string();
    added.component = component_of(writers, out).name.full();
  }
  return wanted;
}

std::vector<LeftOutComponent> missing_system_state(Writers writers, const Selection& selection) {
  std::vector<LeftOutComponent> missing;
  if (!begins_system_state(writers, selection)) return missing;
  for (const LeftOutComponent& out : selection.left_out) {
    const WriterMetadata& writer = *writers[out.writer];
    if (is_independent(writer) || !is_system_state(writer, component_of(writers, out))) continue;
    missing.push_back(out);
  }
  return missing;
}

}  // namespace stillframe
