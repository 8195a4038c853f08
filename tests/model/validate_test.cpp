#include "framework/model/validate.hpp"

#include <functional>

#include <gmock/gmock.h>

#include "framework/model/overlap.hpp"
#include "tests/model/sample_documents.hpp"
#include "tests/model/sample_writers.hpp"

namespace stillframe {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

WriterMetadata good_metadata() {
  WriterMetadata metadata = tests::library_writer();
  metadata.components[4].type = ComponentType::database;
  metadata.components[4].files.push_back(tests::file_set("/srv/library/log", "*.log"));
  metadata.components[4].files[1].is_log = true;
  metadata.alternate_mappings = {{"/etc/library/", "*.conf", false, "/srv/alt/etc", {}}};
  metadata.exclude = {{"/srv", "*.tmp", true, {}}};
  return metadata;
}

struct Spoil {
  std::string starts_with;  // the field, as the message names it
  std::function<void(WriterMetadata&)> spoil;
};

TEST(ValidateMetadata, AGoodWriterPasses) {
  const Status s = validate(good_metadata());
  EXPECT_TRUE(s.ok()) << s.error().what();
}

TEST(ValidateMetadata, EachBrokenRuleIsNamedByItsField) {
  using M = WriterMetadata;
  const Spoil spoils[] = {
      {"identity.class_id: must not be nil", [](M& m) { m.identity.class_id = {}; }},
      {"identity.name: must not be empty", [](M& m) { m.identity.name.clear(); }},
      {"identity.name: is no UTF-8", [](M& m) { m.identity.name = "\xff"; }},
      {"identity.usage: the value 0 is undefined", [](M& m) { m.identity.usage = UsageType(0); }},
      {"identity.source: ", [](M& m) { m.identity.source = SourceType(9); }},
      {"identity.level: ", [](M& m) { m.identity.level = FreezeLevel(3); }},
      {"identity.hold_limit_ms: ",
       [](M& m) { m.identity.hold_limit = std::chrono::milliseconds(0); }},
      {"restore.method: the value 0", [](M& m) { m.restore.method = RestoreMethod(0); }},
      {"restore.events: ", [](M& m) { m.restore.events = RestoreEvents(0); }},
      {"restore.service: ", [](M& m) { m.restore.method = RestoreMethod::stop_restore_start; }},
      {"restore.service: ", [](M& m) { m.restore.method = RestoreMethod::restore_stop_start; }},
      {"restore.user_procedure: ", [](M& m) { m.restore.method = RestoreMethod::custom; }},
      {"components: a writer has at least one", [](M& m) { m.components.clear(); }},
      {"components[1].name: must not be empty", [](M& m) { m.components[1].name.name = ""; }},
      {"components[1].name: 'a/b' must not hold a slash",
       [](M& m) { m.components[1].name.name = "a/b"; }},
      {"components[1].name: '*' stands for all", [](M& m) { m.components[1].name.name = "*"; }},
      {"components[1].name: holds a NUL", [](M& m) { m.components[1].name.name += '\0'; }},
      {"components[3].logical_path: ", [](M& m) { m.components[3].name.logical_path = "/a"; }},
      {"components[3].logical_path: ", [](M& m) { m.components[3].name.logical_path = "a/"; }},
      {"components[3].logical_path: ", [](M& m) { m.components[3].name.logical_path = "a//b"; }},
      {"components[6].name: component 'Queue' is there twice",
       [](M& m) { m.components.push_back(m.components[1]); }},
      {"components[1].type: ", [](M& m) { m.components[1].type = ComponentType(0); }},
      {"components[1].caption: ", [](M& m) { m.components[1].caption = "\xc3"; }},
      {"components[1].icon: ", [](M& m) { m.components[1].icon.resize(kIconBytesMax + 1); }},
      {"components[1].files[0].path: ", [](M& m) { m.components[1].files[0].path = "relative"; }},
      {"components[1].files[0].path: ", [](M& m) { m.components[1].files[0].path = ""; }},
      {"components[1].files[0].path: ", [](M& m) { m.components[1].files[0].path = "/a/../b"; }},
      {"components[1].files[0].path: ", [](M& m) { m.components[1].files[0].path = "$A/./b"; }},
      {"components[1].files[0].path: ",
       [](M& m) { m.components[1].files[0].path = "/" + BytePath(kBytePathBytesMax, 'x'); }},
      {"components[1].files[0].pattern: ", [](M& m) { m.components[1].files[0].pattern = ""; }},
      {"components[1].files[0].pattern: ", [](M& m) { m.components[1].files[0].pattern = "a/*"; }},
      {"components[1].files[0].pattern: ", [](M& m) { m.components[1].files[0].pattern = ".."; }},
      {"components[1].files[0].alternate_path: ",
       [](M& m) { m.components[1].files[0].alternate_path = "x"; }},
      {"components[1].files[0].alternate_path: is the same",
       [](M& m) { m.components[1].files[0].alternate_path = "/var/spool/library/"; }},
      {"components[1].files[0].mask: ", [](M& m) { m.components[1].files[0].mask.bits = 0x10; }},
      {"components[1].files[0].is_log: ", [](M& m) { m.components[1].files[0].is_log = true; }},
      {"components[1].files[0].later: an unknown field must hold JSON",
       [](M& m) { m.components[1].files[0].unknown["later"] = "{"; }},
      {"components[1].dependencies[0].writer_class: must not be nil",
       [](M& m) {
         m.components[1].dependencies = {{{}, {"", "x"}, "", {}}};
       }},
      {"components[1].dependencies[0].writer_class: a dependency is on another writer",
       [](M& m) {
         m.components[1].dependencies = {{m.identity.class_id, {"", "x"}, "", {}}};
       }},
      {"components[1].dependencies[0].name: ",
       [](M& m) {
         m.components[1].dependencies = {{WriterClassId::generate(), {}, "", {}}};
       }},
      {"schema: has bits", [](M& m) { m.schema.bits |= BackupSchema::kLsn; }},
      {"schema: has bits", [](M& m) { m.schema.bits |= 1u << 20; }},
      {"schema: exclusive",
       [](M& m) {
         m.schema.bits |=
             BackupSchema::kExclusiveIncrementalDifferential | BackupSchema::kIncremental;
       }},
      {"schema: timestamped", [](M& m) { m.schema.bits |= BackupSchema::kTimestamped; }},
      {"schema: last_modify", [](M& m) { m.schema.bits |= BackupSchema::kLastModify; }},
      {"schema: log backups need",
       [](M& m) {
         m.schema.bits |= BackupSchema::kLog;
         m.components[4].files.pop_back();
       }},
      {"exclude[0].path: ", [](M& m) { m.exclude[0].path = "."; }},
      {"exclude_from_snapshot[0].pattern: ",
       [](M& m) {
         m.exclude_from_snapshot = {{"/a", "b/c", false, {}}};
       }},
      {"alternate_mappings[0].path: no file set",
       [](M& m) { m.alternate_mappings[0].pattern = "*"; }},
      {"alternate_mappings[0].path: no file set",
       [](M& m) { m.alternate_mappings[0].recursive = true; }},
      {"alternate_mappings[0].destination: ",
       [](M& m) { m.alternate_mappings[0].destination = "up"; }},
      {"alternate_mappings[1].path: the file set is mapped twice",
       [](M& m) { m.alternate_mappings.push_back(m.alternate_mappings[0]); }},
      {"later: an unknown field", [](M& m) { m.unknown["later"] = ""; }},
  };
  for (const Spoil& spoil : spoils) {
    WriterMetadata metadata = good_metadata();
    spoil.spoil(metadata);
    const Status s = validate(metadata);
    ASSERT_FALSE(s.ok()) << spoil.starts_with;
    EXPECT_EQ(s.error().code(), Errc::invalid_argument);
    EXPECT_THAT(s.error().what(), StartsWith(spoil.starts_with));
  }
}

TEST(ValidateMetadata, TheAlternateLocationMethodNeedsAMappingForEveryFileSet) {
  WriterMetadata metadata = good_metadata();
  metadata.restore.method = RestoreMethod::restore_to_alternate_location;
  EXPECT_THAT(validate(metadata).error().what(), HasSubstr("needs an alternate mapping"));
  metadata.alternate_mappings.clear();
  for (const Component& component : metadata.components) {
    for (const FileSet& files : component.files) {
      metadata.alternate_mappings.push_back(
          {files.path, files.pattern, files.recursive, "/alt", {}});
    }
  }
  EXPECT_TRUE(validate(metadata).ok());
}

TEST(ValidateMetadata, SchemasThatHoldTogetherPass) {
  WriterMetadata metadata = good_metadata();
  metadata.schema.bits = BackupSchema::kIncremental | BackupSchema::kDifferential |
                         BackupSchema::kExclusiveIncrementalDifferential |
                         BackupSchema::kTimestamped | BackupSchema::kLastModify |
                         BackupSchema::kLog | BackupSchema::kCopy | BackupSchema::kNewTarget |
                         BackupSchema::kRestoreWithMove | BackupSchema::kIndependentSystemState |
                         BackupSchema::kRollForward | BackupSchema::kRestoreRename |
                         BackupSchema::kAuthoritativeRestore | BackupSchema::kParallelRestores;
  EXPECT_TRUE(validate(metadata).ok());
}

TEST(Overlap, FileSetsThatCanClaimTheSameFileAreFound) {
  struct Row {
    FileSet a, b;
    bool overlap;
  };
  const Row rows[] = {
      {tests::file_set("/a", "*"), tests::file_set("/a", "*"), true},
      {tests::file_set("/a", "*.db"), tests::file_set("/a/", "x*"), true},
      {tests::file_set("/a", "*.db"), tests::file_set("/a", "*.log"), false},
      {tests::file_set("/a", "x"), tests::file_set("/a", "x"), true},
      {tests::file_set("/a", "x"), tests::file_set("/a", "?"), true},
      {tests::file_set("/a", "*"), tests::file_set("/b", "*"), false},
      {tests::file_set("/a", "*"), tests::file_set("/a/b", "*"), false},
      {tests::file_set("/a", "*", true), tests::file_set("/a/b", "*"), true},
      {tests::file_set("/a", "*", true), tests::file_set("/ab", "*"), false},
      {tests::file_set("/a", "*.x", true), tests::file_set("/a/b/c", "*.y"), false},
      {tests::file_set("/a/b/c", "x.y"), tests::file_set("/a", "*.y", true), true},
      {tests::file_set("/", "*.y", true), tests::file_set("/z", "a.y"), true},
      {tests::file_set("$A", "*", true), tests::file_set("$A/b", "*"), true},
      {tests::file_set("/a", "x", true), tests::file_set("/a/b", "x", true), true},
  };
  for (const Row& row : rows) {
    WriterMetadata metadata;
    metadata.components = {tests::component("", "one", true, false, {row.a}),
                           tests::component("", "two", true, false, {row.b})};
    EXPECT_EQ(find_overlap(metadata).has_value(), row.overlap)
        << row.a.path << "/" << row.a.pattern << " and " << row.b.path << "/" << row.b.pattern;
  }
}

TEST(Overlap, IsRefusedAndBothFileSetsAreNamed) {
  WriterMetadata metadata = good_metadata();
  metadata.components[5].files.push_back(tests::file_set("/etc/library", "main.*"));
  const Status s = validate(metadata);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().what(),
            "components[5].files[1]: can claim the same file as "
            "components[0].files[0]; a file belongs to one file set");
}

