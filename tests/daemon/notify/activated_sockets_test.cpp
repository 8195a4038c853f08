#include "framework/daemon/notify/activated_sockets.hpp"

#include <cstdlib>
#include <map>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stillframe::daemon {
namespace {

using testing::ElementsAre;

// Runs `body` in a process that has two sockets as descriptors 3 and 4, as a service manager's
// child has them, and answers whether it returned true.
template <class Body>
bool in_a_service(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) ::_exit(2);
    // Out of the way first: either may be 3 or 4 already.
    const int first = ::fcntl(pair[0], F_DUPFD, 100);
    const int second = ::fcntl(pair[1], F_DUPFD, 100);
    if (::dup2(first, 3) != 3 || ::dup2(second, 4) != 4) ::_exit(2);
    ::close(first);
    ::close(second);
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Result<ActivatedSockets> activated(const std::string& pid, const std::string& count,
                                   const std::string& names) {
  const std::map<std::string, std::string> values{
      {"LISTEN_PID", pid}, {"LISTEN_FDS", count}, {"LISTEN_FDNAMES", names}};
  return ActivatedSockets::from([&values](const char* name) -> const char* {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  });
}

std::string own_pid() {
  return std::to_string(::getpid());
}

TEST(ActivatedSockets, AreTakenByName) {
  EXPECT_TRUE(in_a_service([] {
    auto sockets = activated(own_pid(), "2", "writer:requestor");
    if (!sockets.ok()) return false;
    const Descriptor requestor = sockets.value().take("requestor");
    return requestor.get() == 4 && (::fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 &&
           !sockets.value().take("requestor").valid() && !sockets.value().take("status").valid() &&
           sockets.value().left() == std::vector<std::string>{"writer"};
  }));
}

TEST(ActivatedSockets, ThoseNobodyTookAreClosedInTheEnd) {
  EXPECT_TRUE(in_a_service([] {
    { auto sockets = activated(own_pid(), "2", "a:b"); }
    return ::fcntl(3, F_GETFD) < 0 && ::fcntl(4, F_GETFD) < 0;
  }));
}

TEST(ActivatedSockets, VariablesOfAnotherProcessAreNotOurs) {
  EXPECT_TRUE(in_a_service([] {
    auto sockets = activated("1", "2", "a:b");
    return sockets.ok() && sockets.value().left().empty() && ::fcntl(3, F_GETFD) >= 0;
  }));
}

TEST(ActivatedSockets, WhatDoesNotFitIsRefused) {
  EXPECT_TRUE(in_a_service([] { return !activated(own_pid(), "2", "a").ok(); }));
  EXPECT_TRUE(in_a_service([] { return !activated(own_pid(), "two", "a:b").ok(); }));
  EXPECT_TRUE(in_a_service([] { return !activated(own_pid(), "-1", "").ok(); }));
  EXPECT_TRUE(in_a_service([] { return !activated(own_pid(), "1000000", "a").ok(); }));
  EXPECT_TRUE(in_a_service([] {
    ::close(4);
    return !activated(own_pid(), "2", "a:b").ok();
  })) << "one of them is not open";
}

TEST(ActivatedSockets, NoneIsTheOrdinaryCase) {
  auto none = ActivatedSockets::from([](const char*) -> const char* { return nullptr; });
  ASSERT_TRUE(none.ok());
  EXPECT_THAT(none.value().left(), ElementsAre());
}

}  // namespace
}  // namespace stillframe::daemon
