#include <unordered_set>

#include "framework/model/field_rules.hpp"
#include "framework/model/option_string.hpp"
#include "framework/model/path_text.hpp"
#include "framework/model/ranges.hpp"
#include "framework/model/validate.hpp"

namespace stillframe {
namespace {

using namespace field_rules;

Status file_name(std::string_view field, const BytePath& value) {
  if (value.size() <= kBytePathBytesMax && is_plain_name(value)) return Ok{};
  return broken(field, "'" + escape_path(value.substr(0, 200)) + "' must be one file name");
}

Status ranges(std::string_view field, const std::vector<ByteRange>& value) {
  Status s = check_ranges(value);
  if (s.ok()) return s;
  return broken(field, s.error().what());
}

Status check(const PartialFile& partial) {
  if (Status s = all_of(directory("path", partial.path), file_name("name", partial.name),
                        ranges("ranges", partial.ranges), unknown_fields(partial.unknown));
      !s.ok()) {
    return s;
  }
  if (partial.ranges.empty() == partial.ranges_file.empty()) {
    return broken("ranges", "a partial file has either ranges or a ranges file");
  }
  return partial.ranges_file.empty() ? Ok{} : directory("ranges_file", partial.ranges_file);
}

Status check_partial_files(const BackupComponent& component, bool supported) {
  if (!supported && !component.partial_files.empty()) {
    return broken("partial_files", "the requestor does not support partial files");
  }
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < component.partial_files.size(); ++i) {
    const PartialFile& partial = component.partial_files[i];
    if (Status s = check(partial); !s.ok()) return within("partial_files", i, s.error());
    if (!seen.insert(trim_slashes(partial.path) + "/" + partial.name).second) {
      return within("partial_files", i, broken("name", "the file is there twice"));
    }
  }
  return Ok{};
}

Status check_differenced_files(const BackupComponent& component) {
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < component.differenced_files.size(); ++i) {
    const DifferencedFiles& files = component.differenced_files[i];
    if (Status s = all_of(directory("path", files.path), pattern("pattern", files.pattern),
                          unknown_fields(files.unknown));
        !s.ok()) {
      return within("differenced_files", i, s.error());
    }
    std::string identity = trim_slashes(files.path) + "/" + files.pattern;
    if (!seen.insert(std::move(identity)).second) {
      return within("differenced_files", i, broken("path", "the files are there twice"));
    }
  }
  return Ok{};
}

bool may_have_base(BackupType type) noexcept {
  return type == BackupType::incremental || type == BackupType::differential ||
         type == BackupType::log;
}

Status check_base(const ChainBase& base, BackupType type) {
  if (!may_have_base(type)) {
    return broken(
        "base", "a backup of type " + std::string(enum_name(type)) + " does not build on another");
  }
  if (base.backup.is_nil()) return broken("base.backup", "must not be nil");
  return text("base.owner", base.owner);
}

Status check(const NewTarget& target) {
  return all_of(directory("path", target.path), pattern("pattern", target.pattern),
                directory("destination", target.destination), unknown_fields(target.unknown));
}

Status check(const DirectedTarget& target) {
  if (target.source_ranges.size() != target.destination_ranges.size()) {
    return broken("destination_ranges", "must be as many as source_ranges");
  }
  for (std::size_t i = 0; i < target.source_ranges.size(); ++i) {
    if (target.source_ranges[i].length != target.destination_ranges[i].length) {
      return broken("destination_ranges[" + std::to_string(i) + "].length",
                    "differs from the source's");
    }
  }
  return all_of(
      directory("source_path", target.source_path), file_name("source_name", target.source_name),
      ranges("source_ranges", target.source_ranges),
      directory("destination_path", target.destination_path),
      file_name("destination_name", target.destination_name),
      ranges("destination_ranges", target.destination_ranges), unknown_fields(target.unknown));
}

Status check_roll_forward(const ComponentRestore& restore) {
  if (restore.roll_forward) {
    if (Status s = enumerator("roll_forward", *restore.roll_forward); !s.ok()) return s;
  }
  const bool partial = restore.roll_forward == RollForward::partial;
  if (partial && restore.roll_forward_point.empty()) {
    return broken("roll_forward_point", "rolling forward partially needs a point");
  }
  if (!partial && !restore.roll_forward_point.empty()) {
    return broken("roll_forward_point", "only partial roll-forward has a point");
  }
  return Ok{};
}

