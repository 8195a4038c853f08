#include "framework/base/child_process.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

namespace stillframe {
namespace {

Deadline in_seconds(int n) {
  return Deadline(system_clock().now() + std::chrono::seconds(n));
}

std::unique_ptr<ChildProcess> shell(const std::string& script) {
  ChildOptions options;
  options.command = {"/bin/sh", "-c", script};
  options.environment = {{"GREETING", "hello"}};
  auto child = ChildProcess::start(options);
  return child.ok() ? std::move(child).value() : nullptr;
}

TEST(ChildProcess, SpeaksByLines) {
  auto child = shell("while read line; do echo \"$GREETING $line\"; done");
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->write("one\ntwo\n", in_seconds(10)).ok());
  EXPECT_EQ(child->read_line(100, in_seconds(10)).value(), "hello one");
  EXPECT_EQ(child->read_line(100, in_seconds(10)).value(), "hello two");
  child->close_input();
  EXPECT_EQ(child->read_line(100, in_seconds(10)).error().code(), Errc::disconnected);
  EXPECT_EQ(child->wait(in_seconds(10)).value(), (ExitStatus{0, 0}));
}

TEST(ChildProcess, AskedToEndItSeesItsInputCloseAndTheSignal) {
  auto child = shell(
      "trap 'echo asked; exit 3' TERM; echo ready; read line; echo closed; while :; do sleep 0.05; "
      "done");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->read_line(100, in_seconds(10)).value(), "ready");
  child->ask_to_end();
  std::string said;
  for (auto line = child->read_line(100, in_seconds(10)); line.ok();
       line = child->read_line(100, in_seconds(10))) {
    said = line.value();
  }
  EXPECT_EQ(said, "asked");
  EXPECT_EQ(child->wait(in_seconds(10)).value(), (ExitStatus{3, 0}));
  child->ask_to_end();  // nobody is there any more
}

TEST(ChildProcess, TellsExitCodesFromSignals) {
  EXPECT_EQ(shell("exit 62")->wait(in_seconds(10)).value(), (ExitStatus{62, 0}));
  auto killed = shell("kill -9 $$");
  EXPECT_EQ(killed->wait(in_seconds(10)).value(), (ExitStatus{0, SIGKILL}));
  EXPECT_EQ(to_string(killed->wait(in_seconds(10)).value()), "signal 9 (Killed)");
}

TEST(ChildProcess, ADeadlineEndsEveryWait) {
  auto child = shell("sleep 1000");
  EXPECT_EQ(child->read_line(100, Deadline(system_clock().now())).error().code(), Errc::timed_out);
  EXPECT_EQ(child->wait(Deadline(system_clock().now())).error().code(), Errc::timed_out);
  // Longer than any pipe: it does not read.
  const std::string much(1 << 20, 'x');
  EXPECT_EQ(child->write(much, Deadline(system_clock().now())).error().code(), Errc::timed_out);
}

TEST(ChildProcess, LongLinesAreRefused) {
  auto child = shell("head -c 100000 /dev/zero | tr '\\0' x; echo");
  EXPECT_EQ(child->read_line(4096, in_seconds(10)).error().code(), Errc::limit_reached);
}

TEST(ChildProcess, TheWholeGroupDiesWithIt) {
  auto child = shell("sleep 1000 & echo $!; wait");
  const int grandchild = std::stoi(child->read_line(100, in_seconds(10)).value());
  ASSERT_EQ(::kill(grandchild, 0), 0);
  child.reset();
  // Where process 1 does not reap, the number stays with a zombie: the state tells.
  auto probe = shell("while test -e /proc/" + std::to_string(grandchild) +
                     " && ! grep -q 'State:.Z' /proc/" + std::to_string(grandchild) +
                     "/status; do sleep 0.01; done");
  EXPECT_TRUE(probe->wait(in_seconds(10)).ok());
}

TEST(ChildProcess, KeepsTheEndOfItsComplaints) {
  auto child =
      shell("head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'the disk is on fire' >&2");
  ASSERT_TRUE(child->wait(in_seconds(10)).ok());
  const std::string said = child->complaints();
  EXPECT_LE(said.size(), ChildProcess::kComplaintBytesMax + 16);
  EXPECT_NE(said.find("; the disk is on fire"), std::string::npos);
}

