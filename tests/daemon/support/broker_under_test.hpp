// The broker as its own process, for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "framework/base/child_process.hpp"
#include "framework/daemon/broker/broker_client.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

// A user without privileges, whose number needs no entry anywhere.
inline constexpr uid_t kStranger = 54321;

// stillframe-broker with directories of its own. Serves user nobody when this is root, else this
// user.
class BrokerUnderTest {
 public:
  BrokerUnderTest();
  BrokerUnderTest(const BrokerUnderTest&) = delete;
  BrokerUnderTest& operator=(const BrokerUnderTest&) = delete;
  ~BrokerUnderTest();

  bool start();  // and waits until it listens
  void signal(int number) const;
  // SIGKILL, and waits until it is dead.
  void kill();
  ExitStatus stop();  // SIGTERM, likewise
  bool running() const { return child_ && child_->running(); }

  // What `config` adds to its file; for the next start().
  void configure(const std::string& config) { more_ = config; }

  pid_t pid() const { return child_->pid(); }
  uid_t daemon_uid() const { return daemon_uid_; }
  gid_t daemon_gid() const { return daemon_gid_; }
  const std::string& socket() const { return socket_; }
  std::string folder() const { return folder_.path(); }
  std::string state() const { return folder_.path() + "/state"; }
  std::string runtime() const { return folder_.path() + "/run"; }
  std::string place(const std::string& name) const { return runtime() + "/exposed/" + name; }
  std::string trail() const;  // the events so far, a JSON line each
  // The same once it has `text` in it, for which it waits: a thread of the broker's writes it.
  std::string trail_with(const std::string& text) const;
  std::unique_ptr<daemon::BrokerClient> client(std::chrono::milliseconds brief) const;

 private:
  const TemporaryDirectory folder_{"sfb"};
  const std::string socket_;
  uid_t daemon_uid_ = 0;
  gid_t daemon_gid_ = 0;
  std::string daemon_user_;
  std::string more_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace stillframe::tests
