// The loader, and samples/plugin_writer_c as an outsider's plug-in would be loaded.
#include <filesystem>
#include <fstream>
#include <future>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "framework/plugin/plugin.hpp"
#include "framework/sdk/local_writer_link.hpp"
#include "tests/transport/raw_peer.hpp"
#include "tests/transport/socket_folder.hpp"

namespace stillframe {
namespace {

using namespace std::chrono_literals;

std::string path_from(const char* variable) {
  const char* path = std::getenv(variable);
  return path != nullptr ? std::filesystem::absolute(path).string() : "";
}

#define NEED_PLUGIN(path) \
  if ((path).empty()) GTEST_SKIP() << "run by ctest in a configuration that builds the samples"

class SamplePlugin : public ::testing::Test {
 protected:
  static WriterAnswer ask(WriterLink& link, Verb verb, WriterArgs args = NoArgs{},
                          Duration patience = 60s) {
    WriterCall call;
    call.verb = verb;
    call.session = SessionId(UuidBytes{1});
    call.deadline = system_clock().now() + patience;
    call.args = std::move(args);
    std::promise<WriterAnswer> answer;
    link.call(std::move(call), [&](WriterAnswer a) { answer.set_value(std::move(a)); });
    return answer.get_future().get();
  }

  const std::string notes_ = path_from("STILLFRAME_TEST_NOTES_WRITER");
  tests::SocketFolder directory_;
};

TEST_F(SamplePlugin, HoldsItsApplicationStill) {
  NEED_PLUGIN(notes_);
  auto plugin = Plugin::load(notes_);
  ASSERT_TRUE(plugin.ok()) << plugin.error().what();
  auto writer = plugin.value()->make_writer("{\"directory\": \"" + directory_.path() + "\"}");
  ASSERT_TRUE(writer.ok()) << writer.error().what();
  auto link = link_locally(*writer.value());
  ASSERT_TRUE(link.ok());

  const WriterAnswer identified = ask(*link.value(), Verb::identify);
  ASSERT_TRUE(identified.status.ok()) << identified.status.error().what();
  const auto& metadata = std::get<WriterMetadata>(identified.payload);
  EXPECT_EQ(metadata.components.at(0).files.at(0).path, directory_.path());

  ASSERT_TRUE(ask(*link.value(), Verb::prepare_snapshot, SnapshotArgs{}).status.ok());
  Descriptor application(::open((directory_ / ".lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(application.valid());

  // A write that does not end in time is a freeze that fails, and nothing stays held.
  ASSERT_EQ(::flock(application.get(), LOCK_SH), 0);
  const WriterAnswer late = ask(*link.value(), Verb::freeze, NoArgs{}, 30ms);
  ASSERT_FALSE(late.status.ok());
  EXPECT_EQ(late.status.error().code(), Errc::timed_out);
  ASSERT_EQ(::flock(application.get(), LOCK_UN), 0);
  (void)ask(*link.value(), Verb::thaw);

  ASSERT_TRUE(ask(*link.value(), Verb::prepare_snapshot, SnapshotArgs{}).status.ok());
  ASSERT_TRUE(ask(*link.value(), Verb::freeze).status.ok());
  EXPECT_EQ(::flock(application.get(), LOCK_SH | LOCK_NB), -1);
  const WriterAnswer thawed = ask(*link.value(), Verb::thaw);
  EXPECT_TRUE(std::get<HoldStatement>(thawed.payload).unbroken);
  EXPECT_EQ(::flock(application.get(), LOCK_SH | LOCK_NB), 0);
}

TEST_F(SamplePlugin, BadConfigurationIsToldByThePlugin) {
  NEED_PLUGIN(notes_);
  auto plugin = Plugin::load(notes_);
  ASSERT_TRUE(plugin.ok());
  for (const char* config : {"{}", "{\"directory\":7}", "{\"directory\":\"relative\"}"}) {
    EXPECT_EQ(plugin.value()->make_writer(config).error().code(), Errc::invalid_argument);
  }
  EXPECT_EQ(plugin.value()->make_provider("{}").error().code(), Errc::not_supported);
}

TEST_F(SamplePlugin, PluginOfAnotherMajorVersionIsRefused) {
  const std::string other = path_from("STILLFRAME_TEST_ANOTHER_VERSION");
  NEED_PLUGIN(other);
  auto plugin = Plugin::load(other);
  ASSERT_FALSE(plugin.ok());
  EXPECT_EQ(plugin.error().code(), Errc::not_supported);
  EXPECT_NE(plugin.error().what().find("rebuild"), std::string::npos);
}

TEST_F(SamplePlugin, WhatIsNoPluginIsRefusedWithTheReason) {
  EXPECT_EQ(Plugin::load("relative.so").error().code(), Errc::invalid_argument);
  EXPECT_EQ(Plugin::load(directory_ / "missing.so").error().code(), Errc::not_found);
  EXPECT_EQ(Plugin::load(directory_.path()).error().code(), Errc::invalid_argument);
  std::ofstream(directory_ / "text.so") << "not an object";
  EXPECT_EQ(Plugin::load(directory_ / "text.so").error().code(), Errc::invalid_argument);
  ASSERT_EQ(::chmod((directory_ / "text.so").c_str(), 0666), 0);
  EXPECT_EQ(Plugin::load(directory_ / "text.so").error().code(), Errc::access_denied);
}

}  // namespace
}  // namespace stillframe
