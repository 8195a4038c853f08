#include "framework/daemon/hosts/hosts_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/transport/requestor_server.hpp"

namespace stillframe::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FakeSupervisor final : public HostSupervisor {
 public:
  std::vector<PluginInfo> status() const override {
    PluginInfo shop;
    shop.name = "shop";
    shop.kind = "writer";
    shop.state = PluginState::quarantined;
    shop.reason = "signal 11";
    return {shop};
  }
  Status release(const std::string& name) override {
    released.push_back(name);
    if (name != "shop") return Error(Errc::not_found, "no plug-in is called '" + name + "'");
    return Ok{};
  }
  void reload(const std::vector<HostSpec>&) override {}
  Result<std::unique_ptr<ProgramProvider>> provider(const std::string&) override {
    return Error(Errc::not_supported, "not here");
  }

  std::vector<std::string> released;
};

class Coordinator final : public RequestorHandler {
 public:
  Status connection_opened(const RequestorPeer& peer, EventPush) override {
    calls.push_back("opened " + peer.name);
    return Ok{};
  }
  void handle(ConnectionId, std::string method, std::string params, ReplyHandler reply) override {
    calls.push_back(method + " " + params);
    reply(ChannelReply{R"({"volumes":[]})", {}});
  }
  void connection_closed(ConnectionId) override { calls.push_back("closed"); }

  std::vector<std::string> calls;
};

struct HostsHandlerTest : ::testing::Test {
  FakeSupervisor supervisor;
  Coordinator coordinator;
  HostsHandler handler{coordinator, supervisor};
};

TEST_F(HostsHandlerTest, AnswersAboutPluginsItself) {
  Client client(std::shared_ptr<RequestorChannel>(connect_locally(handler, "test")));
  auto plugins = client.plugins();
  ASSERT_TRUE(plugins.ok()) << plugins.error().what();
  ASSERT_EQ(plugins.value().size(), 1u);
  EXPECT_EQ(plugins.value()[0].state, PluginState::quarantined);
  EXPECT_EQ(plugins.value()[0].reason, "signal 11");
  EXPECT_TRUE(client.release_plugin("shop").ok());
  EXPECT_EQ(client.release_plugin("mail").error(),
            Error(Errc::not_found, "no plug-in is called 'mail'"));
  EXPECT_THAT(supervisor.released, ElementsAre("shop", "mail"));
}

TEST_F(HostsHandlerTest, AReleaseIsAnsweredWhenWhatItIsForIsBack) {
  std::vector<std::string> asked;
  Status outcome = Ok{};
  HostsHandler joining(
      coordinator, supervisor,
      [&](const std::string& name, const std::function<void(const Status&)>& done) {
        asked.push_back(name);
        done(outcome);
      });
  Client client(std::shared_ptr<RequestorChannel>(connect_locally(joining, "test")));
  EXPECT_TRUE(client.release_plugin("shop").ok());
  EXPECT_FALSE(client.release_plugin("mail").ok());
  EXPECT_THAT(asked, ElementsAre("shop")) << "what was not released does not come back";
  outcome = Error(Errc::provider_failed, "signal 11");
  const Status failed = client.release_plugin("shop");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), Errc::provider_failed);
  EXPECT_THAT(failed.error().what(), HasSubstr("signal 11"));
}

TEST_F(HostsHandlerTest, HandsEverythingElseOn) {
  {
    Client client(std::shared_ptr<RequestorChannel>(connect_locally(handler, "nightly")));
    EXPECT_TRUE(client.volumes().ok());
  }
  EXPECT_THAT(coordinator.calls, ElementsAre("opened nightly", "volumes {}", "closed"));
}

TEST_F(HostsHandlerTest, ReleaseWithoutANameIsAMistake) {
  auto channel = connect_locally(handler, "test");
  for (const char* params : {"{}", "[]", "nonsense", R"({"name":7})"}) {
    auto reply = channel->call("plugin.release", params);
    ASSERT_FALSE(reply.ok()) << params;
    EXPECT_EQ(reply.error().code(), Errc::invalid_argument);
  }
  EXPECT_TRUE(supervisor.released.empty());
}

}  // namespace
}  // namespace stillframe::daemon
