#include "framework/model/merge_edits.hpp"

namespace stillframe {
namespace {

// The name of the first field in which the two differ.
std::string first_difference(const ComponentRestore& a, const ComponentRestore& b) {
  if (a.selected != b.selected) return "selected";
  if (a.subcomponents != b.subcomponents) return "subcomponents";
  if (a.target_instance != b.target_instance) return "target_instance";
  if (a.options != b.options) return "options";
  if (a.new_targets != b.new_targets) return "new_targets";
  if (a.additional_restores != b.additional_restores) return "additional_restores";
  if (a.roll_forward != b.roll_forward) return "roll_forward";
  if (a.roll_forward_point != b.roll_forward_point) return "roll_forward_point";
  if (a.restore_name != b.restore_name) return "restore_name";
  if (a.authoritative != b.authoritative) return "authoritative";
  if (a.target != b.target) return "target";
  if (a.directed_targets != b.directed_targets) return "directed_targets";
  if (a.metadata != b.metadata) return "metadata";
  if (a.status != b.status) return "status";
  if (a.mappings_used != b.mappings_used) return "mappings_used";
  if (a.moved_ranges_files != b.moved_ranges_files) return "moved_ranges_files";
  if (a.unknown != b.unknown) return "a field this version does not know";
  return {};
}

std::string first_difference(const BackupComponent& a, const BackupComponent& b) {
  if (a.writer_class != b.writer_class) return "writer_class";
  if (a.writer_instance != b.writer_instance) return "writer_instance";
  if (a.instance_name != b.instance_name) return "instance_name";
  if (a.type != b.type) return "type";
  if (a.name != b.name) return "name";
  if (a.policy != b.policy) return "policy";
  if (a.options != b.options) return "options";
  if (a.base != b.base) return "base";
  if (a.stamp != b.stamp) return "stamp";
  if (a.metadata != b.metadata) return "metadata";
  if (a.partial_files != b.partial_files) return "partial_files";
  if (a.differenced_files != b.differenced_files) return "differenced_files";
  if (a.failures != b.failures) return "failures";
  if (a.succeeded != b.succeeded) return "succeeded";
  if (a.restore.has_value() != b.restore.has_value()) return "restore";
  if (a.restore) {
    if (std::string inner = first_difference(*a.restore, *b.restore); !inner.empty()) {
      return "restore." + inner;
    }
  }
  if (a.unknown != b.unknown) return "a field this version does not know";
  return {};
}

// `ours` with the fields that the writer may set during `during`, from `edited`.
BackupComponent with_allowed_edits(BackupComponent ours, const BackupComponent& edited,
                                   Verb during) {
  if (during == Verb::prepare_backup || during == Verb::post_snapshot) {
    ours.stamp = edited.stamp;
    ours.metadata = edited.metadata;
    ours.partial_files = edited.partial_files;
    ours.differenced_files = edited.differenced_files;
    ours.failures = edited.failures;
  } else if (during == Verb::pre_restore) {
    ours.failures = edited.failures;
    if (ours.restore && edited.restore) {
      ours.restore->target = edited.restore->target;
      ours.restore->directed_targets = edited.restore->directed_targets;
      ours.restore->metadata = edited.restore->metadata;
    }
  }
  return ours;
}

}  // namespace

Status merge_writer_edits(BackupComponent& ours, const BackupComponent& edited, Verb during) {
  BackupComponent merged = with_allowed_edits(ours, edited, during);
  if (const std::string field = first_difference(merged, edited); !field.empty()) {
    return Error(Errc::invalid_argument, "component '" + ours.name.full() + "': a writer may not " +
                                             "change " + field + " in " +
                                             std::string(to_string(during)));
  }
  ours = std::move(merged);
  return Ok{};
}

Status merge_writer_edits(std::vector<BackupComponent>& ours,
                          const std::vector<BackupComponent>& edited, Verb during) {
  if (ours.size() != edited.size()) {
    return Error(Errc::invalid_argument, "a writer was given " + std::to_string(ours.size()) +
                                             " components and answered with " +
                                             std::to_string(edited.size()));
  }
  std::vector<BackupComponent> merged = ours;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    if (Status s = merge_writer_edits(merged[i], edited[i], during); !s.ok()) return s;
  }
  ours = std::move(merged);
  return Ok{};
}

}  // namespace stillframe
