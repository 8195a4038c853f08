#include <set>
#include <tuple>

#include "framework/model/component_tree.hpp"
#include "framework/model/selection.hpp"

namespace stillframe {
namespace {

using Writers = std::span<const WriterMetadata* const>;
using Kind = UnmetDependency::Kind;

// Everything the selection contains, explicit or not, by writer class and full name.
using Contents = std::set<std::pair<WriterClassId, std::string>>;

Contents contents_of(Writers writers, const Selection& selection) {
  Contents contents;
  for (const SelectedComponent& selected : selection.components) {
    const WriterMetadata& writer = *writers[selected.writer];
    const auto add = [&](std::size_t component) {
      contents.emplace(writer.identity.class_id, writer.components[component].name.full());
    };
    add(selected.component);
    for (const std::size_t member : selected.implicit) add(member);
  }
  return contents;
}

// What a dependency lacks; nothing when it is met. Any instance of the class will do.
std::optional<Kind> lack_of(Writers writers, const Contents& contents,
                            const Dependency& dependency) {
  if (!dependency.host.empty()) return Kind::remote;
  const std::string name = dependency.component.full();
  if (contents.contains({dependency.writer_class, name})) return std::nullopt;
  bool writer_there = false;
  for (const WriterMetadata* writer : writers) {
    if (writer->identity.class_id != dependency.writer_class) continue;
    writer_there = true;
    for (const Component& component : writer->components) {
      if (component.name == dependency.component) return Kind::not_selected;
    }
  }
  return writer_there ? Kind::component_absent : Kind::writer_absent;
}

}  // namespace

std::vector<UnmetDependency> unmet_dependencies(Writers writers, const Selection& selection) {
  const Contents contents = contents_of(writers, selection);
  std::vector<UnmetDependency> unmet;
  const auto judge_component = [&](std::size_t writer, std::size_t component) {
    for (const Dependency& dependency : writers[writer]->components[component].dependencies) {
      if (const auto kind = lack_of(writers, contents, dependency)) {
        unmet.push_back({*kind, writer, component, dependency});
      }
    }
  };
  for (const SelectedComponent& selected : selection.components) {
    judge_component(selected.writer, selected.component);
    for (const std::size_t member : selected.implicit) judge_component(selected.writer, member);
  }
  return unmet;
}

std::string UnmetDependency::to_string(Writers writers) const {
  const WriterMetadata& own = *writers[writer];
  const std::string other = "component '" + dependency.component.full() + "' of writer " +
                            dependency.writer_class.to_string();
  std::string text = "component '" + own.components[component].name.full() + "' of " +
                     own.identity.name + " must be backed up together with " + other;
  switch (kind) {
    case Kind::writer_absent:
      return text + ", and no such writer is here";
    case Kind::component_absent:
      return text + ", which that writer does not have";
    case Kind::not_selected:
      return text + ", which is not selected; select it too";
    case Kind::remote:
      return text + " on host '" + dependency.host + "'; back that up before this backup completes";
  }
  return text;
}

}  // namespace stillframe
