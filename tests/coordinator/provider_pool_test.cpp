#include "framework/coordinator/provider_pool/provider_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/support/fake_provider.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::coordinator {
namespace {

using testing::HasSubstr;
using tests::FakeProvider;

class ProviderPoolTest : public testing::Test {
 protected:
  ProviderFactory factory(const std::string& name) {
    return [this, name]() -> Result<std::shared_ptr<Provider>> {
      if (broken_) return Error(Errc::provider_failed, reason_);
      tests::FakeProviderOptions options;
      options.name = name;
      options.directory = folder_.path() + "/" + name;
      return std::shared_ptr<Provider>(std::make_shared<FakeProvider>(options));
    };
  }

  const tests::TemporaryDirectory folder_{"pool"};
  bool broken_ = true;
  std::string reason_ = "it is in quarantine";
  ProviderPool pool_;
};

TEST_F(ProviderPoolTest, OneThatCouldNotBeStartedJoinsWhenItCan) {
  pool_.note_unavailable("array", pool_.add(factory("array")).error(), factory("array"));
  EXPECT_THAT(pool_.find("array").error().what(), HasSubstr("it is in quarantine"));

  reason_ = "signal 11";
  auto still = pool_.add_again("array");
  ASSERT_FALSE(still.ok());
  EXPECT_THAT(still.error().what(), HasSubstr("signal 11"));
  EXPECT_THAT(pool_.unavailable(), HasSubstr("signal 11")) << "the reason is today's";

  broken_ = false;
  auto joined = pool_.add_again("array");
  ASSERT_TRUE(joined.ok()) << joined.error().what();
  EXPECT_TRUE(joined.value());
  EXPECT_EQ(pool_.unavailable(), "");
  auto info = pool_.find("array");
  ASSERT_TRUE(info.ok()) << info.error().what();
  EXPECT_TRUE(pool_.open(info.value().id).ok()) << "every session gets an object of its own";
  pool_.stop();
}

TEST_F(ProviderPoolTest, OneThatIsThereOrUnknownIsLeftAlone) {
  broken_ = false;
  ASSERT_TRUE(pool_.add(factory("array")).ok());
  for (const char* name : {"array", "no such"}) {
    auto again = pool_.add_again(name);
    ASSERT_TRUE(again.ok()) << name;
    EXPECT_FALSE(again.value()) << name;
  }
  EXPECT_EQ(pool_.infos().size(), 1u);
  pool_.stop();
}

}  // namespace
}  // namespace stillframe::coordinator
