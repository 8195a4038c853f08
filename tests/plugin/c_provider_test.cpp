#include <gtest/gtest.h>

#include "framework/plugin/plugin.hpp"
#include "tests/plugin/all_verbs_plugin.h"

namespace stillframe {
namespace {

class CProvider : public ::testing::Test {
 protected:
  void SetUp() override {
    all_verbs_log[0] = '\0';
    all_verbs_answer = STILLFRAME_OK;
    all_verbs_size = 0;
    all_verbs_destroyed = 0;
    plugin_ = Plugin::adopt(all_verbs_entry, "test").value();
  }
  std::shared_ptr<Plugin> plugin_;
};

TEST_F(CProvider, EveryCallCrossesTheInterface) {
  auto made = plugin_->make_provider("{}");
  ASSERT_TRUE(made.ok()) << made.error().what();
  Provider& provider = *made.value();
  const SetId set = SetId::generate();
  const SnapshotId snapshot = SnapshotId::generate();
  EXPECT_EQ(provider.info().name, "array");
  EXPECT_EQ(provider.info().atomicity, Atomicity::set);
  EXPECT_TRUE(provider.supports({}, {}).ok());
  EXPECT_TRUE(provider.begin_prepare({}).ok());
  EXPECT_EQ(provider.end_prepare(set).value().commit, Duration(4));
  EXPECT_TRUE(provider.pre_commit(set).ok());
  EXPECT_TRUE(provider.commit(set).value().empty());
  EXPECT_TRUE(provider.post_commit(set).ok());
  EXPECT_EQ(provider.pre_final(set).error().code(), Errc::provider_failed);  // no list
  EXPECT_TRUE(provider.post_final(set).ok());
  provider.abort(set);
  EXPECT_TRUE(provider.query().value().empty());
  EXPECT_TRUE(provider.remove(snapshot).ok());
  EXPECT_TRUE(provider.expose(snapshot, "/mnt/x").ok());
  EXPECT_TRUE(provider.unexpose(snapshot).ok());
  EXPECT_TRUE(provider.make_writable(snapshot).ok());
  EXPECT_TRUE(provider.revert(snapshot, {true}).ok());
  const std::string log = all_verbs_log;
  EXPECT_NE(log.find("expose /mnt/x"), std::string::npos);
  EXPECT_NE(log.find("revert forced"), std::string::npos);
  made = Error(Errc::cancelled, "let go");
  EXPECT_EQ(all_verbs_destroyed, 1);
}

TEST_F(CProvider, FailureKeepsItsCode) {
  auto made = plugin_->make_provider("{}");
  ASSERT_TRUE(made.ok());
  all_verbs_answer = STILLFRAME_NO_SPACE;
  EXPECT_EQ(made.value()->begin_prepare({}).error().code(), Errc::no_space);
  all_verbs_answer = 4711;
  EXPECT_EQ(made.value()->begin_prepare({}).error().code(), Errc::provider_failed);
}

TEST_F(CProvider, ProviderThatLacksAFunctionIsRefused) {
  all_verbs_size = offsetof(stillframe_provider, revert);
  EXPECT_EQ(plugin_->make_provider("{}").error().code(), Errc::invalid_argument);
  EXPECT_EQ(all_verbs_destroyed, 1);
}

}  // namespace
}  // namespace stillframe
