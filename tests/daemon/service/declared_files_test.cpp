// A writer of an ordinary user's, in a process of its own, that declares what it cannot read.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using tests::RunningDaemon;

constexpr uid_t kUser = 12345;

struct OneDirectory final : Writer {
  explicit OneDirectory(std::string place) : place_(std::move(place)) {}
  WriterIdentity identity() const override {
    WriterIdentity who;
    who.class_id = WriterClassId::parse("7a0c6e0e-66f0-4d57-9f1f-5e4f4ac1d0aa").value();
    who.name = "Shop";
    return who;
  }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    Component& component = metadata.components.emplace_back();
    component.name.name = "orders";
    FileSet files;
    files.path = place_;
    files.pattern = "*";
    files.recursive = true;
    component.files = {files};
    return metadata;
  }
  const std::string place_;
};

// Runs the writer until it is killed.
[[noreturn]] void be_the_writer(const std::string& sockets, const std::string& place) {
  const gid_t group = kUser;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 ||
      ::setresuid(kUser, kUser, kUser) != 0)
    ::_exit(1);
  OneDirectory writer(place);
  WriterHostOptions options;
  options.socket_dir = sockets;
  auto host = WriterHost::start(writer, options);
  if (!host.ok()) ::_exit(1);
  while (true) ::pause();
}

class DeclaredFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "another user can only be played by root";
    fs::permissions(daemon_.base(), fs::perms(0755));
    fs::permissions(data_.path(), fs::perms(0755));
    std::ofstream(data_.path() + "/orders") << "content";
  }
  void TearDown() override {
    if (writer_ <= 0) return;
    ::kill(writer_, SIGKILL);
    (void)::waitpid(writer_, nullptr, 0);
  }

  void start(const std::string& allow) {
    daemon_.configure(
        "[providers]\nbuiltin = false\n[[allow]]\nusers = ['12345']\nrights = "
        "['register']\n" +
        allow);
    // Before this process has a second thread; the writer waits for the daemon.
    writer_ = ::fork();
    if (writer_ == 0) be_the_writer(daemon_.socket_dir(), data_.path());
    Status started = daemon_.start();
    ASSERT_TRUE(started.ok()) << started.error().what();
  }

  // What the daemon says of its writers once there is one.
  std::string writers() {
    auto channel = daemon_.connect();
    if (!channel.ok()) return channel.error().what();
    for (int tries = 0; tries < 2'000; ++tries) {
      auto reply = channel.value()->call("writers", "{}");
      if (!reply.ok()) return reply.error().what();
      if (reply.value().json.find("Shop") != std::string::npos) return reply.value().json;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return "no writer came";
  }

  RunningDaemon daemon_;
  const tests::TemporaryDirectory data_{"declared"};
  pid_t writer_ = -1;
};

TEST_F(DeclaredFiles, WhatItsUserCanReadIsTaken) {
  start("");
  EXPECT_THAT(writers(), AllOf(HasSubstr("orders"), testing::Not(HasSubstr("cannot read"))));
}

TEST_F(DeclaredFiles, WhatItsUserCannotReadIsRefusedByName) {
  std::ofstream(data_.path() + "/secret") << "content";
  fs::permissions(data_.path() + "/secret", fs::perms(0600));
  start("");
  EXPECT_THAT(writers(), AllOf(HasSubstr("writer Shop, component orders"),
                               HasSubstr("uid 12345, cannot read '" + data_.path() + "/secret'"),
                               HasSubstr("any_files")));
  EXPECT_TRUE(daemon_.logged("\"method\":\"declare\"")) << "the audit trail has it";
  EXPECT_THAT(daemon_.log(), HasSubstr("\"uid\":\"12345\""));
}

TEST_F(DeclaredFiles, UnlessItsTableAllowsAnyFiles) {
  std::ofstream(data_.path() + "/secret") << "content";
  fs::permissions(data_.path() + "/secret", fs::perms(0600));
  start("writers = ['Shop']\nany_files = true\n");
  EXPECT_THAT(writers(), AllOf(HasSubstr("orders"), testing::Not(HasSubstr("cannot read"))));
}

}  // namespace
}  // namespace stillframe
