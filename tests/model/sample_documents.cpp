#include "tests/model/sample_documents.hpp"

namespace stillframe::tests {
namespace {

// An id that is the same in every run, so that samples and corpora do not change.
template <class Tag>
Id<Tag> fixed(Id<Tag>, std::uint8_t number) {
  UuidBytes bytes{};
  bytes.fill(number);
  return Id<Tag>(bytes);
}

const BytePath kAwkward =
    "/srv/\xff\xfe"
    "caf\xe9/a\\b\nc/\xc3\xa4";
const UnknownFields kUnknown = {{"later", R"({"a":[1,2.5,"xä"],"b":null})"}, {"zzz", "true"}};

ComponentName name(std::string path, std::string leaf) {
  return {std::move(path), std::move(leaf)};
}

HoldStatement hold() {
  HoldStatement hold;
  hold.held_from = BootTime(Duration(1'000'000'001));
  hold.held_until = BootTime(Duration(1'050'000'002));
  hold.unbroken = false;
  hold.asserted_only = true;
  hold.longest_stall = Duration(49'999'999);
  hold.broken_because = "the lease ran out";
  return hold;
}

WriterIdentity identity() {
  WriterIdentity identity;
  identity.class_id = fixed(WriterClassId(), 1);
  identity.name = "Orders \"database\"";
  identity.instance_name = "orders-1";
  identity.version = {3, 14};
  identity.usage = UsageType::system_service;
  identity.source = SourceType::transacted_db;
  identity.level = FreezeLevel::back_end;
  identity.capabilities.add(Capability::streaming).add(Capability::verify);
  identity.hold_limit = std::chrono::milliseconds(2500);
  return identity;
}

WriterProcess process() {
  return {4242, 998, "/usr/bin/orders \xf0(deleted)", "orders.service", "orders"};
}

std::vector<PhaseTime> timeline() {
  return {{"freeze", "Orders", BootTime(Duration(5)), BootTime(Duration(9)), "ok", "quick"},
          {"commit", "", BootTime(Duration(9)), BootTime(Duration(10)), "timed_out", "line\ntwo"}};
}

ComponentRestore restore() {
  ComponentRestore restore;
  restore.selected = true;
  restore.subcomponents = {name("Stores", "EU")};
  restore.target_instance = fixed(WriterInstanceId(), 7);
  restore.options = R"("Verify"="yes\\no")";
  restore.new_targets = {{"/srv/db", "*.db", true, kAwkward, kUnknown}};
  restore.additional_restores = true;
  restore.roll_forward = RollForward::partial;
  restore.roll_forward_point = std::string("lsn\0\x80", 5);
  restore.restore_name = "Orders copy";
  restore.authoritative = true;
  restore.target = RestoreTarget::directed;
  restore.directed_targets = {
      {"/srv/db", "a.db", {{0, 4096}}, kAwkward, "b.db", {{8192, 4096}}, kUnknown}};
  restore.metadata = "private\xff";
  restore.status = FileRestoreStatus::all;
  restore.mappings_used = {{"/srv/db", "*.db", true, "/alt", kUnknown}};
  restore.moved_ranges_files = {{"/srv/r1", kAwkward}};
  restore.unknown = kUnknown;
  return restore;
}

}  // namespace

BytePath longest_path() {
  return "/" + BytePath(kBytePathBytesMax - 1, '\xfe');
}

WriterMetadata full_writer_metadata() {
  WriterMetadata metadata;
  metadata.identity = identity();
  metadata.instance = fixed(WriterInstanceId(), 2);
  metadata.process = process();
  metadata.restore = {RestoreMethod::stop_restore_start,
                      "orders.service",
                      "press\nthe button",
                      RestoreEvents::if_replace_fails,
                      true,
                      kUnknown};
  metadata.schema.bits = BackupSchema::kCopy | BackupSchema::kIncremental |
                         BackupSchema::kTimestamped | BackupSchema::kLog;

  Component head;
  head.type = ComponentType::database;
  head.name = name("", "Stores");
  head.caption = "All stores / \\ \xc3\xbc";
  head.icon = {0x89, 'P', 'N', 'G', 0};
  head.selectable_for_restore = true;
  head.backup_recovery = true;
  head.rollback_recovery = true;
  head.not_system_state = true;
  head.files = {{kAwkward, "*.d?t", true, "/spit/copies", {0x10F0F}, false, kUnknown},
                {"/srv/log", "\xfflog*", false, {}, {TypeMask::kDefault}, true, {}}};
  head.dependencies = {
      {fixed(WriterClassId(), 9), name("Web", "Sessions"), "host.example", kUnknown}};
  head.unknown = kUnknown;
  Component member;
  member.name = name("Stores", "EU");
  member.selectable_for_backup = false;
  member.files = {{longest_path(), "*", false, {}, {}, false, {}}};
  metadata.components = {head, member};

  metadata.exclude = {{kAwkward, "*.tmp", true, kUnknown}};
  metadata.exclude_from_snapshot = {{"/srv/cache", "*", true, {}}};
  metadata.alternate_mappings = {{kAwkward, "*.d?t", true, "/srv/alt", kUnknown}};
  metadata.unknown = kUnknown;
  return metadata;
}

BackupDocument full_backup_document() {
  BackupDocument document;
  document.session = fixed(SessionId(), 3);
  document.backup = fixed(BackupId(), 4);
  document.set = fixed(SetId(), 5);
  document.type = BackupType::incremental;
  document.component_mode = false;
  document.bootable_system_state = true;
  document.partial_file_support = true;
  document.restore_mode = true;
  document.chain_owner = "stillframe@host";

  BackupComponent component;
  component.writer_class = fixed(WriterClassId(), 1);
  component.writer_instance = fixed(WriterInstanceId(), 2);
  component.instance_name = "orders-1";
  component.type = ComponentType::database;
  component.name = name("Stores", "EU");
  component.policy = ConsistencyPolicy::allow_degraded;
  component.options = "\"quick\"=\"1\"";
  component.base = ChainBase{fixed(BackupId(), 8), std::string("stamp\0\xff", 7), "other@host"};
  component.stamp = "lsn:77";
  component.metadata = std::string("\x01\x02\0binary\\", 11);
  component.partial_files = {
      {"/srv/db", "a.db", {{0, 4096}, {UINT64_MAX - 1, 1}}, "", "check me", kUnknown},
      {"/srv/db", "b.db", {}, "/srv/db/b.ranges", "", {}}};
  component.differenced_files = {
      {kAwkward, "*.doc", true, WallTime(Duration(1'700'000'000'000'000'000)), kUnknown},
      {"/srv/doc", "*", false, {}, {}}};
  component.failures = {{static_cast<int>(Errc::writer_retryable), 77, "busy\nnow", "freeze"}};
  component.succeeded = true;
  component.restore = restore();
  component.unknown = kUnknown;
  BackupComponent plain;
  plain.writer_class = fixed(WriterClassId(), 1);
  plain.name = name("", "Config");
  document.components = {component, plain};
  document.unknown = kUnknown;
  return document;
}

Evidence full_evidence() {
  Evidence evidence;
  evidence.session = fixed(SessionId(), 3);
  evidence.set = fixed(SetId(), 5);
  evidence.host = "db1.example";
  evidence.created = WallTime(Duration(1'700'000'000'000'000'001));
  evidence.label = Consistency::crash_consistent;
  evidence.reason = "one volume, one cut";
  evidence.components = {{fixed(WriterClassId(), 1),
                          "orders-1",
                          name("Stores", "EU"),
                          Consistency::application_asserted,
                          "said so",
                          hold(),
                          {fixed(SnapshotId(), 6)},
                          {{static_cast<int>(Errc::writer_retryable), -1018, "busy", "freeze"}},
                          kUnknown}};
  evidence.snapshots = {
      {fixed(SnapshotId(), 6), fixed(ProviderId(), 10), "btrfs", Atomicity::volume, kAwkward,
       CutRecord{fixed(SnapshotId(), 6),
                 BootTime(Duration(7)),
                 BootTime(Duration(8)),
                 {{kAwkward, BootTime(Duration(7)), BootTime(Duration(8))}}},
       kUnknown},
      {fixed(SnapshotId(), 11), {}, "", Atomicity::file, "/srv", {}, {}}};
  evidence.failed_writers = {
      {identity(), process(), "freeze", static_cast<int>(Errc::timed_out), 1460, "did not answer"}};
  evidence.timeline = timeline();
  evidence.outcome = "completed";
  evidence.unknown = kUnknown;
  return evidence;
}

Receipt full_receipt() {
  return {fixed(BackupId(), 4),
          fixed(SessionId(), 3),
          fixed(SetId(), 5),
          std::string(64, 'a'),
          WallTime(Duration(1'700'000'000'000'000'002)),
          kUnknown};
}

RestoreReport full_restore_report() {
  RestoreReport report;
  report.session = fixed(SessionId(), 12);
  report.backup = fixed(BackupId(), 4);
  report.finished = WallTime(Duration(1'700'000'000'000'000'003));
  report.outcome = "waiting_for_start";
  report.components = {{fixed(WriterClassId(), 1), "orders-1", name("Stores", "EU"),
                        FileRestoreStatus::failed, 3, UINT64_MAX, "disk full"}};
  report.timeline = timeline();
  report.unknown = kUnknown;
  return report;
}

}  // namespace stillframe::tests
