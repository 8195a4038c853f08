#include "framework/coordinator/provider_pool/provider_pool.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

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

// Providers whose end is noted, with the thread it happened on; preparation waits for open_gate().
class RetiredProviders : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(pool_.add([this] { return make(); }).ok());
    id_ = pool_.infos().front().id;
  }
  void TearDown() override { open_gate(); }

  Result<std::shared_ptr<Provider>> make() {
    tests::FakeProviderOptions options;
    options.directory = folder_.path() + "/fake";
    auto* made = new FakeProvider(options, [this](const std::string&) -> Status {
      std::unique_lock lock(mutex_);
      ++at_work_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return gate_open_; });
      return Ok{};
    });
    return std::shared_ptr<Provider>(made, [this](FakeProvider* provider) {
      delete provider;
      const std::lock_guard lock(mutex_);
      ended_on_.push_back(std::this_thread::get_id());
      changed_.notify_all();
    });
  }

  std::shared_ptr<ProviderRunner> opened() {
    auto runner = pool_.open(id_);
    EXPECT_TRUE(runner.ok());
    return runner.ok() ? std::move(runner).value() : nullptr;
  }

  // A runner that is inside a call until the gate opens.
  std::shared_ptr<ProviderRunner> opened_at_work() {
    auto runner = opened();
    runner->post([](Provider& provider) { (void)provider.begin_prepare({}); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return at_work_ > 0; });
    return runner;
  }

  void open_gate() {
    const std::lock_guard lock(mutex_);
    gate_open_ = true;
    changed_.notify_all();
  }

  std::vector<std::thread::id> wait_for_ends(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_on_.size() >= count; });
    return ended_on_;
  }

  const tests::TemporaryDirectory folder_{"retired"};
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  int at_work_ = 0;
  bool gate_open_ = false;
  std::vector<std::thread::id> ended_on_;
  ProviderId id_;
  ProviderPool pool_;  // last: what ends with it is noted above
};

TEST_F(RetiredProviders, OneAtWorkIsLetGoOfWhenItIsDoneAndNotOnTheCallersThread) {
  pool_.retire(opened_at_work());  // returns although the call goes on
  {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(ended_on_.empty());
  }
  open_gate();
  EXPECT_NE(wait_for_ends(1).front(), std::this_thread::get_id())
      << "nobody retires another one for it to go";
}

TEST_F(RetiredProviders, OneThatIsDoneDoesNotWaitForOneAtWork) {
  pool_.retire(opened_at_work());
  pool_.retire(opened());
  EXPECT_EQ(wait_for_ends(1).size(), 1u) << "the one at work is still there";
  open_gate();
  wait_for_ends(2);
}

TEST_F(RetiredProviders, ThePoolsEndWaitsForThoseThatAreStillAtWork) {
  auto pool = std::make_unique<ProviderPool>();
  ASSERT_TRUE(pool->add([this] { return make(); }).ok());
  auto own = pool->open(id_);
  ASSERT_TRUE(own.ok());
  own.value()->post([](Provider& provider) { (void)provider.begin_prepare({}); });
  pool->retire(std::move(own).value());
  std::thread opener([this] { open_gate(); });
  pool.reset();
  EXPECT_EQ(wait_for_ends(2).size(), 2u) << "the retired one and the resident one";
  opener.join();
}

TEST_F(RetiredProviders, OneThatIsRetiredAfterTheStopGoesWithThePool) {
  auto pool = std::make_unique<ProviderPool>();
  ASSERT_TRUE(pool->add([this] { return make(); }).ok());
  auto late = pool->open(id_);
  ASSERT_TRUE(late.ok());
  pool->stop();
  pool->retire(std::move(late).value());
  pool.reset();
  EXPECT_EQ(wait_for_ends(2).size(), 2u);
}

TEST_F(RetiredProviders, OneThatExistsOnceStaysWhenASessionGivesItBack) {
  ProviderPool pool;
  auto single = make();
  ASSERT_TRUE(single.ok());
  ASSERT_TRUE(pool.add_single(std::move(single).value()).ok());
  for (int session = 0; session < 2; ++session) {
    auto shared = pool.open(id_);
    ASSERT_TRUE(shared.ok());
    pool.retire(std::move(shared).value());
  }
  EXPECT_TRUE(pool.resident(id_).ok());
  pool.stop();
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(ended_on_.empty());
}

}  // namespace
}  // namespace stillframe::coordinator
