#include "framework/daemon/broker/broker_config.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::TemporaryDirectory;

// One plug-in of that user.
std::string one_host(const std::string& user) {
  return "[[plugin]]\nname = \"shop\"\nfile = \"/usr/lib/shop.so\"\nmakes = \"writer\"\n" +
         (user.empty() ? "" : "user = \"" + user + "\"\n") + "config = { data = \"/srv/shop\" }\n";
}

// Where no helper programs are, none are found; any file of the name is one.
std::string folder_with_helper(const TemporaryDirectory& folder, const char* name) {
  std::ofstream(folder.path() + "/" + name) << "#!/bin/sh\n";
  ::chmod((folder.path() + "/" + name).c_str(), 0755);
  return folder.path();
}

TEST(BrokerConfig, AnEmptyFileIsTheUsualBroker) {
  auto config = parse_broker_config("", "broker.toml");
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().daemon_user, "stillframe");
  EXPECT_EQ(config.value().socket, "/run/stillframe-broker/broker.sock");
  EXPECT_THAT(config.value().expose_below, ElementsAre("/run/stillframe-broker/exposed"));
  EXPECT_THAT(config.value().providers, ElementsAre("btrfs", "image", "reflink", "copy"));
  EXPECT_TRUE(config.value().command_providers.empty());
  EXPECT_EQ(config.value().held_directory(), "/run/stillframe-broker/held");
}

TEST(BrokerConfig, MistakesAreNamedWithTheirLine) {
  const auto what = [](const std::string& toml) {
    auto config = parse_broker_config(toml, "broker.toml");
    return config.ok() ? "good" : config.error().what();
  };
  EXPECT_THAT(what("\nstate_dir = \"var\""), HasSubstr("broker.toml:2: 'state_dir'"));
  EXPECT_THAT(what("runtime_dir = \"/run/../etc\""), HasSubstr("'runtime_dir'"));
  EXPECT_THAT(what("expose_below = [\"/srv\", \"x\"]"), HasSubstr("'expose_below'"));
  EXPECT_THAT(what("providers = [\"zfs\"]"), HasSubstr("no provider 'zfs'; there are btrfs"));
  EXPECT_THAT(what("command_providers = [\"x.toml\"]"), HasSubstr("'command_providers'"));
  EXPECT_THAT(what("copy_bytes_max = 0"), HasSubstr("copy_bytes_max"));
  EXPECT_THAT(what("state_directory = \"/x\""), HasSubstr("means nothing here"));
}

TEST(BrokerConfig, EveryHostSaysWhomItRunsAs) {
  auto refused = parse_broker_config(one_host(""), "broker.toml");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().what(), HasSubstr("'shop' needs a 'user'"));
  EXPECT_TRUE(parse_broker_config(one_host("root"), "broker.toml").ok());
}

TEST(BrokerConfig, ItsFileIsNobodyElses) {
  const TemporaryDirectory folder;
  const std::string file = folder.path() + "/broker.toml";
  std::ofstream(file) << "daemon_user = \"backup\"\n";
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  auto config = load_broker_config(file, ::geteuid());
  ASSERT_TRUE(config.ok()) << config.error().what();
  EXPECT_EQ(config.value().daemon_user, "backup");
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(load_broker_config(file, ::geteuid()).error().code(), Errc::access_denied);
  EXPECT_EQ(load_broker_config(folder.path() + "/none", ::geteuid()).error().code(),
            Errc::not_found)
      << "a file that was named must be there";
}

TEST(BrokerConfig, ItsDirectoriesAreNobodyElses) {
  const TemporaryDirectory folder;
  BrokerConfig config;
  config.state_dir = folder.path() + "/state";
  config.runtime_dir = folder.path() + "/run";
  config.expose_below = {folder.path() + "/run/exposed"};
  ASSERT_TRUE(prepare_directories(config, ::geteuid()).ok());
  struct stat about {};
  ASSERT_EQ(::stat(config.expose_below[0].c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0700u) << "others have no way into an exposed snapshot";
  ASSERT_EQ(::chmod(config.expose_below[0].c_str(), 01777), 0);
  EXPECT_EQ(prepare_directories(config, ::geteuid()).error().code(), Errc::access_denied);
}

TEST(BrokerConfig, OnlyProvidersThatItNamesAreRun) {
  const TemporaryDirectory folder;
  BrokerConfig config;
  config.helper_dir = folder_with_helper(folder, "stillframe-provider-host");
  config.providers = {"copy"};
  config.command_providers = {"/etc/stillframe/array.toml"};
  config.expose_below = {"/srv/a", "/srv/b"};
  auto copy = provider_command(config, "copy");
  ASSERT_TRUE(copy.ok()) << copy.error().what();
  const auto& words = copy.value().command;
  EXPECT_EQ(words[0], config.helper_dir + "/stillframe-provider-host");
  EXPECT_EQ(words[1], "copy");
  EXPECT_EQ(std::count(words.begin(), words.end(), "--expose-below"), 2);
  EXPECT_THAT(words, Contains("/srv/b"));
  EXPECT_THAT(words, Contains(config.state_dir));
  EXPECT_TRUE(provider_command(config, "command:/etc/stillframe/array.toml").ok());
  for (const char* name : {"btrfs", "command:/etc/passwd", "command:copy", "", "array"}) {
    auto refused = provider_command(config, name);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code(), Errc::access_denied);
  }
}

TEST(BrokerConfig, OnlyHostsThatItNamesAreRunAndAsTheirUser) {
  const TemporaryDirectory folder;
  auto config = parse_broker_config(one_host("nobody"), "broker.toml");
  ASSERT_TRUE(config.ok());
  config.value().helper_dir = folder_with_helper(folder, "stillframe-plugin-host");
  auto shop = host_command(config.value(), "shop");
  ASSERT_TRUE(shop.ok()) << shop.error().what();
  EXPECT_THAT(shop.value().command,
              ElementsAre(folder.path() + "/stillframe-plugin-host", "--kind", "writer", "--name",
                          "shop", "--file", "/usr/lib/shop.so", "--config",
                          R"({"data":"/srv/shop"})", "--socket-dir", "/run/stillframe"));
  ASSERT_TRUE(shop.value().user.has_value());
  EXPECT_NE(shop.value().user->uid, 0u);
  EXPECT_EQ(host_command(config.value(), "other").error().code(), Errc::access_denied);
  config.value().hosts[0].user = "no-such-user";
  EXPECT_THAT(host_command(config.value(), "shop").error().what(), HasSubstr("no-such-user"));
}

}  // namespace
}  // namespace stillframe::daemon
