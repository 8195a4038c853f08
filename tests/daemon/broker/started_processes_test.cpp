#include "framework/daemon/broker/started_processes.hpp"

#include <csignal>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace stillframe::daemon {
namespace {

constexpr ConnectionId kOne{1}, kTwo{2};
constexpr int kLongMs = 20'000;

ChildOptions shell(const std::string& script) {
  ChildOptions options;
  options.command = {"/bin/sh", "-c", script};
  return options;
}

bool ends(const Descriptor& pidfd, int within_ms = kLongMs) {
  pollfd about{pidfd.get(), POLLIN, 0};
  return ::poll(&about, 1, within_ms) == 1;
}

class Processes : public testing::Test {
 protected:
  Result<StartedProcess> start(ConnectionId owner, const std::string& script) {
    std::promise<Result<StartedProcess>> answer;
    processes_->start(owner, "test", shell(script), [&](Result<StartedProcess> started) {
      answer.set_value(std::move(started));
    });
    return answer.get_future().get();
  }
  Status kill(ConnectionId owner, ProcessHandle handle) {
    std::promise<Status> answer;
    processes_->kill(owner, handle, [&](const Status& killed) { answer.set_value(killed); });
    return answer.get_future().get();
  }
  Result<ProcessState> ask(ConnectionId owner, ProcessHandle handle) {
    std::promise<Result<ProcessState>> answer;
    processes_->ask(owner, handle,
                    [&](const Result<ProcessState>& state) { answer.set_value(state); });
    return answer.get_future().get();
  }

  std::mutex mutex_;
  std::vector<ExitStatus> ended_;
  std::unique_ptr<StartedProcesses> processes_ =
      StartedProcesses::start([this](const std::string&, pid_t, const ExitStatus& status) {
        const std::lock_guard lock(mutex_);
        ended_.push_back(status);
      }).value();
};

TEST_F(Processes, TheirEndIsToldOnceToTheirOwner) {
  auto started = start(kOne, "read line; exit 7");
  ASSERT_TRUE(started.ok()) << started.error().what();
  const ProcessHandle handle = started.value().handle;
  EXPECT_TRUE(ask(kOne, handle).value().running);
  EXPECT_EQ(ask(kTwo, handle).error().code(), Errc::not_found);
  started.value().descriptors.input.reset();
  ASSERT_TRUE(ends(started.value().descriptors.pidfd));
  auto state = ask(kOne, handle);
  ASSERT_TRUE(state.ok()) << state.error().what();
  EXPECT_FALSE(state.value().running);
  EXPECT_EQ(state.value().status, (ExitStatus{7, 0}));
  EXPECT_EQ(ask(kOne, handle).error().code(), Errc::not_found) << "it was told";
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(ended_, std::vector<ExitStatus>{(ExitStatus{7, 0})});
}

TEST_F(Processes, AreKilledByTheirOwnerOnly) {
  auto started = start(kOne, "sleep 1000 & wait");
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(kill(kTwo, started.value().handle).error().code(), Errc::not_found);
  EXPECT_EQ(kill(kOne, ProcessHandle{999}).error().code(), Errc::not_found);
  EXPECT_TRUE(ask(kOne, started.value().handle).value().running);
  EXPECT_TRUE(kill(kOne, started.value().handle).ok());
  ASSERT_TRUE(ends(started.value().descriptors.pidfd));
  EXPECT_EQ(ask(kOne, started.value().handle).value().status, (ExitStatus{0, SIGKILL}));
}

TEST_F(Processes, AConnectionTakesItsOwnAlong) {
  auto first = start(kOne, "sleep 1000");
  auto second = start(kOne, "sleep 1000");
  auto others = start(kTwo, "sleep 1000");
  ASSERT_TRUE(first.ok() && second.ok() && others.ok());
  processes_->connection_ended(kOne);
  EXPECT_TRUE(ends(first.value().descriptors.pidfd));
  EXPECT_TRUE(ends(second.value().descriptors.pidfd));
  EXPECT_TRUE(ask(kTwo, others.value().handle).value().running);
  processes_.reset();
  EXPECT_TRUE(ends(others.value().descriptors.pidfd, 0)) << "and the broker takes all";
}

TEST_F(Processes, AProgramThatIsNotThereIsAnError) {
  std::promise<Result<StartedProcess>> answer;
  ChildOptions none;
  none.command = {"/no/such/program"};
  processes_->start(kOne, "none", none,
                    [&](Result<StartedProcess> started) { answer.set_value(std::move(started)); });
  EXPECT_EQ(answer.get_future().get().error().code(), Errc::not_found);
}

TEST_F(Processes, ThereAreAtMostSoManyAndThoseThatEndedMakeRoom) {
  std::vector<StartedProcess> running;
  for (std::size_t i = 0; i < StartedProcesses::kProcessesMax; ++i) {
    auto started = start(kOne, "read line");
    ASSERT_TRUE(started.ok()) << started.error().what();
    running.push_back(std::move(started).value());
  }
  EXPECT_EQ(start(kTwo, "true").error().code(), Errc::limit_reached);
  running.back().descriptors.input.reset();
  ASSERT_TRUE(ends(running.back().descriptors.pidfd));
  // The table hears of the end on its own; nobody asks about this one.
  Result<StartedProcess> again = Error(Errc::internal, "");
  for (int tries = 0; tries < 1000 && !again.ok(); ++tries) {
    again = start(kTwo, "true");
    if (!again.ok()) ::usleep(1000);
  }
  EXPECT_TRUE(again.ok()) << again.error().what();
}

}  // namespace
}  // namespace stillframe::daemon
