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
  void start_requestors(int seconds) {
    constexpr int each = kWriters / kRequestors;
    for (int i = 0; i < kRequestors; ++i)
      requestors_.push_back(
          run({program("load_requestor"), std::to_string(i * each), std::to_string(each),
               std::to_string(seconds), daemon_.socket_dir()}));
  }
  int backups_made() {
    int made = 0;
    for (auto& requestor : requestors_) {
      const Deadline deadline(system_clock().now() + 120s);
      auto line = requestor->read_line(100, deadline);
      EXPECT_TRUE(line.ok()) << line.error().what() << ": " << requestor->complaints();
      if (line.ok()) made += std::atoi(line.value().c_str());
    }
    return made;
  }

  std::unique_ptr<LoopFs> fs_;
  RunningDaemon daemon_;
  std::vector<std::unique_ptr<ChildProcess>> writers_, requestors_;
};

void print(const char* when, const Usage& usage) {
  std::printf("%s: %.1f MiB, %zu descriptors, %zu threads\n", when, usage.mebibytes,
              usage.descriptors, usage.threads);
}

TEST_F(Load, MemoryAndDescriptorsStayWhereTheyAre) {
  const int seconds = seconds_of_this_run();
  start_writers();
  for (int tries = 0; tries < 600 && registered() < kWriters; ++tries)
    std::this_thread::sleep_for(100ms);
  ASSERT_EQ(registered(), static_cast<std::size_t>(kWriters));
  start_requestors(seconds);
  // The soak looks from its second minute on, a shorter run from the middle.
  const int warm = std::min(120, seconds / 2);
  std::this_thread::sleep_for(std::chrono::seconds(warm));
  Usage before = usage_of(daemon_.pid()), after;
  // The most of some looks on either side: between two, sessions come and go.
  for (int look = 0; look < 5; ++look) {
    const Usage now = usage_of(daemon_.pid());
    before = {std::max(before.mebibytes, now.mebibytes),
              std::max(before.descriptors, now.descriptors), std::max(before.threads, now.threads)};
    std::this_thread::sleep_for(500ms);
  }
  print("warm", before);
  std::this_thread::sleep_for(std::chrono::seconds(seconds - warm - 6));
  for (int look = 0; look < 5; ++look) {
    const Usage now = usage_of(daemon_.pid());
    after = {std::max(after.mebibytes, now.mebibytes), std::max(after.descriptors, now.descriptors),
             std::max(after.threads, now.threads)};
    std::this_thread::sleep_for(500ms);
  }
  print("at the end", after);
  const int made = backups_made();
  std::printf("%d backups of %d writers each\n", made, kWriters / kRequestors);
  EXPECT_GE(made, kRequestors);
  // Within a minute not all sessions may have been as large as they get.
  const double growth = seconds >= 300 ? 1.05 : 1.25;
  EXPECT_LE(after.mebibytes, before.mebibytes * growth);
  EXPECT_LE(static_cast<double>(after.descriptors),
            static_cast<double>(before.descriptors) * growth);
  EXPECT_EQ(registered(), static_cast<std::size_t>(kWriters)) << "nobody was lost";
}

}  // namespace
}  // namespace stillframe::tests
