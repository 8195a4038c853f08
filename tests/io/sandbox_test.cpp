// What a process can still do in the sandbox, tried by a child that means harm.
#include "framework/io/sandbox.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

namespace fs = std::filesystem;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::permissions(folder_.path(), fs::perms(0777));
    std::ofstream(open_file()) << "content";
    fs::create_directory(shown());
    fs::permissions(shown(), fs::perms(0777));
    std::ofstream(shown() + "/inside") << "content";
  }
  std::string open_file() const { return folder_.path() + "/open"; }
  std::string shown() const { return folder_.path() + "/shown"; }

  // Exit code of a child that runs `deed` in a sandbox: its result, or 99 without a sandbox, or
  // minus the signal that killed it.
  int in_sandbox(const std::function<int()>& deed, SandboxOptions options = {}) const {
    const pid_t child = ::fork();
    if (child == 0) {
      auto sandbox = enter_sandbox(options);
      ::_exit(sandbox.ok() ? deed() : 99);
    }
    int status = 0;
    (void)::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // 0 when the call was refused, 1 when it was not.
  static int refused(long result) { return result < 0 ? 0 : 1; }

  // What this kernel can do.
  Sandbox here() const {
    const int both = in_sandbox([] { return 0; });
    EXPECT_EQ(both, 0);
    Sandbox sandbox;
    sandbox.files_confined =
        in_sandbox([this] { return refused(::open(open_file().c_str(), O_RDONLY)); }) == 0;
    sandbox.calls_filtered =
        in_sandbox([] { return refused(::socket(AF_INET, SOCK_STREAM, 0)); }) == 0;
    return sandbox;
  }

  const tests::TemporaryDirectory folder_{"sandbox"};
};

TEST_F(SandboxTest, SaysHowTightItIs) {
  const Sandbox found = here();
  const int said = in_sandbox([] { return 0; });
  EXPECT_EQ(said, 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto sandbox = enter_sandbox({});
    const bool right =
        sandbox.ok() && sandbox.value().files_confined == found.files_confined &&
        sandbox.value().calls_filtered == found.calls_filtered &&
        sandbox.value().weakness.empty() == (found.files_confined && found.calls_filtered);
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  (void)::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(SandboxTest, NothingCanBeWritten) {
  EXPECT_EQ(in_sandbox([this] { return refused(::open(open_file().c_str(), O_WRONLY)); }), 0);
  EXPECT_EQ(in_sandbox([this] {
              return refused(::open((folder_.path() + "/new").c_str(), O_CREAT | O_RDWR, 0600));
            }),
            0);
  EXPECT_EQ(in_sandbox([this] { return refused(::mkdir((folder_.path() + "/d").c_str(), 0700)); }),
            0);
  EXPECT_EQ(in_sandbox([this] { return refused(::unlink(open_file().c_str())); }), 0);
  EXPECT_EQ(in_sandbox([this] {
              return refused(::rename(open_file().c_str(), (folder_.path() + "/x").c_str()));
            }),
            0);
  EXPECT_EQ(in_sandbox([this] { return refused(::truncate(open_file().c_str(), 0)); }), 0);
  EXPECT_EQ(fs::file_size(open_file()), 7u);
  EXPECT_FALSE(fs::exists(folder_.path() + "/new"));
}

TEST_F(SandboxTest, EvenWhatIsReadableCannotBeWritten) {
  SandboxOptions options;
  options.readable = {shown()};
  EXPECT_EQ(in_sandbox([this] { return refused(::open((shown() + "/inside").c_str(), O_RDONLY)); },
                       options),
            1)
      << "it can be read";
  EXPECT_EQ(in_sandbox([this] { return refused(::open((shown() + "/inside").c_str(), O_RDWR)); },
                       options),
            0);
  if (!here().files_confined) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(in_sandbox([this] { return refused(::open(open_file().c_str(), O_RDONLY)); }, options),
            0)
      << "what is beside it cannot";
}

TEST_F(SandboxTest, NothingElseIsReached) {
  if (!here().calls_filtered) GTEST_SKIP() << "this kernel filters no system calls";
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    EXPECT_EQ(in_sandbox([=] { return refused(::socket(family, SOCK_STREAM, 0)); }), 0) << family;
  EXPECT_EQ(in_sandbox([] { return refused(::fork()); }), 0);
  EXPECT_EQ(in_sandbox([] {
              ::execl("/bin/true", "true", nullptr);
              return 0;
            }),
            0);
  EXPECT_EQ(in_sandbox([] { return refused(::kill(::getppid(), 0)); }), 0);
  EXPECT_EQ(in_sandbox([] { return refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }), 0);
  EXPECT_EQ(in_sandbox([] { return refused(::setuid(0)); }), 0);
}

TEST_F(SandboxTest, RootIsNobodyThere) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has rights to give up";
  fs::permissions(open_file(), fs::perms(0600));
  SandboxOptions options;
  options.readable = {folder_.path()};
  EXPECT_EQ(in_sandbox([this] { return refused(::open(open_file().c_str(), O_RDONLY)); }, options),
            0);
}

TEST_F(SandboxTest, ItCanStillComputeAndTalk) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  EXPECT_EQ(in_sandbox([&] {
              std::vector<std::string> many(20'000, std::string(100, 'x'));
              return ::write(ends[1], "ok", 2) == 2 && many.size() == 20'000 ? 7 : 1;
            }),
            7);
  char said[2] = {};
  EXPECT_EQ(::read(ends[0], said, 2), 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(SandboxTest, MemoryAndTimeHaveTheirLimits) {
  SandboxOptions options;
  options.memory_bytes_max = std::uint64_t{64} << 20;
  EXPECT_EQ(in_sandbox(
                [] {
                  void* const much = ::mmap(nullptr, std::size_t{256} << 20, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  return much == MAP_FAILED ? 0 : 1;
                },
                options),
            0);
  options.memory_bytes_max = 0;
  options.cpu_max = std::chrono::seconds(1);
  const int ended = in_sandbox(
      [] {
        volatile bool go_on = true;
        while (go_on) continue;
        return 0;
      },
      options);
  EXPECT_TRUE(ended == -SIGXCPU || ended == -SIGKILL) << ended;
}

}  // namespace
}  // namespace stillframe
