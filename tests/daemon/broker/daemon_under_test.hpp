// A daemon as its own process, beside a broker, for tests.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "framework/base/child_process.hpp"
#include "tests/daemon/support/broker_under_test.hpp"

namespace stillframe::tests {

// The program unprivileged_daemon.
class DaemonUnderTest {
 public:
  DaemonUnderTest(const BrokerUnderTest& broker, uid_t user);
  bool started() const { return child_ != nullptr; }

  // One command and its answer.
  std::string ask(const std::string& command);
  // The two halves of it.
  void tell(const std::string& command);
  std::string hear();
  void kill() { child_.reset(); }
  // The provider's host.
  pid_t host();

 private:
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace stillframe::tests