TEST(Overlap, ManyLiteralNamesInOneDirectoryAreFast) {
  WriterMetadata metadata;
  metadata.components = {tests::component("", "one", true, false)};
  for (int i = 0; i < 100'000; ++i) {
    metadata.components[0].files.push_back(tests::file_set("/a", "f" + std::to_string(i)));
  }
  EXPECT_FALSE(find_overlap(metadata));
  metadata.components[0].files.push_back(tests::file_set("/a", "f99999"));
  EXPECT_TRUE(find_overlap(metadata));
}

// ---- the backup document

BackupDocument good_document() {
  BackupDocument document = tests::full_backup_document();
  document.components[0].restore->subcomponents = {{"Stores/EU", "Box"}};
  return document;
}

struct SpoilDocument {
  std::string starts_with;
  std::function<void(BackupDocument&)> spoil;
};

TEST(ValidateBackupDocument, AGoodDocumentPasses) {
  const Status s = validate(good_document());
  EXPECT_TRUE(s.ok()) << s.error().what();
}

TEST(ValidateBackupDocument, EachBrokenRuleIsNamedByItsField) {
  using D = BackupDocument;
  const auto first = [](D& d) -> BackupComponent& { return d.components[0]; };
  const auto restore = [](D& d) -> ComponentRestore& { return *d.components[0].restore; };
  const SpoilDocument spoils[] = {
      {"session: ", [](D& d) { d.session = {}; }},
      {"backup: ", [](D& d) { d.backup = {}; }},
      {"type: ", [](D& d) { d.type = BackupType(0); }},
      {"chain_owner: ", [](D& d) { d.chain_owner = "\xff"; }},
      {"components[0].writer_class: ", [&](D& d) { first(d).writer_class = {}; }},
      {"components[0].name: ", [&](D& d) { first(d).name.name = "a/b"; }},
      {"components[0].policy: ", [&](D& d) { first(d).policy = ConsistencyPolicy(7); }},
      {"components[0].base: a backup of type full", [](D& d) { d.type = BackupType::full; }},
      {"components[0].base.backup: ", [&](D& d) { first(d).base->backup = {}; }},
      {"components[0].partial_files: the requestor does not",
       [](D& d) { d.partial_file_support = false; }},
      {"components[0].partial_files[0].ranges: a partial file has either",
       [&](D& d) { first(d).partial_files[0].ranges_file = "/x"; }},
      {"components[0].partial_files[0].ranges: a partial file has either",
       [&](D& d) { first(d).partial_files[0].ranges.clear(); }},
      {"components[0].partial_files[0].ranges: ranges 0:4096 and 4095:1 overlap",
       [&](D& d) {
         first(d).partial_files[0].ranges = {{0, 4096}, {4095, 1}};
       }},
      {"components[0].partial_files[0].name: ",
       [&](D& d) { first(d).partial_files[0].name = "x/y"; }},
      {"components[0].partial_files[1].name: the file is there twice",
       [&](D& d) { first(d).partial_files[1].name = "a.db"; }},
      {"components[0].partial_files[1].ranges_file: ",
       [&](D& d) { first(d).partial_files[1].ranges_file = "r"; }},
      {"components[0].differenced_files[1].path: ",
       [&](D& d) { first(d).differenced_files[1].path = ""; }},
      {"components[0].differenced_files[1].path: the files are there twice",
       [&](D& d) { first(d).differenced_files[1] = first(d).differenced_files[0]; }},
      {"components[0].failures[0].message: ", [&](D& d) { first(d).failures[0].message = "\xff"; }},
      {"components[0].restore: the document is of a backup", [](D& d) { d.restore_mode = false; }},
      {"components[0].restore.options: ", [&](D& d) { restore(d).options = "x=y"; }},
      {"components[0].restore.subcomponents: are only restored",
       [&](D& d) { restore(d).selected = false; }},
      {"components[0].restore.subcomponents[0].name: 'Other/Box' is not beneath",
       [&](D& d) { restore(d).subcomponents[0].logical_path = "Other"; }},
      {"components[0].restore.subcomponents[1].name: ",
       [&](D& d) { restore(d).subcomponents.push_back(restore(d).subcomponents[0]); }},
      {"components[0].restore.roll_forward_point: rolling",
       [&](D& d) { restore(d).roll_forward_point.clear(); }},
      {"components[0].restore.roll_forward_point: only partial",
       [&](D& d) { restore(d).roll_forward = RollForward::all; }},
      {"components[0].restore.directed_targets: need target",
       [&](D& d) { restore(d).target = RestoreTarget::original; }},
      {"components[0].restore.directed_targets: target `directed`",
       [&](D& d) { restore(d).directed_targets.clear(); }},
      {"components[0].restore.directed_targets[0].destination_ranges: must be as many",
       [&](D& d) { restore(d).directed_targets[0].destination_ranges.clear(); }},
      {"components[0].restore.directed_targets[0].destination_ranges[0].length: ",
       [&](D& d) { restore(d).directed_targets[0].destination_ranges[0].length = 1; }},
      {"components[0].restore.new_targets[0].destination: ",
       [&](D& d) { restore(d).new_targets[0].destination = "x"; }},
      {"components[0].restore.target: ", [&](D& d) { restore(d).target = RestoreTarget(0); }},
      {"components[2].name: component 'Stores/EU' is there twice",
       [](D& d) { d.components.push_back(d.components[0]); }},
  };
  for (const SpoilDocument& spoil : spoils) {
    BackupDocument document = good_document();
    spoil.spoil(document);
    const Status s = validate(document);
    ASSERT_FALSE(s.ok()) << spoil.starts_with;
    EXPECT_EQ(s.error().code(), Errc::invalid_argument);
    EXPECT_THAT(s.error().what(), StartsWith(spoil.starts_with));
  }
}

}  // namespace
}  // namespace stillframe
