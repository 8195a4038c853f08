#include "tests/daemon/support/broker_under_test.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe::tests {
namespace {

constexpr int kStartTries = 2000;

Deadline in_seconds(int seconds) {
  return Deadline(system_clock().now() + std::chrono::seconds(seconds));
}

}  // namespace

BrokerUnderTest::BrokerUnderTest() : socket_(folder_.path() + "/run/b.sock") {
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("nobody") : ::getpwuid(::geteuid());
  if (user == nullptr) return;
  daemon_uid_ = user->pw_uid;
  daemon_gid_ = user->pw_gid;
  daemon_user_ = user->pw_name;
  ::chmod(folder_.path().c_str(), 0755);  // the daemon must get to the socket
}

BrokerUnderTest::~BrokerUnderTest() {
  child_.reset();
  // What an assertion left exposed.
  for (const MountedAt& mount : mounted_now()) {
    if (mount.mount_point.starts_with(folder_.path() + "/")) {
      run_program({"umount", "-l", mount.mount_point});
    }
  }
}

bool BrokerUnderTest::start() {
  child_.reset();
  const std::string file = folder_.path() + "/broker.toml";
  std::ofstream(file) << "daemon_user = \"" << daemon_user_ << "\"\nsocket = \"" << socket_
                      << "\"\nstate_dir = \"" << state() << "\"\nruntime_dir = \"" << runtime()
                      << "\"\n"
                      << more_;
  ::chmod(file.c_str(), 0600);
  ChildOptions options;
  // The shell becomes the broker; its standard error is the trail.
  options.command = {"/bin/sh",
                     "-c",
                     "exec \"$0\" --config \"$1\" 2>>\"$2\"",
                     program("stillframe-broker"),
                     file,
                     folder_.path() + "/trail"};
  auto child = ChildProcess::start(options);
  if (!child.ok()) return false;
  child_ = std::move(child).value();
  const auto ask = client(std::chrono::seconds(10));
  for (int tries = 0; tries < kStartTries && child_->running(); ++tries) {
    if (ask->version().ok()) return true;
    ::usleep(2000);
  }
  ADD_FAILURE() << "the broker did not start: " << trail();
  return false;
}

void BrokerUnderTest::signal(int number) const {
  ::kill(child_->pid(), number);
}

void BrokerUnderTest::kill() {
  signal(SIGKILL);
  EXPECT_TRUE(child_->wait(in_seconds(20)).ok());
}

ExitStatus BrokerUnderTest::stop() {
  signal(SIGTERM);
  auto ended = child_->wait(in_seconds(20));
  EXPECT_TRUE(ended.ok());
  return ended.ok() ? ended.value() : ExitStatus{-1, -1};
}

std::string BrokerUnderTest::trail() const {
  std::ifstream in(folder_.path() + "/trail");
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string BrokerUnderTest::trail_with(const std::string& text) const {
  for (int tries = 0; tries < 5000 && trail().find(text) == std::string::npos; ++tries)
    ::usleep(4000);
  return trail();
}

std::unique_ptr<daemon::BrokerClient> BrokerUnderTest::client(
    std::chrono::milliseconds brief) const {
  daemon::BrokerClientOptions options;
  options.socket = socket_;
  options.brief = brief;
  return daemon::BrokerClient::create(options);
}

}  // namespace stillframe::tests
