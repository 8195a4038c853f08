#include "framework/model/merge_edits.hpp"

#include <functional>

#include <gmock/gmock.h>

#include "tests/model/sample_documents.hpp"

namespace stillframe {
namespace {

using testing::HasSubstr;
using Edit = std::function<void(BackupComponent&)>;

struct Field {
  std::string name;
  Edit edit;
};

BackupComponent sample() {
  return tests::full_backup_document().components[0];
}

const std::vector<Field>& backup_fields_of_writer() {
  static const std::vector<Field> fields = {
      {"stamp", [](auto& c) { c.stamp = "lsn:99"; }},
      {"metadata", [](auto& c) { c.metadata += "x"; }},
      {"partial_files", [](auto& c) { c.partial_files.pop_back(); }},
      {"differenced_files", [](auto& c) { c.differenced_files.clear(); }},
  };
  return fields;
}

const std::vector<Field>& restore_fields_of_writer() {
  static const std::vector<Field> fields = {
      {"restore.target", [](auto& c) { c.restore->target = RestoreTarget::alternate; }},
      {"restore.directed_targets", [](auto& c) { c.restore->directed_targets.clear(); }},
      {"restore.metadata", [](auto& c) { c.restore->metadata = "kept"; }},
  };
  return fields;
}

const std::vector<Field>& fields_of_requestor() {
  static const std::vector<Field> fields = {
      {"writer_class", [](auto& c) { c.writer_class = WriterClassId::generate(); }},
      {"writer_instance", [](auto& c) { c.writer_instance = WriterInstanceId::generate(); }},
      {"instance_name", [](auto& c) { c.instance_name += "2"; }},
      {"type", [](auto& c) { c.type = ComponentType::file_group; }},
      {"name", [](auto& c) { c.name.name += "2"; }},
      {"policy", [](auto& c) { c.policy = ConsistencyPolicy::skip; }},
      {"options", [](auto& c) { c.options.clear(); }},
      {"base", [](auto& c) { c.base.reset(); }},
      {"succeeded", [](auto& c) { c.succeeded = !c.succeeded; }},
      {"restore", [](auto& c) { c.restore.reset(); }},
      {"restore.selected", [](auto& c) { c.restore->selected = !c.restore->selected; }},
      {"restore.subcomponents", [](auto& c) { c.restore->subcomponents.clear(); }},
      {"restore.options", [](auto& c) { c.restore->options.clear(); }},
      {"restore.new_targets", [](auto& c) { c.restore->new_targets.clear(); }},
      {"restore.additional_restores", [](auto& c) { c.restore->additional_restores = false; }},
      {"restore.roll_forward", [](auto& c) { c.restore->roll_forward.reset(); }},
      {"restore.roll_forward_point", [](auto& c) { c.restore->roll_forward_point.clear(); }},
      {"restore.restore_name", [](auto& c) { c.restore->restore_name.clear(); }},
      {"restore.authoritative", [](auto& c) { c.restore->authoritative = false; }},
      {"restore.target_instance", [](auto& c) { c.restore->target_instance = {}; }},
      {"restore.status", [](auto& c) { c.restore->status = FileRestoreStatus::none; }},
      {"restore.mappings_used", [](auto& c) { c.restore->mappings_used.clear(); }},
      {"restore.moved_ranges_files", [](auto& c) { c.restore->moved_ranges_files.clear(); }},
      {"a field this version does not know", [](auto& c) { c.unknown.clear(); }},
  };
  return fields;
}

void expect_accepted(const Field& field, Verb during) {
  BackupComponent ours = sample(), edited = sample();
  field.edit(edited);
  Status merged = merge_writer_edits(ours, edited, during);
  ASSERT_TRUE(merged.ok()) << field.name << ": " << merged.error().what();
  EXPECT_EQ(ours, edited) << field.name;
}

void expect_refused(const Field& field, Verb during) {
  BackupComponent ours = sample(), edited = sample();
  field.edit(edited);
  Status merged = merge_writer_edits(ours, edited, during);
  ASSERT_FALSE(merged.ok()) << field.name << " in " << to_string(during);
  EXPECT_EQ(merged.error().code(), Errc::invalid_argument);
  EXPECT_THAT(merged.error().what(), HasSubstr("change " + field.name));
  EXPECT_EQ(ours, sample()) << "a refused edit must change nothing";
}

TEST(MergeWriterEdits, BackupFieldsAreTheWritersWhileItPreparesAndAfterTheSnapshot) {
  for (const Field& field : backup_fields_of_writer()) {
    expect_accepted(field, Verb::prepare_backup);
    expect_accepted(field, Verb::post_snapshot);
    expect_refused(field, Verb::pre_restore);
  }
}

TEST(MergeWriterEdits, RestoreFieldsAreTheWritersInPreRestoreOnly) {
  for (const Field& field : restore_fields_of_writer()) {
    expect_accepted(field, Verb::pre_restore);
    expect_refused(field, Verb::prepare_backup);
    expect_refused(field, Verb::post_restore);
  }
}

TEST(MergeWriterEdits, FailuresMayBeReportedWhereverEditsAreTaken) {
  const Field failure{"failures", [](auto& c) { c.failures.push_back({50, 1, "gone", "now"}); }};
  for (Verb verb : {Verb::prepare_backup, Verb::post_snapshot, Verb::pre_restore}) {
    expect_accepted(failure, verb);
  }
  expect_refused(failure, Verb::backup_complete);
}

TEST(MergeWriterEdits, TheRequestorsFieldsAreNeverTheWriters) {
  for (int number = 1; number <= kVerbs; ++number) {
    for (const Field& field : fields_of_requestor()) {
      expect_refused(field, static_cast<Verb>(number));
    }
  }
}

TEST(MergeWriterEdits, NothingMayChangeOnceTheBackupIsCompleteOrTheRestoreDone) {
  for (Verb verb :
       {Verb::backup_complete, Verb::post_restore, Verb::freeze, Verb::prepare_snapshot}) {
    for (const Field& field : backup_fields_of_writer()) expect_refused(field, verb);
    BackupComponent ours = sample();
    EXPECT_TRUE(merge_writer_edits(ours, sample(), verb).ok());
  }
}

TEST(MergeWriterEdits, AWriterCannotAddOrDropComponentsAndOneBadEditSpoilsAll) {
  std::vector<BackupComponent> ours = tests::full_backup_document().components;
  const auto before = ours;
  std::vector<BackupComponent> edited(ours.begin(), ours.begin() + 1);
  EXPECT_FALSE(merge_writer_edits(ours, edited, Verb::prepare_backup).ok());
  edited = ours;
  edited[0].stamp = "new";
  edited[1].options = "not mine";
  EXPECT_FALSE(merge_writer_edits(ours, edited, Verb::prepare_backup).ok());
  EXPECT_EQ(ours, before);
  edited[1].options = before[1].options;
  EXPECT_TRUE(merge_writer_edits(ours, edited, Verb::prepare_backup).ok());
  EXPECT_EQ(ours[0].stamp, "new");
}

}  // namespace
}  // namespace stillframe
