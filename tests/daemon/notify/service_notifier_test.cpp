#include "framework/daemon/notify/service_notifier.hpp"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe::daemon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using tests::TemporaryDirectory;

using VariableMap = std::map<std::string, std::string>;

Variables variables(VariableMap values) {
  return [values = std::move(values)](const char* name) -> const char* {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
}

// The service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& address)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), bytes), 0);
  }

  std::string next() const {
    char buffer[4096];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return n < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(n));
  }

 private:
  Descriptor socket_;
};

TEST(ServiceNotifier, TellsTheManagerEachChange) {
  TemporaryDirectory folder;
  const std::string path = folder.path() + "/notify";
  const Manager manager(path);
  auto notifier = ServiceNotifier::from(variables({{"NOTIFY_SOCKET", path}}));
  ASSERT_TRUE(notifier.ok()) << notifier.error().what();
  EXPECT_TRUE(notifier.value().active());
  EXPECT_TRUE(notifier.value().ready().ok());
  EXPECT_EQ(manager.next(), "READY=1");
  EXPECT_TRUE(notifier.value().reloading().ok());
  EXPECT_THAT(manager.next(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_TRUE(notifier.value().status("two sets\nREADY=0").ok());
  EXPECT_EQ(manager.next(), "STATUS=two sets READY=0") << "a text is no second statement";
  EXPECT_TRUE(notifier.value().watchdog().ok());
  EXPECT_EQ(manager.next(), "WATCHDOG=1");
  EXPECT_TRUE(notifier.value().stopping().ok());
  EXPECT_EQ(manager.next(), "STOPPING=1");
  EXPECT_EQ(manager.next(), "nothing");
}

TEST(ServiceNotifier, AnAbstractSocketWillDo) {
  const std::string name = "stillframe-notify-" + std::to_string(::getpid());
  const Manager manager(std::string(1, '\0') + name);
  auto notifier = ServiceNotifier::from(variables({{"NOTIFY_SOCKET", "@" + name}}));
  ASSERT_TRUE(notifier.ok()) << notifier.error().what();
  EXPECT_TRUE(notifier.value().ready().ok());
  EXPECT_EQ(manager.next(), "READY=1");
}

TEST(ServiceNotifier, WithoutAManagerNothingHappens) {
  auto notifier = ServiceNotifier::from(variables({}));
  ASSERT_TRUE(notifier.ok());
  EXPECT_FALSE(notifier.value().active());
  EXPECT_FALSE(notifier.value().watchdog_limit().has_value());
  EXPECT_TRUE(notifier.value().ready().ok());
}

TEST(ServiceNotifier, AManagerThatIsGoneIsAnError) {
  TemporaryDirectory folder;
  auto notifier = ServiceNotifier::from(variables({{"NOTIFY_SOCKET", folder.path() + "/none"}}));
  ASSERT_TRUE(notifier.ok());
  Status told = notifier.value().ready();
  ASSERT_FALSE(told.ok());
  EXPECT_THAT(told.error().what(), HasSubstr(folder.path() + "/none"));
}

TEST(ServiceNotifier, ANameThatIsNoSocketIsRefused) {
  for (const std::string& name : {std::string("relative"), std::string("/"), std::string(200, '/')})
    EXPECT_EQ(ServiceNotifier::from(variables({{"NOTIFY_SOCKET", name}})).error().code(),
              Errc::invalid_argument)
        << name;
}

TEST(ServiceNotifier, TheWatchdogIsThatOfThisProcess) {
  const std::string us = std::to_string(::getpid());
  const auto limit = [](VariableMap values) {
    return ServiceNotifier::from(variables(std::move(values))).value().watchdog_limit();
  };
  EXPECT_EQ(limit({{"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", us}}), std::chrono::seconds(3));
  EXPECT_EQ(limit({{"WATCHDOG_USEC", "3000000"}}), std::chrono::seconds(3));
  EXPECT_EQ(limit({{"WATCHDOG_USEC", "3000000"}, {"WATCHDOG_PID", "1"}}), std::nullopt);
  for (const char* wrong : {"0", "-5", "3s", ""}) {
    EXPECT_EQ(limit({{"WATCHDOG_USEC", wrong}}), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace stillframe::daemon
