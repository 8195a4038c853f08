// How long an application that writes all the time is stopped by a snapshot while 512 MiB of its
// data are dirty: by the image provider under a whole session, and by the same cut made by hand,
// FIFREEZE, clone, FITHAW. The same volume, turn by turn in one run; the longest stall of a write
// in each turn, and the median and worst of the turns.
//
//   write_stall_bench [ROUNDS]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <stillframe/embedded.hpp>

#include "framework/io/file.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe {
namespace {

using tests::FsKind;
using tests::LoopFs;
using tests::LoopFsOptions;

constexpr std::size_t kDirtyBytes = std::size_t{512} << 20;
constexpr std::size_t kWriteBytes = 4096;
constexpr auto kPause = std::chrono::microseconds(200);  // between the application's writes
constexpr auto kSettle = std::chrono::milliseconds(200);

double milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

Status fill(const std::string& path) {
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file.ok()) return file.error();
  const std::string block(std::size_t{1} << 20, 'd');
  for (std::size_t done = 0; done < kDirtyBytes; done += block.size())
    if (::write(file.value().get(), block.data(), block.size()) !=
        static_cast<ssize_t>(block.size()))
      return Error(Errc::io, "filling '" + path + "': " + std::strerror(errno));
  return Ok{};
}

// Overwrites small records and knows the longest time one of them took.
class Application {
 public:
  explicit Application(std::string path) : path_(std::move(path)), thread_([this] { run(); }) {}
  ~Application() {
    stop_ = true;
    thread_.join();
  }
  Duration longest() const { return Duration(longest_.load()); }

 private:
  void run() {
    auto file = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file.ok()) return;
    const std::string record(kWriteBytes, 'r');
    for (off_t at = 0; !stop_; at = (at + off_t{kWriteBytes}) % (off_t{16} << 20)) {
      const BootTime begun = system_clock().now();
      if (::pwrite(file.value().get(), record.data(), record.size(), at) < 0) return;
      const Duration took = system_clock().now() - begun;
      longest_ = std::max<Duration::rep>(longest_, took.count());
      std::this_thread::sleep_for(kPause);
    }
  }

  const std::string path_;
  std::atomic<bool> stop_{false};
  std::atomic<Duration::rep> longest_{0};
  std::thread thread_;
};

class Bench {
 public:
  Status start() {
    std::string reason;
    LoopFsOptions outer;
    outer.image_bytes = std::uint64_t{12} << 30;
    host_ = LoopFs::make(FsKind::xfs, reason, outer);
    if (!host_) return Error(Errc::not_supported, reason);
    LoopFsOptions inner;
    inner.image_bytes = std::uint64_t{2} << 30;
    inner.image_directory = host_->mount_point();
    volume_ = LoopFs::make(FsKind::ext4, reason, inner);
    if (!volume_) return Error(Errc::not_supported, reason);
    EmbeddedOptions options;
    options.state_dir = host_->scratch() + "/state";
    options.runtime_dir = host_->scratch() + "/run";
    auto started = EmbeddedCoordinator::start(options);
    if (!started.ok()) return started.error();
    coordinator_ = std::move(started).value();
    return Ok{};
  }

  Result<Duration> by_session() {
    return stall_during([this]() -> Status {
      Client requestor(coordinator_->connect("bench"));
      auto session = requestor.begin_backup({});
      if (!session.ok()) return session.error();
      if (auto writers = session.value().gather(); !writers.ok()) return writers.error();
      if (auto ready = session.value().prepare(); !ready.ok()) return ready.error();
      SnapshotOptions options;
      options.provider = "image";
      options.extra_volumes = {volume_->mount_point()};
      if (auto set = session.value().create_snapshots(options); !set.ok()) return set.error();
      auto evidence = session.value().end();
      return evidence.ok() ? Status(Ok{}) : Status(evidence.error());
    });
  }

  Result<Duration> by_hand() {
    return stall_during([this]() -> Status {
      auto root = open_directory(volume_->mount_point());
      if (!root.ok()) return root.error();
      auto image = open_file(volume_->image(), O_RDONLY);
      if (!image.ok()) return image.error();
      const std::string copy = host_->mount_point() + "/by-hand";
      auto clone = open_file(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (!clone.ok()) return clone.error();
      if (::ioctl(root.value().get(), FIFREEZE, 0) != 0)
        return Error(Errc::io, std::string("FIFREEZE: ") + std::strerror(errno));
      const bool cloned = ::ioctl(clone.value().get(), FICLONE, image.value().get()) == 0;
      if (::ioctl(root.value().get(), FITHAW, 0) != 0)
        return Error(Errc::io, std::string("FITHAW: ") + std::strerror(errno));
      ::unlink(copy.c_str());
      return cloned ? Status(Ok{}) : Error(Errc::io, "FICLONE failed");
    });
  }

 private:
  template <class Cut>
  Result<Duration> stall_during(Cut cut) {
    ::sync();
    if (Status s = fill(volume_->mount_point() + "/dirty"); !s.ok()) return s.error();
    const Application application(volume_->mount_point() + "/records");
    std::this_thread::sleep_for(kSettle);
    if (Status s = cut(); !s.ok()) return s.error();
    std::this_thread::sleep_for(kSettle);
    return application.longest();
  }

  std::unique_ptr<LoopFs> host_, volume_;
  std::unique_ptr<EmbeddedCoordinator> coordinator_;
};

void print(const char* name, std::vector<Duration> stalls) {
  std::sort(stalls.begin(), stalls.end());
  std::printf("%-22s longest stall of a write: median %8.1f ms, worst %8.1f ms\n", name,
              milliseconds(stalls[stalls.size() / 2]), milliseconds(stalls.back()));
}

double median(std::vector<Duration> stalls) {
  std::sort(stalls.begin(), stalls.end());
  return milliseconds(stalls[stalls.size() / 2]);
}

int run(int rounds) {
  Bench bench;
  if (Status s = bench.start(); !s.ok()) {
    std::printf("%s\n", s.error().what().c_str());
    return 77;  // skipped, with the reason as the last line
  }
  std::vector<Duration> ours, plain;
  for (int round = 0; round < rounds; ++round) {
    auto session = bench.by_session();
    auto hand = bench.by_hand();
    for (const auto* one : {&session, &hand}) {
      if (one->ok()) continue;
      std::fprintf(stderr, "%s\n", one->error().what().c_str());
      return 1;
    }
    ours.push_back(session.value());
    plain.push_back(hand.value());
  }
  print("session, image cut", ours);
  print("FIFREEZE by hand", plain);
  std::printf("session / by hand, medians: %.3f\n", median(ours) / median(plain));
  return 0;
}

}  // namespace
}  // namespace stillframe

int main(int argc, char** argv) {
  return stillframe::run(argc > 1 ? std::max(1, std::atoi(argv[1])) : 5);
}
