#include "framework/coordinator/session/restore_targets.hpp"

#include <algorithm>

#include "framework/model/environment.hpp"
#include "framework/model/path_text.hpp"

namespace stillframe::coordinator {
namespace {

// Members of a component set are restored with it: their names lie below the set's.
bool is_member(const ComponentName& name, const ComponentName& of) {
  return name == of || name.full().starts_with(of.full() + "/");
}

bool is_within_place(const BytePath& target, const BytePath& place) {
  const auto directory = expand_path(place, {});  // documents arrive with their variables replaced
  return directory.ok() && is_beneath_or_equal(target, trim_slashes(directory.value()));
}

bool lies_in(const BytePath& target, const WriterMetadata& writer, const ComponentName& component) {
  const auto owns = [&](const FileSet& files) { return is_within_place(target, files.path); };
  for (const Component& one : writer.components)
    if (is_member(one.name, component) && std::any_of(one.files.begin(), one.files.end(), owns))
      return true;
  return std::any_of(writer.alternate_mappings.begin(), writer.alternate_mappings.end(),
                     [&](const AlternateMapping& mapping) {
                       return is_within_place(target, mapping.destination);
                     });
}

Status check_one(const AgreedTargets& agreed, const ComponentName& component,
                 const BytePath& target) {
  const auto path = expand_path(target, {});
  if (path.ok() && is_plain_absolute(path.value())) {
    const BytePath place = trim_slashes(path.value());
    if (agreed.writer != nullptr && lies_in(place, *agreed.writer, component)) return Ok{};
    if (std::any_of(agreed.roots.begin(), agreed.roots.end(),
                    [&](const BytePath& root) { return is_beneath_or_equal(place, root); }))
      return Ok{};
  }
  return Error(Errc::access_denied,
               "component " + component.full() + " may not be restored to '" + escape_path(target) +
                   "', which is no place of its writer's and below no restore_roots of "
                   "stillframe.toml; choose another place, or have the right 'redirect'");
}

}  // namespace

Status check_targets(const AgreedTargets& agreed, const BackupComponent& component) {
  if (!component.restore) return Ok{};
  for (const NewTarget& target : component.restore->new_targets)
    if (Status s = check_one(agreed, component.name, target.destination); !s.ok()) return s;
  for (const DirectedTarget& target : component.restore->directed_targets)
    if (Status s = check_one(agreed, component.name, target.destination_path); !s.ok()) return s;
  return check_targets(agreed, component.name, component.restore->mappings_used);
}

Status check_targets(const AgreedTargets& agreed, const ComponentName& component,
                     const std::vector<AlternateMapping>& mappings_used) {
  for (const AlternateMapping& mapping : mappings_used)
    if (Status s = check_one(agreed, component, mapping.destination); !s.ok()) return s;
  return Ok{};
}

Status check_targets(const AgreedTargets& agreed, const RestoreRegistration& registration) {
  std::vector<const BytePath*> targets;
  for (const auto& [before, after] : registration.moved)
    if (before != after) targets.push_back(&after);
  for (const BytePath* path : {&registration.checkpoint_path, &registration.log_path})
    if (!path->empty()) targets.push_back(path);
  for (const BytePath* target : targets)
    if (Status s = check_one(agreed, registration.component, *target); !s.ok()) return s;
  return Ok{};
}

}  // namespace stillframe::coordinator
