#include "tests/daemon/broker/daemon_under_test.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe::tests {
namespace {

Deadline seconds_from_now(int seconds) {
  return Deadline(system_clock().now() + std::chrono::seconds(seconds));
}

}  // namespace

DaemonUnderTest::DaemonUnderTest(const BrokerUnderTest& broker, uid_t user) {
  ChildOptions options;
  options.command = {program("unprivileged_daemon"), std::to_string(user), broker.socket()};
  auto child = ChildProcess::start(options);
  if (child.ok()) child_ = std::move(child).value();
}

std::string DaemonUnderTest::ask(const std::string& command) {
  tell(command);
  return hear();
}

void DaemonUnderTest::tell(const std::string& command) {
  EXPECT_TRUE(child_->write(command + "\n", seconds_from_now(20)).ok());
}

std::string DaemonUnderTest::hear() {
  auto line = child_->read_line(100'000, seconds_from_now(60));
  return line.ok() ? line.value() : "no answer: " + line.error().what() + child_->complaints();
}

pid_t DaemonUnderTest::host() {
  const std::string answer = ask("pid");
  return answer.starts_with("ok ") ? std::atoi(answer.c_str() + 3) : 0;
}

}  // namespace stillframe::tests
