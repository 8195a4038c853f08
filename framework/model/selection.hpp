// Which components a backup is about: selectors in, explicit components with their implicit members
// out. The rules of selectability are those of docs/decisions/0010-component-sets.md.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe {

// An explicit component: it gets an entry in the backup document.
struct SelectedComponent {
  std::size_t writer = 0;             // index among the writers given
  std::size_t component = 0;          // index among that writer's components
  std::vector<std::size_t> implicit;  // members of its set, at any depth
  bool mandatory = false;             // not asked for: it belongs to every backup of its writer
  std::optional<ConsistencyPolicy> policy;  // its own; empty: that of the backup or the set
  std::string options;
  std::optional<ChainBase> base;
};

struct LeftOutComponent {
  std::size_t writer = 0;
  std::size_t component = 0;
  std::string reason;
};

struct Selection {
  std::vector<SelectedComponent> components;  // by writer, then in the order of the metadata
  std::vector<LeftOutComponent> left_out;     // every other component of every writer
};

// Strict: a selector that names nothing, names a component that cannot be backed up alone, fits
// more than one writer without being "*", or contradicts another one is an error that says which
// and why. More exact selectors give their settings to what several choose: a full name beats a
// prefix, a prefix beats "*". Writers that match `exclude_writers` are not looked at.
Result<Selection> select_components(std::span<const WriterMetadata* const> writers,
                                    std::span<const ComponentSelector> selectors,
                                    const std::vector<std::string>& exclude_writers = {});

// Whether `text` names this writer: its name, instance name, class id or instance id.
bool names_writer(const WriterMetadata& writer, const std::string& text);

// The entries of the backup document, in the selection's order.
std::vector<BackupComponent> make_backup_components(std::span<const WriterMetadata* const> writers,
                                                    const Selection& selection);

// A component of the selection that must go together with one that is missing. Only direct ones:
// what is added for them is judged in turn, so that cycles end by themselves.
struct UnmetDependency {
  enum class Kind { writer_absent, component_absent, not_selected, remote };
  Kind kind = Kind::not_selected;
  std::size_t writer = 0;
  std::size_t component = 0;
  Dependency dependency;
  std::string to_string(std::span<const WriterMetadata* const> writers) const;
};

// Dependencies on other hosts are always in the list: whoever runs the backup must answer for them.
std::vector<UnmetDependency> unmet_dependencies(std::span<const WriterMetadata* const> writers,
                                                const Selection& selection);

}  // namespace stillframe
