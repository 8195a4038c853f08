#include "framework/model/json_codec.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "framework/model/enum_names.hpp"
#include "tests/model/sample_documents.hpp"

namespace stillframe {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const BytePath kAwkward = "/srv/\xff\n\\x";

template <class T>
void expect_same_tree(const T& value) {
  const json tree = encode_json(value);
  // Through text as well: that is how it travels.
  auto text = parse_json_text(dump_json(tree), 1 << 20);
  ASSERT_TRUE(text.ok()) << text.error().what();
  auto back = decode_json<T>(text.value());
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_TRUE(encode_json(back.value()) == tree) << dump_json(tree);
  if constexpr (requires { value == value; }) {
    EXPECT_TRUE(back.value() == value) << dump_json(tree);
  }
}

SnapshotSetView full_set() {
  SnapshotSetView set;
  set.set = SetId::generate();
  set.for_rollback = true;
  set.volumes = {{kAwkward, SnapshotId::generate(), "/run/snap"},
                 {"/", SnapshotId::generate(), ""}};
  return set;
}

Volume full_volume() {
  Volume volume;
  volume.id = "btrfs:1:5";
  volume.mount_point = kAwkward;
  volume.mount_root = "/sub";
  volume.device = "/dev/loop3";
  volume.fs_type = "btrfs";
  volume.fs_uuid = "u-u";
  volume.st_dev = UINT64_MAX;
  volume.subvolume_id = 5;
  volume.read_only = true;
  volume.backing_image = "/images/a";
  return volume;
}

TEST(JsonCodec, WhatWritersAreToldComesBack) {
  BackupView backup;
  backup.set = SetId::generate();
  backup.type = BackupType::log;
  backup.component_mode = false;
  backup.bootable_system_state = backup.partial_file_support = true;
  backup.components = tests::full_backup_document().components;
  expect_same_tree(backup);
  expect_same_tree(BackupView());
  expect_same_tree(full_set());
  expect_same_tree(RestoreView{BackupType::full, backup.components});
  expect_same_tree(StreamRequest{{"Stores", "EU"}, kAwkward});
  expect_same_tree(RestoreAuthority{std::string("t\0k\xff", 4), 1000, WallTime(Duration(5))});
  expect_same_tree(
      RestoreRegistration{{"", "DB"}, "/c", "/l", {{"/a", kAwkward}}, "/b", 3, UINT64_MAX});
  expect_same_tree(VerifyRequest{{"", "DB"}, kAwkward});
  expect_same_tree(tests::full_receipt());
}

TEST(JsonCodec, WhatWritersAnswerComesBack) {
  expect_same_tree(tests::full_writer_metadata());
  expect_same_tree(tests::full_writer_metadata().identity);
  expect_same_tree(tests::full_writer_metadata().process);
  expect_same_tree(*tests::full_evidence().components[0].hold);
  expect_same_tree(StreamInfo{7, UINT64_MAX, 4096});
  expect_same_tree(LogList{3, 2, {}});
  expect_same_tree(LogList{1, 2, {{kAwkward, 1, true}, {"/l/2", 2, false}}});
  expect_same_tree(VerifyReport{VerifyVerdict::damaged, "page 7"});
  expect_same_tree(std::vector<RestoreLocation>{{{"", "DB"}, "log", kAwkward}});
  expect_same_tree(std::vector<BackupComponent>());
}

TEST(JsonCodec, ProviderValuesComeBack) {
  expect_same_tree(full_volume());
  ProviderInfo provider;
  provider.id = ProviderId::generate();
  provider.name = "image";
  provider.version = {1, 2};
  provider.atomicity = Atomicity::set;
  provider.capabilities.bits = 63;
  provider.freezes_file_system = true;
  provider.preference = -4;
  provider.expected_commit = std::chrono::milliseconds(7);
  expect_same_tree(provider);
  SnapshotInfo info;
  info.snapshot = SnapshotId::generate();
  info.set = SetId::generate();
  info.provider = provider.id;
  info.provider_name = "image";
  info.volume = full_volume();
  info.attributes = {true, false, true, true, false};
  info.state = SnapshotState::created;
  info.created = WallTime(Duration(9));
  info.root = kAwkward;
  info.exposed_at = "/mnt/x";
  info.host = "h";
  info.reason_unusable = "its server died";
  expect_same_tree(info);
  expect_same_tree(std::vector<SnapshotInfo>{info, SnapshotInfo()});
  CutRequest request;
  request.set = info.set;
  request.snapshot = info.snapshot;
  request.volume = full_volume();
  request.attributes.differential = true;
  request.files = tests::full_writer_metadata().components[0].files;
  request.exclude = tests::full_writer_metadata().exclude;
  request.bytes_limit = 1u << 30;
  expect_same_tree(request);
  expect_same_tree(CutEstimate{1, 2, 3, Duration(4)});
}

TEST(JsonCodec, AnInterlockRecordKeepsWhatItDoesNotKnow) {
  InterlockRecord record;
  record.state = InterlockRecord::State::failed;
  record.session = SessionId::generate();
  record.target = "Orders";
  record.registration.component = {"", "DB"};
  record.since = WallTime(Duration(77));
  record.failure = "no space";
  record.unknown = {{"future", "[1]"}};
  expect_same_tree(record);
}

TEST(JsonCodec, ProblemsAreNamedFromWhereTheValueStands) {
  auto bad = decode_json<BackupView>(json{{"type", "full"}, {"components", {{{"name", 3}}}}},
                                     "params.backup");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Errc::corrupt);
  EXPECT_THAT(bad.error().what(),
              HasSubstr("params.backup.components[0].writer_class: is missing"));
  auto list =
      decode_json<std::vector<LogFile>>(json{json{{"path", "/a"}, {"generation", 1}}, 5}, "logs");
  EXPECT_THAT(list.error().what(), HasSubstr("logs[1]: must be an object, is number"));
  EXPECT_THAT(decode_json<std::vector<LogFile>>(json(1)).error().what(),
              HasSubstr("the document: must be an array"));
}

TEST(JsonText, IsBoundedInSizeAndDepth) {
  EXPECT_EQ(parse_json_text("[1,2]", 4).error().code(), Errc::limit_reached);
  EXPECT_TRUE(parse_json_text("[1,2]", 5).ok());
  EXPECT_TRUE(parse_json_text(std::string(64, '[') + std::string(64, ']'), 1000).ok());
  EXPECT_FALSE(parse_json_text(std::string(65, '[') + std::string(65, ']'), 1000).ok());
  EXPECT_EQ(parse_json_text(R"({"a":1,"a":2})", 100).error().code(), Errc::corrupt);
  EXPECT_EQ(parse_json_text("", 100).error().code(), Errc::truncated);
  EXPECT_EQ(parse_json_text("1 2", 100).error().code(), Errc::corrupt);
}

TEST(EnumNames, ComeBackAndUnknownOnesListWhatThereIs) {
  EXPECT_EQ(enum_name(Consistency::application_asserted), "application-asserted");
  EXPECT_EQ(parse_enum<ConsistencyPolicy>("allow-degraded").value(),
            ConsistencyPolicy::allow_degraded);
  EXPECT_EQ(parse_enum<BackupType>("weekly").error().what(),
            "'weekly' is none of full, incremental, differential, log, copy, other");
  EXPECT_EQ(enum_name(UsageType(0)), "undefined");
  EXPECT_EQ(to_string(WriterState::failed_at_shutdown), "failed_at_shutdown");
}

}  // namespace
}  // namespace stillframe
