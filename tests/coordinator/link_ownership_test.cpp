// Who keeps the link to a writer, and for how long.
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "framework/coordinator/assembly/coordinator.hpp"
#include "framework/transport/requestor_server.hpp"
#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;

// Whatever its links were given to answer with: a link's thread lets go of it some time after it
// answered, perhaps when everybody else has let go of the link.
struct KeptHandlers {
  std::mutex mutex;
  std::vector<WriterLink::AnswerHandler> handlers;
};

// Every call fails.
class FailingLink final : public WriterLink {
 public:
  FailingLink(const WriterIdentity& identity, KeptHandlers& kept)
      : identity_(identity), kept_(kept) {}

  const WriterIdentity& identity() const override { return identity_; }
  WriterInstanceId instance() const override { return instance_; }
  const WriterProcess& process() const override { return process_; }
  const PeerCredentials& credentials() const override { return credentials_; }
  void call(WriterCall, AnswerHandler done) override {
    {
      const std::lock_guard lock(kept_.mutex);
      kept_.handlers.push_back(done);
    }
    WriterAnswer answer;
    answer.status = Error(Errc::io, "its disk is gone");
    done(std::move(answer));
  }
  void cancel(const SessionId&) override {}
  void heartbeat(const SessionId&) override {}
  void on_gone(std::function<void(Error)>) override {}
  void on_progress(ProgressHandler) override {}

 private:
  const WriterIdentity identity_;
  const WriterInstanceId instance_ = WriterInstanceId::generate();
  const WriterProcess process_;
  const PeerCredentials credentials_;
  KeptHandlers& kept_;
};

class LinkOwnershipTest : public CoordinatorFixture, public ::testing::WithParamInterface<bool> {
 protected:
  void start_coordinator() {
    coordinator::CoordinatorOptions options;
    options.state_dir = make_volume("state");
    options.runtime_dir = make_volume("run");
    options.events = &null_event_sink();
    options.look_at_volumes = volumes_.factory();
    if (GetParam()) {
      options.file_rules.apply_to = [](const WriterLink&) { return true; };
      options.file_rules.check = [](const auto&...) { return Status(Ok{}); };
    }
    auto started = coordinator::Coordinator::start(std::move(options));
    ASSERT_TRUE(started.ok()) << error_of(started);
    whole_ = std::move(started).value();
  }

  KeptHandlers kept_;
  std::unique_ptr<coordinator::Coordinator> whole_;
};

// With and without rules for the files that a writer declares.
INSTANTIATE_TEST_SUITE_P(FileRules, LinkOwnershipTest, ::testing::Bool());

TEST_P(LinkOwnershipTest, AnAnswersHandlerDoesNotKeepItsLink) {
  start_coordinator();
  const ScriptedWriter model({"broken", make_volume("one")});
  auto link = std::make_shared<FailingLink>(model.identity(), kept_);
  const std::weak_ptr<FailingLink> watched = link;
  ASSERT_TRUE(whole_->add_writer(link).ok());
  Client requestor(std::shared_ptr<RequestorChannel>(connect_locally(*whole_->requests(), "test")));
  auto writers = requestor.writers();
  ASSERT_TRUE(writers.ok()) << error_of(writers);
  ASSERT_EQ(writers.value().size(), 1u);
  EXPECT_EQ(writers.value()[0].state, WriterState::failed_at_identify);
  ASSERT_FALSE(kept_.handlers.empty());

  whole_->writers().remove(link->instance());
  link.reset();
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!watched.expired() && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the session is ending
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace stillframe