Status check_targets(const ComponentRestore& restore) {
  for (std::size_t i = 0; i < restore.new_targets.size(); ++i) {
    if (Status s = check(restore.new_targets[i]); !s.ok()) {
      return within("new_targets", i, s.error());
    }
  }
  if (Status s = enumerator("target", restore.target); !s.ok()) return s;
  const bool directed = restore.target == RestoreTarget::directed;
  if (directed == restore.directed_targets.empty()) {
    return broken("directed_targets",
                  directed ? "target `directed` needs at least one" : "need target `directed`");
  }
  for (std::size_t i = 0; i < restore.directed_targets.size(); ++i) {
    if (Status s = check(restore.directed_targets[i]); !s.ok()) {
      return within("directed_targets", i, s.error());
    }
  }
  return Ok{};
}

Status check_subcomponents(const ComponentRestore& restore, const ComponentName& head) {
  if (!restore.subcomponents.empty() && !restore.selected) {
    return broken("subcomponents", "are only restored with a selected component");
  }
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < restore.subcomponents.size(); ++i) {
    const ComponentName& name = restore.subcomponents[i];
    if (Status s = component_name(name); !s.ok()) return within("subcomponents", i, s.error());
    if (!name.full().starts_with(head.full() + "/")) {
      return within("subcomponents", i,
                    broken("name", "'" + name.full() + "' is not beneath '" + head.full() + "'"));
    }
    if (!seen.insert(name.full()).second) {
      return within("subcomponents", i, broken("name", "'" + name.full() + "' is there twice"));
    }
  }
  return Ok{};
}

Status check(const ComponentRestore& restore, const ComponentName& head) {
  if (auto options = parse_restore_options(restore.options); !options.ok()) {
    return broken("options", options.error().what());
  }
  return all_of(check_subcomponents(restore, head), check_roll_forward(restore),
                check_targets(restore), text("restore_name", restore.restore_name),
                enumerator("status", restore.status), unknown_fields(restore.unknown));
}

Status check(const BackupComponent& component, const BackupDocument& document) {
  if (component.writer_class.is_nil()) return broken("writer_class", "must not be nil");
  if (Status s =
          all_of(component_name(component.name), enumerator("type", component.type),
                 enumerator("policy", component.policy),
                 text("instance_name", component.instance_name), unknown_fields(component.unknown));
      !s.ok()) {
    return s;
  }
  if (component.base) {
    if (Status s = check_base(*component.base, document.type); !s.ok()) return s;
  }
  if (Status s = check_partial_files(component, document.partial_file_support); !s.ok()) return s;
  if (Status s = check_differenced_files(component); !s.ok()) return s;
  for (std::size_t i = 0; i < component.failures.size(); ++i) {
    const ComponentFailure& failure = component.failures[i];
    if (Status s = all_of(text("message", failure.message), text("phase", failure.phase));
        !s.ok()) {
      return within("failures", i, s.error());
    }
  }
  if (!component.restore) return Ok{};
  if (!document.restore_mode) return broken("restore", "the document is of a backup");
  Status s = check(*component.restore, component.name);
  return s.ok() ? s : within("restore", s.error());
}

}  // namespace

Status validate(const BackupDocument& document) {
  if (document.session.is_nil()) return broken("session", "must not be nil");
  if (document.backup.is_nil()) return broken("backup", "must not be nil");
  if (Status s =
          all_of(enumerator("type", document.type), text("chain_owner", document.chain_owner),
                 unknown_fields(document.unknown));
      !s.ok()) {
    return s;
  }
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < document.components.size(); ++i) {
    const BackupComponent& component = document.components[i];
    if (Status s = check(component, document); !s.ok()) return within("components", i, s.error());
    std::string key =
        component.writer_class.to_string() + component.instance_name + '\0' + component.name.full();
    if (!names.insert(std::move(key)).second) {
      return within("components", i,
                    broken("name", "component '" + component.name.full() + "' is there twice"));
    }
  }
  return Ok{};
}

}  // namespace stillframe
