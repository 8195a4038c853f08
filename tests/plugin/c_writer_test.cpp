#include <gtest/gtest.h>

#include "framework/plugin/plugin.hpp"
#include "tests/plugin/all_verbs_plugin.h"
#include "tests/wire/sample_values.hpp"

namespace stillframe {
namespace {

class Token : public CancelToken {
 public:
  bool cancelled() const noexcept override { return false; }
};
class Sink : public ProgressSink {
 public:
  void report(std::uint64_t d, std::uint64_t t, std::string_view w) override {
    done = d;
    total = t;
    what = std::string(w);
  }
  std::uint64_t done = 0, total = 0;
  std::string what;
};

class CWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    all_verbs_log[0] = '\0';
    all_verbs_answer = STILLFRAME_OK;
    all_verbs_size = 0;
    all_verbs_destroyed = 0;
    plugin_ = Plugin::adopt(all_verbs_entry, "test").value();
  }
  std::unique_ptr<Writer> make() {
    auto writer = plugin_->make_writer("{}");
    EXPECT_TRUE(writer.ok()) << (writer.ok() ? "" : writer.error().what());
    return writer.ok() ? std::move(writer).value() : nullptr;
  }
  static bool told(const std::string& line) {
    return ("\n" + std::string(all_verbs_log)).find("\n" + line) != std::string::npos;
  }

  std::shared_ptr<Plugin> plugin_;
  Token token_;
  Sink sink_;
  CallContext call_{SessionId::generate(), Deadline(BootTime(Duration(77))), &token_, &sink_};
};

TEST_F(CWriter, EveryVerbCrossesTheInterface) {
  auto writer = make();
  EXPECT_EQ(plugin_->name(), "all verbs");
  EXPECT_EQ(writer->identity().name, "All verbs");
  EXPECT_TRUE(writer->identity().capabilities.has(Capability::verify));

  auto metadata = writer->identify(call_);
  ASSERT_TRUE(metadata.ok()) << metadata.error().what();
  EXPECT_EQ(metadata.value().components.at(0).name.name, "db");
  EXPECT_EQ(sink_.what, "half");

  BackupView backup = tests::sample_backup();
  backup.bootable_system_state = false;
  ASSERT_TRUE(writer->prepare_backup(call_, backup).ok());
  EXPECT_TRUE(backup.bootable_system_state);  // as edited
  EXPECT_TRUE(told("prepare_backup {"));

  const SnapshotSetView set = tests::sample_set();
  EXPECT_TRUE(writer->prepare_snapshot(call_, set).ok());
  EXPECT_TRUE(writer->freeze(call_).ok());
  auto hold = writer->thaw(call_);
  ASSERT_TRUE(hold.ok());
  EXPECT_EQ(hold.value().held_from, BootTime(Duration(5)));
  EXPECT_EQ(hold.value().held_until, BootTime(Duration(9)));
  EXPECT_EQ(hold.value().longest_stall, Duration(3));
  EXPECT_FALSE(hold.value().unbroken);
  EXPECT_TRUE(hold.value().asserted_only);
  EXPECT_EQ(hold.value().broken_because, std::string(256, 'x'));
  BackupView same = tests::sample_backup();
  const BackupView before = same;
  EXPECT_TRUE(writer->post_snapshot(call_, set, same).ok());
  EXPECT_EQ(same, before);  // nothing put: no edits
  EXPECT_TRUE(writer->backup_complete(call_, same, tests::sample_receipt()).ok());
  writer->abort(call_);
  writer->shutdown(call_, SetId(UuidBytes{0xab}));
  EXPECT_TRUE(told("shutdown ab"));

  EXPECT_EQ(writer->open_stream(call_, {{"", "db"}, "f"}).value(), (StreamInfo{4, 10, 2}));
  std::vector<std::byte> buffer(5);
  EXPECT_EQ(writer->read(call_, 4, buffer).value(), 5u);
  EXPECT_EQ(buffer[4], std::byte{'r'});
  EXPECT_TRUE(writer->close(call_, 4).ok());
  EXPECT_EQ(writer->list_logs(call_, {"", "db"}).value().files.at(0).path, "/l/3");
  EXPECT_TRUE(writer->truncate_logs(call_, {"", "db"}, tests::sample_receipt()).ok());

  EXPECT_TRUE(writer->restore_prepare(call_, {}).ok());
  EXPECT_EQ(writer->restore_locations(call_, {"", "db"}).value().at(0).path, "/l");
  EXPECT_TRUE(writer->restore_register(call_, {}, {}).ok());
  EXPECT_TRUE(writer->restore_complete(call_, {"", "db"}, Ok{}).ok());
  EXPECT_TRUE(writer->restore_complete(call_, {"", "db"}, Error(Errc::io, "no disk")).ok());
  EXPECT_TRUE(told("restore_complete {\"name\":\"db\"} no disk"));
  EXPECT_TRUE(writer->post_restore(call_, {}).ok());
  writer->restore_end(call_);
  EXPECT_EQ(writer->verify(call_, {{"", "db"}, "/x"}).value().detail, "page 7");

  writer.reset();
  EXPECT_EQ(all_verbs_destroyed, 1);
}

TEST_F(CWriter, FailureKeepsItsCodeAndMessage) {
  auto writer = make();
  all_verbs_answer = STILLFRAME_WRITER_RETRYABLE;
  Status s = writer->freeze(call_);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error(), Error(Errc::writer_retryable, "freeze: told to fail", 7));
}

TEST_F(CWriter, CodeThatIsNoneOfOursIsTheWritersFailure) {
  auto writer = make();
  all_verbs_answer = -12345;
  Status s = writer->freeze(call_);
  EXPECT_EQ(s.error().code(), Errc::writer_fatal);
  EXPECT_NE(s.error().what().find("-12345"), std::string::npos);
}

TEST_F(CWriter, EditsThatAreNoJsonAreTheWritersFailureAndChangeNothing) {
  auto writer = make();
  RestoreView restore = tests::sample_restore();
  const RestoreView before = restore;
  EXPECT_EQ(writer->pre_restore(call_, restore).error().code(), Errc::writer_fatal);
  EXPECT_EQ(restore, before);
}

TEST_F(CWriter, ShorterTableOfAnOlderMinorVersionUsesDefaultsForTheRest) {
  all_verbs_size = offsetof(stillframe_writer, thaw);
  auto writer = make();
  EXPECT_TRUE(writer->freeze(call_).ok());
  EXPECT_TRUE(told("freeze"));
  EXPECT_FALSE(writer->thaw(call_).value().unbroken);
  EXPECT_FALSE(told("thaw"));
  EXPECT_EQ(writer->verify(call_, {}).error().code(), Errc::not_supported);
}

TEST_F(CWriter, UnsoundTablesAreRefused) {
  for (const std::uint32_t size : {1u, 23u, 100'000u}) {
    all_verbs_size = size;
    EXPECT_EQ(plugin_->make_writer("{}").error().code(), Errc::invalid_argument) << size;
  }
  all_verbs_size = offsetof(stillframe_writer, identity);
  EXPECT_EQ(plugin_->make_writer("{}").error().code(), Errc::invalid_argument);
}

TEST_F(CWriter, ConfigurationThatIsRefusedIsTold) {
  auto writer = plugin_->make_writer("{\"x\":1}");
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().code(), Errc::invalid_argument);
  EXPECT_NE(writer.error().what().find("no such option"), std::string::npos);
}

}  // namespace
}  // namespace stillframe
