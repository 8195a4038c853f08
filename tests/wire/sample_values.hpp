// One call and one answer for every verb, with every member set to something that is not its
// default, so that a codec that drops one is found out.
#pragma once

#include <map>
#include <vector>

#include "framework/model/writer_call.hpp"

namespace stillframe::tests {

inline WriterIdentity sample_identity() {
  WriterIdentity identity;
  identity.class_id = WriterClassId::parse("11111111-2222-4333-8444-555555555555").value();
  identity.name = "Orders database";
  identity.instance_name = "eu";
  identity.version = {3, 7};
  identity.usage = UsageType::system_service;
  identity.source = SourceType::transacted_db;
  identity.level = FreezeLevel::back_end;
  identity.capabilities.add(Capability::streaming).add(Capability::logs);
  identity.hold_limit = std::chrono::milliseconds(1500);
  return identity;
}

inline BackupComponent sample_component() {
  BackupComponent component;
  component.writer_class = sample_identity().class_id;
  component.writer_instance = WriterInstanceId::generate();
  component.instance_name = "eu";
  component.type = ComponentType::database;
  component.name = {"Stores/EU", "orders"};
  component.policy = ConsistencyPolicy::allow_degraded;
  component.options = "depth=2";
  component.stamp = "stamp-7";
  component.metadata = std::string("opaque\xff\x00\x01", 9);
  component.succeeded = true;
  component.failures.push_back({50, 1234, "disk on fire", "freeze"});
  return component;
}

inline BackupView sample_backup() {
  BackupView view;
  view.set = SetId::generate();
  view.type = BackupType::incremental;
  view.component_mode = false;
  view.bootable_system_state = true;
  view.partial_file_support = true;
  view.components.push_back(sample_component());
  return view;
}

inline SnapshotSetView sample_set() {
  SnapshotSetView set;
  set.set = SetId::generate();
  set.for_rollback = true;
  set.volumes.push_back({"/srv/\xff\n", SnapshotId::generate(), "/snap/1"});
  return set;
}

inline Receipt sample_receipt() {
  Receipt receipt;
  receipt.backup = BackupId::generate();
  receipt.session = SessionId::generate();
  receipt.set = SetId::generate();
  receipt.manifest_sha256 = std::string(64, 'a');
  receipt.published = WallTime(Duration(1'700'000'000'000'000'000));
  return receipt;
}

inline RestoreView sample_restore() {
  RestoreView view;
  view.type = BackupType::full;
  view.components.push_back(sample_component());
  view.components[0].restore.emplace().selected = true;
  view.components[0].restore->new_targets.push_back({"/a", "*", true, "/b", {}});
  return view;
}

inline std::vector<WriterCall> sample_calls() {
  const ComponentName component{"Stores", "orders"};
  const RestoreAuthority authority{std::string("t\x00k", 3), 1000, WallTime(Duration(99))};
  RestoreRegistration registration;
  registration.component = component;
  registration.checkpoint_path = "/db/chk";
  registration.log_path = "/db/log";
  registration.moved = {{"/old", "/new\xfe"}};
  registration.backup_log_path = "/backup/log";
  registration.low = 3;
  registration.high = 9;
  const std::vector<std::pair<Verb, WriterArgs>> all{
      {Verb::identify, NoArgs{}},
      {Verb::prepare_backup, sample_backup()},
      {Verb::prepare_snapshot, SnapshotArgs{sample_set(), sample_backup()}},
      {Verb::freeze, NoArgs{}},
      {Verb::thaw, NoArgs{}},
      {Verb::post_snapshot, SnapshotArgs{sample_set(), sample_backup()}},
      {Verb::backup_complete, CompleteArgs{sample_backup(), sample_receipt()}},
      {Verb::abort, NoArgs{}},
      {Verb::shutdown, ShutdownArgs{SetId::generate()}},
      {Verb::open_stream, StreamRequest{component, "data\x80.db"}},
      {Verb::read, ReadArgs{7, 65536}},
      {Verb::close, CloseArgs{7}},
      {Verb::list_logs, ComponentArgs{component}},
      {Verb::truncate_logs, TruncateArgs{component, sample_receipt()}},
      {Verb::pre_restore, sample_restore()},
      {Verb::restore_prepare, authority},
      {Verb::restore_locations, ComponentArgs{component}},
      {Verb::restore_register, RegisterArgs{authority, registration}},
      {Verb::restore_complete, RestoreCompleteArgs{component, false, "copy failed"}},
      {Verb::post_restore, sample_restore()},
      {Verb::restore_end, NoArgs{}},
      {Verb::verify, VerifyRequest{component, "/snap/1"}},
  };
  std::vector<WriterCall> calls;
  for (const auto& [verb, args] : all) {
    WriterCall call;
    call.verb = verb;
    call.session = SessionId::generate();
    call.deadline = BootTime(std::chrono::seconds(77));
    call.hold_limit = std::chrono::milliseconds(60'000);
    call.lease = std::chrono::milliseconds(5'000);
    call.args = args;
    calls.push_back(std::move(call));
  }
  return calls;
}

inline WriterPayload sample_payload(Verb verb) {
  switch (verb) {
    case Verb::identify: {
      WriterMetadata metadata;
      metadata.identity = sample_identity();
      metadata.instance = WriterInstanceId::generate();
      metadata.process = {42, 1000, "/usr/bin/orders\xff", "orders.service", "orders"};
      Component component;
      component.type = ComponentType::database;
      component.name = {"Stores", "orders"};
      component.files.push_back({"/db", "*.db", true, "/alternate", {}, true, {}});
      metadata.components.push_back(component);
      return metadata;
    }
    case Verb::prepare_backup:
    case Verb::post_snapshot:
      return sample_backup();
    case Verb::thaw:
      return HoldStatement{
          BootTime(Duration(10)), BootTime(Duration(20)), true, true, Duration(3), "because"};
    case Verb::open_stream:
      return StreamInfo{7, 1 << 20, 4096};
    case Verb::read:
      return std::vector<std::byte>{std::byte{0}, std::byte{0xff}, std::byte{0x5a}};
    case Verb::list_logs:
      return LogList{3, 4, {{"/db/log/3", 3, true}, {"/db/log/4", 4, false}}};
    case Verb::pre_restore:
      return sample_restore();
    case Verb::restore_locations:
      return std::vector<RestoreLocation>{{{"Stores", "orders"}, "log", "/db/log"}};
    case Verb::verify:
      return VerifyReport{VerifyVerdict::damaged, "page 7"};
    default:
      return NoArgs{};
  }
}

}  // namespace stillframe::tests
