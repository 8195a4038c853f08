#include "framework/wire/requestor_codec.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/wire/sample_values.hpp"

namespace stillframe {
namespace {

// Encoded, made text, parsed, decoded and encoded again: the two JSON texts must be equal, and the
// first must not be empty.
template <class T>
T there_and_back(const T& value) {
  const std::string text = dump_json(encode_json(value));
  EXPECT_NE(text, "{}");
  auto parsed = parse_json_text(text, 1 << 20);
  EXPECT_TRUE(parsed.ok());
  auto back = decode_json<T>(parsed.value(), "value");
  EXPECT_TRUE(back.ok()) << (back.ok() ? "" : back.error().what());
  EXPECT_EQ(dump_json(encode_json(back.value())), text);
  return std::move(back).value();
}

TEST(RequestorCodec, WriterStatusKeepsFailureAndMetadata) {
  WriterStatus status;
  status.identity = tests::sample_identity();
  status.instance = WriterInstanceId::generate();
  status.process = {1, 2, "/bin/x\xff", "x.service", "x"};
  status.state = WriterState::failed_at_freeze;
  status.failure = ComponentFailure{40, 3, "late", "freeze"};
  status.metadata = std::get<WriterMetadata>(tests::sample_payload(Verb::identify));
  const WriterStatus back = there_and_back(status);
  EXPECT_EQ(back.identity, status.identity);
  EXPECT_EQ(back.instance, status.instance);
  EXPECT_EQ(back.process, status.process);
  EXPECT_EQ(back.state, status.state);
  EXPECT_EQ(back.failure, status.failure);
  EXPECT_EQ(back.metadata, status.metadata);
}

TEST(RequestorCodec, OptionsKeepEveryLimit) {
  BackupOptions options;
  options.type = BackupType::log;
  options.component_mode = false;
  options.bootable_system_state = true;
  options.partial_file_support = true;
  options.chain_owner = "me@here";
  options.exclude_writers = {"a", "b"};
  options.hold_limit = std::chrono::milliseconds(1);
  options.commit_limit = std::chrono::milliseconds(2);
  options.lease = std::chrono::milliseconds(3);
  options.queue_wait = std::chrono::milliseconds(0);
  const BackupOptions back = there_and_back(options);
  EXPECT_EQ(back.type, options.type);
  EXPECT_FALSE(back.component_mode);
  EXPECT_TRUE(back.bootable_system_state);
  EXPECT_TRUE(back.partial_file_support);
  EXPECT_EQ(back.chain_owner, options.chain_owner);
  EXPECT_EQ(back.exclude_writers, options.exclude_writers);
  EXPECT_EQ(back.hold_limit, options.hold_limit);
  EXPECT_EQ(back.commit_limit, options.commit_limit);
  EXPECT_EQ(back.lease, options.lease);
  EXPECT_EQ(back.queue_wait, options.queue_wait);

  auto defaults = decode_json<BackupOptions>(nlohmann::json{{"type", "copy"}});
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ(defaults.value().queue_wait, BackupOptions{}.queue_wait);
}

TEST(RequestorCodec, SnapshotOptionsKeepPathsThatAreNotText) {
  SnapshotOptions options;
  options.attributes.persistent = true;
  options.provider = "btrfs";
  options.extra_volumes = {"/srv/\xff", "/a\nb"};
  options.auto_release = false;
  options.policy = ConsistencyPolicy::skip;
  EXPECT_EQ(there_and_back(SnapshotOptions{}).policy, std::nullopt);
  const SnapshotOptions back = there_and_back(options);
  EXPECT_EQ(back.attributes, options.attributes);
  EXPECT_EQ(back.provider, options.provider);
  EXPECT_EQ(back.extra_volumes, options.extra_volumes);
  EXPECT_EQ(back.auto_release, options.auto_release);
  EXPECT_EQ(back.policy, options.policy);

  nlohmann::json json = encode_json(SnapshotOptions{});
  json["extra_volumes"] = {"/a", "\\q"};
  auto broken = decode_json<SnapshotOptions>(json, "options");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code(), Errc::corrupt);
  EXPECT_NE(broken.error().what().find("options.extra_volumes"), std::string::npos)
      << broken.error().what();
}

TEST(RequestorCodec, TheRestComesBackToo) {
  SessionInfo session{SessionId::generate(), "nightly", "backup", "freeze",
                      BootTime(Duration(5)), "weekly"};
  EXPECT_EQ(there_and_back(session).waiting_for, "weekly");

  ComponentSelector selector;
  selector.writer = "Orders";
  selector.component = "Stores/";
  selector.policy = ConsistencyPolicy::allow_degraded;
  selector.options = "o";
  selector.base = ChainBase{BackupId::generate(), "stamp", "me"};
  EXPECT_EQ(there_and_back(selector).base, selector.base);
  EXPECT_EQ(there_and_back(selector).policy, selector.policy);
  selector.policy = ConsistencyPolicy::require;  // said, and so not the default
  EXPECT_EQ(there_and_back(selector).policy, selector.policy);
  selector.policy.reset();
  EXPECT_EQ(there_and_back(selector).policy, std::nullopt);

  ComponentResult result{WriterClassId::generate(), "eu", {"Stores", "orders"}, true};
  EXPECT_EQ(there_and_back(result).name, result.name);

  RestoreOptions restore{std::string("\x00\xff", 2), WallTime(Duration(9)),
                         std::chrono::milliseconds(7)};
  EXPECT_EQ(there_and_back(restore).authority_token, restore.authority_token);
  EXPECT_EQ(there_and_back(restore).wait_start, restore.wait_start);

  HoldResult hold;
  hold.command_status = 3;
  hold.evidence.host = "here";
  EXPECT_EQ(there_and_back(hold).command_status, 3);

  PluginInfo plugin{"shop",
                    "writer",
                    7,
                    PluginState::waiting,
                    3,
                    "signal 9",
                    WallTime(Duration(4)),
                    WallTime(Duration(5))};
  EXPECT_EQ(there_and_back(plugin).state, PluginState::waiting);
  EXPECT_EQ(there_and_back(plugin).next_attempt, plugin.next_attempt);
  EXPECT_EQ(there_and_back(PluginInfo()).next_attempt, std::nullopt);

  SnapshotSetResult set;
  set.set = SetId::generate();
  set.snapshots.emplace_back().snapshot = SnapshotId::generate();
  EXPECT_EQ(there_and_back(set).snapshots, set.snapshots);
}

TEST(RequestorCodec, WrongTypesNameTheirPlace) {
  auto broken = decode_json<std::vector<ComponentResult>>(
      nlohmann::json::parse(R"([{"writer_class":7}])"), "results");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code(), Errc::corrupt);
  EXPECT_NE(broken.error().what().find("results[0].writer_class"), std::string::npos)
      << broken.error().what();
}

}  // namespace
}  // namespace stillframe
