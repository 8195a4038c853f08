#include <unordered_map>
#include <unordered_set>

#include "framework/model/field_rules.hpp"
#include "framework/model/overlap.hpp"
#include "framework/model/path_text.hpp"
#include "framework/model/validate.hpp"

namespace stillframe {
namespace {

using namespace field_rules;

constexpr std::uint32_t kMaskBits = 0x10F0F;
constexpr std::uint32_t kSchemaBits = 0xF77F;  // all but LSN, which is reserved, and unused places

Status check(const WriterIdentity& identity) {
  if (identity.class_id.is_nil()) return broken("class_id", "must not be nil");
  if (identity.hold_limit && identity.hold_limit->count() <= 0) {
    return broken("hold_limit_ms", "must be above zero, or absent");
  }
  return all_of(required_text("name", identity.name), text("instance_name", identity.instance_name),
                enumerator("usage", identity.usage), enumerator("source", identity.source),
                enumerator("level", identity.level));
}

Status check(const FileSet& files, ComponentType type) {
  if (files.is_log && type != ComponentType::database) {
    return broken("is_log", "only a database has log files");
  }
  if ((files.mask.bits & ~kMaskBits) != 0) return broken("mask", "has bits without a meaning");
  if (files.alternate_path) {
    if (Status s = directory("alternate_path", *files.alternate_path); !s.ok()) return s;
    if (trim_slashes(*files.alternate_path) == trim_slashes(files.path)) {
      return broken("alternate_path", "is the same as path");
    }
  }
  return all_of(directory("path", files.path), pattern("pattern", files.pattern),
                unknown_fields(files.unknown));
}

Status check(const Dependency& dependency, const WriterClassId& own_class) {
  if (dependency.writer_class.is_nil()) return broken("writer_class", "must not be nil");
  if (dependency.writer_class == own_class && dependency.host.empty()) {
    return broken("writer_class", "a dependency is on another writer; use a component set");
  }
  return all_of(component_name(dependency.component), text("host", dependency.host),
                unknown_fields(dependency.unknown));
}

Status check(const Component& component, const WriterClassId& own_class) {
  if (component.icon.size() > kIconBytesMax) return broken("icon", "is larger than 1 MiB");
  if (Status s = all_of(component_name(component.name), enumerator("type", component.type),
                        text("caption", component.caption), unknown_fields(component.unknown));
      !s.ok()) {
    return s;
  }
  for (std::size_t i = 0; i < component.files.size(); ++i) {
    if (Status s = check(component.files[i], component.type); !s.ok()) {
      return within("files", i, s.error());
    }
  }
  for (std::size_t i = 0; i < component.dependencies.size(); ++i) {
    if (Status s = check(component.dependencies[i], own_class); !s.ok()) {
      return within("dependencies", i, s.error());
    }
  }
  return Ok{};
}

Status check_components(const WriterMetadata& metadata) {
  if (metadata.components.empty()) return broken("components", "a writer has at least one");
  std::unordered_set<std::string> names;
  names.reserve(metadata.components.size());
  for (std::size_t i = 0; i < metadata.components.size(); ++i) {
    const Component& component = metadata.components[i];
    if (Status s = check(component, metadata.identity.class_id); !s.ok()) {
      return within("components", i, s.error());
    }
    if (std::string name = component.name.full(); !names.insert(name).second) {
      return within("components", i, broken("name", "component '" + name + "' is there twice"));
    }
  }
  return Ok{};
}

std::string field_of(const FileSetPosition& at) {
  return "components[" + std::to_string(at.component) + "].files[" + std::to_string(at.files) + "]";
}

Status check_overlaps(const WriterMetadata& metadata) {
  const auto overlap = find_overlap(metadata);
  if (!overlap) return Ok{};
  return broken(field_of(overlap->second), "can claim the same file as " +
                                               field_of(overlap->first) +
                                               "; a file belongs to one file set");
}

Status check(const ExcludedFiles& excluded) {
  return all_of(directory("path", excluded.path), pattern("pattern", excluded.pattern),
                unknown_fields(excluded.unknown));
}

Status check_excluded(std::string_view field, const std::vector<ExcludedFiles>& excluded) {
  for (std::size_t i = 0; i < excluded.size(); ++i) {
    if (Status s = check(excluded[i]); !s.ok()) return within(field, i, s.error());
  }
  return Ok{};
}

// What a mapping and a file set must have in common.
template <class T>
std::string identity_of(const T& files) {
  return trim_slashes(files.path) + "/" + files.pattern + (files.recursive ? "/r" : "/-");
}

std::unordered_map<std::string, FileSetPosition> file_sets_of(const WriterMetadata& metadata) {
  std::unordered_map<std::string, FileSetPosition> sets;
  for (std::size_t c = 0; c < metadata.components.size(); ++c) {
    const auto& files = metadata.components[c].files;
    for (std::size_t f = 0; f < files.size(); ++f) {
      sets.emplace(identity_of(files[f]), FileSetPosition{c, f});
    }
  }
  return sets;
}

Status check_mappings(const WriterMetadata& metadata) {
  auto unmapped = file_sets_of(metadata);
  std::unordered_set<std::string> mapped;
  for (std::size_t i = 0; i < metadata.alternate_mappings.size(); ++i) {
    const AlternateMapping& mapping = metadata.alternate_mappings[i];
    if (Status s =
            all_of(directory("path", mapping.path), pattern("pattern", mapping.pattern),
                   directory("destination", mapping.destination), unknown_fields(mapping.unknown));
        !s.ok()) {
      return within("alternate_mappings", i, s.error());
    }
    const std::string identity = identity_of(mapping);
    if (!mapped.insert(identity).second) {
      return within("alternate_mappings", i, broken("path", "the file set is mapped twice"));
    }
    if (unmapped.erase(identity) == 0) {
      return within("alternate_mappings", i,
                    broken("path", "no file set has this path, pattern and recursion"));
    }
  }
  if (metadata.restore.method == RestoreMethod::restore_to_alternate_location &&
      !unmapped.empty()) {
    return broken(field_of(unmapped.begin()->second),
                  "restore_to_alternate_location needs an alternate mapping for it");
  }
  return Ok{};
}

bool has_log_files(const WriterMetadata& metadata) {
  for (const Component& component : metadata.components) {
    for (const FileSet& files : component.files) {
      if (files.is_log) return true;
    }
  }
  return false;
}

Status check_schema(const WriterMetadata& metadata) {
  const BackupSchema& schema = metadata.schema;
  const bool incremental = schema.has(BackupSchema::kIncremental);
  const bool differential = schema.has(BackupSchema::kDifferential);
  if ((schema.bits & ~kSchemaBits) != 0) return broken("schema", "has bits without a meaning");
  if (schema.has(BackupSchema::kExclusiveIncrementalDifferential) &&
      !(incremental && differential)) {
    return broken("schema", "exclusive_incremental_differential needs both of the two");
  }
  if (schema.has(BackupSchema::kLog) && !has_log_files(metadata)) {
    return broken("schema", "log backups need a file set marked is_log");
  }
  if (schema.has(BackupSchema::kTimestamped) && !incremental && !differential) {
    return broken("schema", "timestamped needs incremental or differential");
  }
  if (schema.has(BackupSchema::kLastModify) && !incremental && !differential) {
    return broken("schema", "last_modify needs incremental or differential");
  }
  return Ok{};
}

Status check(const RestorePolicy& restore) {
  if (Status s =
          all_of(enumerator("method", restore.method), enumerator("events", restore.events),
                 text("service", restore.service), text("user_procedure", restore.user_procedure),
                 unknown_fields(restore.unknown));
      !s.ok()) {
    return s;
  }
  const bool needs_service = restore.method == RestoreMethod::stop_restore_start ||
                             restore.method == RestoreMethod::restore_stop_start;
  if (needs_service && restore.service.empty()) {
    return broken("service", std::string(enum_name(restore.method)) + " needs a service");
  }
  if (restore.method == RestoreMethod::custom && restore.user_procedure.empty()) {
    return broken("user_procedure", "custom needs one: what must a person do?");
  }
  return Ok{};
}

}  // namespace

Status validate(const WriterMetadata& metadata) {
  if (Status s = check(metadata.identity); !s.ok()) return within("identity", s.error());
  if (Status s = check(metadata.restore); !s.ok()) return within("restore", s.error());
  if (Status s = check_components(metadata); !s.ok()) return s;
  if (Status s = check_schema(metadata); !s.ok()) return s;
  if (Status s = check_excluded("exclude", metadata.exclude); !s.ok()) return s;
  if (Status s = check_excluded("exclude_from_snapshot", metadata.exclude_from_snapshot); !s.ok()) {
    return s;
  }
  if (Status s = check_mappings(metadata); !s.ok()) return s;
  if (Status s = check_overlaps(metadata); !s.ok()) return s;
  return unknown_fields(metadata.unknown);
}

}  // namespace stillframe