TEST(ChildProcess, NamesAProgramThatIsNotThere) {
  ChildOptions options;
  options.command = {"/no/such/program"};
  auto child = ChildProcess::start(options);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code(), Errc::not_found);
  options.command = {"/etc/passwd"};
  EXPECT_EQ(ChildProcess::start(options).error().code(), Errc::access_denied);
}

TEST(ChildProcess, BecomesAnotherUser) {
  if (::getuid() != 0) GTEST_SKIP() << "changing the user needs root";
  ChildOptions options;
  options.command = {"/bin/sh", "-c", "id -u; id -g; id -G"};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  options.user = ChildUser{65534, 65534, {65534}};
  auto child = ChildProcess::start(options);
  ASSERT_TRUE(child.ok()) << child.error().what();
  for (int line = 0; line < 3; ++line) {
    EXPECT_EQ(child.value()->read_line(100, in_seconds(10)).value(), "65534");
  }
}

TEST(ChildProcess, InheritsNoDescriptor) {
  int leak[2];
  ASSERT_EQ(::pipe(leak), 0);  // without close-on-exec
  auto child = shell("ls /proc/self/fd | wc -l");
  // 0, 1, 2 and the one ls reads the folder by.
  EXPECT_EQ(std::stoi(child->read_line(100, in_seconds(10)).value()), 4);
  ::close(leak[0]);
  ::close(leak[1]);
}

// One process starts, another speaks: here both are this one.
TEST(ChildProcess, AnAdoptedOneIsSpokenToByUsAndEndedByItsStarter) {
  auto started = shell("while read line; do echo \"got $line\"; done; echo so long >&2; exit 5");
  ASSERT_TRUE(started);
  auto descriptors = started->hand_over();
  ASSERT_TRUE(descriptors.ok());
  EXPECT_EQ(started->write("x\n", in_seconds(1)).error().code(), Errc::disconnected);
  EXPECT_EQ(started->read_line(100, in_seconds(1)).error().code(), Errc::disconnected);
  int kills = 0;
  auto adopted =
      ChildProcess::adopt({started->pid(), std::move(descriptors).value(), [&] { ++kills; },
                           [&] { return started->wait(in_seconds(10)); }});
  ASSERT_TRUE(adopted->write("one\n", in_seconds(10)).ok());
  EXPECT_EQ(adopted->read_line(100, in_seconds(10)).value(), "got one");
  EXPECT_TRUE(adopted->running());
  adopted->kill_group();
  EXPECT_EQ(kills, 1);
  EXPECT_TRUE(adopted->running()) << "that is its starter's business";
  adopted->close_input();
  EXPECT_EQ(adopted->wait(in_seconds(10)).value(), (ExitStatus{5, 0}));
  EXPECT_EQ(adopted->complaints(), "so long");
  EXPECT_FALSE(adopted->running());
  adopted->kill_group();
  EXPECT_EQ(kills, 1) << "it has ended";
}

TEST(ChildProcess, AnAdoptedOneThatIsDroppedIsKilledAndNobodyWaits) {
  auto started = shell("sleep 1000");
  ASSERT_TRUE(started);
  int kills = 0;
  auto adopted =
      ChildProcess::adopt({started->pid(), started->hand_over().value(), [&] { ++kills; },
                           [] { return Result<ExitStatus>(ExitStatus{}); }});
  adopted.reset();
  EXPECT_EQ(kills, 1);
  EXPECT_TRUE(started->running());
}

TEST(ChildProcess, AnAdoptedOneWhoseStarterIsGoneHasEndedAllTheSame) {
  auto started = shell("exit 3");
  ASSERT_TRUE(started);
  auto adopted = ChildProcess::adopt(
      {started->pid(), started->hand_over().value(), [] {},
       [] { return Result<ExitStatus>(Error(Errc::disconnected, "the starter died")); }});
  auto ended = adopted->wait(in_seconds(10));
  ASSERT_TRUE(ended.ok()) << ended.error().what();
  EXPECT_FALSE(ended.value().known);
  EXPECT_EQ(to_string(ended.value()), "a status that nobody can tell any more");
  EXPECT_EQ(adopted->complaints(), "the starter died");
}

}  // namespace
}  // namespace stillframe
