// A thousand writers in fifty processes, twenty requestors that back up without a pause, one
// daemon: its memory and descriptors stay where they are. A minute in an ordinary run;
// STILLFRAME_LOAD_SECONDS says otherwise (the soak is 600).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

constexpr int kProcesses = 50, kWritersEach = 20, kRequestors = 20;
constexpr int kWriters = kProcesses * kWritersEach;

int seconds_of_this_run() {
  const char* asked = std::getenv("STILLFRAME_LOAD_SECONDS");
  return asked != nullptr ? std::max(10, std::atoi(asked)) : 60;
}

struct Usage {
  double mebibytes = 0;
  std::size_t descriptors = 0, threads = 0;
};

Usage usage_of(pid_t pid) {
  Usage usage;
  const std::string proc = "/proc/" + std::to_string(pid);
  std::ifstream status(proc + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) usage.mebibytes = std::atof(line.c_str() + 6) / 1024;
    if (line.starts_with("Threads:"))
      usage.threads = static_cast<std::size_t>(std::atol(line.c_str() + 8));
  }
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator(proc + "/fd"))
    ++usage.descriptors;
  return usage;
}

// Twenty sessions begin and end at random, so the most of a long time is more than the most of a
// short one, grow what may. What is compared is the middle of spans of one length.
struct Span {
  double typical_mebibytes = 0;
  Usage most;
};

class Load : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    fs_ = LoopFs::make(FsKind::btrfs, reason);
    if (!fs_) GTEST_SKIP() << reason;
    // Only what the memory of the daemon is about: providers are other processes.
    daemon_.configure("");
    Status started = daemon_.start();
    ASSERT_TRUE(started.ok()) << started.error().what();
    for (int number = 0; number < kWriters; ++number)
      std::ofstream(fs_->mount_point() + "/" + std::to_string(number)) << number;
  }

  std::unique_ptr<ChildProcess> run(std::vector<std::string> command) const {
    ChildOptions options;
    options.command = std::move(command);
    for (const char* name : {"TSAN_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS"})
      if (const char* value = std::getenv(name)) options.environment.emplace_back(name, value);
    auto child = ChildProcess::start(options);
    EXPECT_TRUE(child.ok()) << child.error().what();
    return child.ok() ? std::move(child).value() : nullptr;
  }

  void start_writers() {
    for (int i = 0; i < kProcesses; ++i)
      writers_.push_back(
          run({program("idle_writers"), std::to_string(i * kWritersEach),
               std::to_string(kWritersEach), fs_->mount_point(), daemon_.socket_dir()}));
  }
  std::size_t registered() const {
    auto channel = daemon_.connect();
    if (!channel.ok()) return 0;
    auto writers = Client(std::move(channel).value()).writers();
    return writers.ok() ? writers.value().size() : 0;
  }
  void start_requestors() {
    constexpr int each = kWriters / kRequestors;
    for (int i = 0; i < kRequestors; ++i)
      requestors_.push_back({run({program("load_requestor"), std::to_string(i * each),
                                  std::to_string(each), daemon_.socket_dir()})});
  }

  // What the daemon uses for as long as `goes_on` says, which is told how long it has been.
  template <class GoesOn>
  Span watch(GoesOn goes_on) {
    const auto begun = std::chrono::steady_clock::now();
    std::vector<double> memory;
    Span span;
    do {
      std::this_thread::sleep_for(250ms);
      const Usage now = usage_of(daemon_.pid());
      memory.push_back(now.mebibytes);
      span.most = {std::max(span.most.mebibytes, now.mebibytes),
                   std::max(span.most.descriptors, now.descriptors),
                   std::max(span.most.threads, now.threads)};
      for (Requestor& requestor : requestors_)
        while (requestor.process->read_line(100, Deadline(BootTime())).ok()) ++requestor.backups;
    } while (goes_on(std::chrono::steady_clock::now() - begun));
    std::nth_element(memory.begin(), memory.begin() + static_cast<long>(memory.size() / 2),
                     memory.end());
    span.typical_mebibytes = memory[memory.size() / 2];
    return span;
  }

  bool each_made_one() const {
    return std::all_of(requestors_.begin(), requestors_.end(),
                       [](const Requestor& requestor) { return requestor.backups > 0; });
  }
  int backups_made() const {
    int made = 0;
    for (const Requestor& requestor : requestors_) made += requestor.backups;
    return made;
  }
  void end_requestors() {
    for (Requestor& requestor : requestors_) {
      requestor.process->close_input();
      auto ended = requestor.process->wait(Deadline(system_clock().now() + 120s));
      EXPECT_TRUE(ended.ok() && ended.value() == ExitStatus{}) << requestor.process->complaints();
    }
  }

  struct Requestor {
    std::unique_ptr<ChildProcess> process;
    int backups = 0;
  };
  std::unique_ptr<LoopFs> fs_;
  RunningDaemon daemon_;
  std::vector<std::unique_ptr<ChildProcess>> writers_;
  std::vector<Requestor> requestors_;
};

void print(const char* when, const Span& span) {
  std::printf("%s: %.1f MiB in the middle, %.1f at most, %zu descriptors, %zu threads\n", when,
              span.typical_mebibytes, span.most.mebibytes, span.most.descriptors,
              span.most.threads);
}

TEST_F(Load, MemoryAndDescriptorsStayWhereTheyAre) {
  const auto whole = std::chrono::seconds(seconds_of_this_run());
  start_writers();
  for (int tries = 0; tries < 600 && registered() < kWriters; ++tries)
    std::this_thread::sleep_for(100ms);
  ASSERT_EQ(registered(), static_cast<std::size_t>(kWriters));
  start_requestors();
  // Two minutes at most, and not before every session has been as large as it gets.
  const auto warm = std::min<std::chrono::seconds>(120s, whole / 2);
  print("warming",
        watch([&](auto passed) { return passed < warm || (!each_made_one() && passed < 300s); }));
  ASSERT_TRUE(each_made_one());
  const auto length = std::min<std::chrono::seconds>(60s, (whole - warm) / 3);
  const auto in_span = [&](auto passed) { return passed < length; };
  const Span first = watch(in_span);
  print("first", first);
  Span highest = first;
  for (auto left = whole - warm - length; left >= length; left -= length) {
    const Span span = watch(in_span);
    print("later", span);
    highest.typical_mebibytes = std::max(highest.typical_mebibytes, span.typical_mebibytes);
    highest.most.mebibytes = std::max(highest.most.mebibytes, span.most.mebibytes);
    highest.most.descriptors = std::max(highest.most.descriptors, span.most.descriptors);
  }
  end_requestors();
  std::printf("%d backups of %d writers each\n", backups_made(), kWriters / kRequestors);
  // A short run ends while memory still comes near what it needs at most. What a session of a
  // thousand writers holds is 10 MiB: to leak it shows in either.
  const double growth = whole >= 300s ? 1.05 : 1.5;
  std::printf("growth of memory: %.1f %%\n",
              100 * (highest.typical_mebibytes / first.typical_mebibytes - 1));
  EXPECT_LE(highest.typical_mebibytes, first.typical_mebibytes * growth);
  EXPECT_LE(highest.most.mebibytes, first.typical_mebibytes * 1.5) << "at any time";
  EXPECT_LE(static_cast<double>(highest.most.descriptors),
            static_cast<double>(first.most.descriptors) * std::min(growth, 1.1));
  EXPECT_EQ(registered(), static_cast<std::size_t>(kWriters)) << "nobody was lost";
}

}  // namespace
}  // namespace stillframe::tests
