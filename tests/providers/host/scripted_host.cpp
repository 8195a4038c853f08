// A provider host whose provider keeps its "snapshots" as files in a directory and misbehaves as
// told: scripted_host DIRECTORY BEHAVIOUR
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "framework/providers/host/serve_loop.hpp"

namespace {

using namespace stillframe;
namespace fs = std::filesystem;

class ScriptedProvider final : public Provider {
 public:
  ScriptedProvider(std::string directory, std::string behaviour)
      : directory_(std::move(directory)), behaviour_(std::move(behaviour)) {}

  ProviderInfo info() const override {
    ProviderInfo info;
    info.id = ProviderId::parse("6f2a1f64-7a6e-4a0b-9f7c-0a4a3b1c2d3e").value();
    info.name = "scripted";
    info.version = {3, 1};
    info.atomicity = Atomicity::volume;
    info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kExpose;
    info.expected_commit = std::chrono::milliseconds(7);
    return info;
  }
  Status supports(const Volume& volume, const SnapshotAttributes&) override {
    if (volume.fs_type == "xfs") return Ok{};
    return Error(Errc::volume_not_supported, "only xfs, not " + volume.fs_type);
  }
  Status begin_prepare(const CutRequest& request) override {
    std::ofstream(file(request.snapshot.to_string())) << request.set.to_string();
    return Ok{};
  }
  Result<CutEstimate> end_prepare(const SetId&) override {
    CutEstimate estimate;
    estimate.bytes_needed = 12;
    estimate.commit = std::chrono::milliseconds(3);
    return estimate;
  }
  Status pre_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<CutRecord>> commit(const SetId& set) override {
    std::vector<CutRecord> cuts;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (content(entry.path()) != set.to_string()) continue;
      CutRecord cut;
      cut.snapshot = SnapshotId::parse(entry.path().filename().native()).value();
      cut.begun = cut.ended = system_clock().now();
      if (behaviour_ == "lie") cut.ended = cut.ended + std::chrono::seconds(9);
      cuts.push_back(cut);
    }
    // SIGKILL, because sanitizers turn the signals of a fault into an exit.
    if (behaviour_ == "crash") std::raise(SIGKILL);
    if (behaviour_ == "exit") std::exit(5);
    if (behaviour_ == "hang") ::sleep(1000);
    if (behaviour_ == "slow") ::usleep(2'200'000);
    if (behaviour_ == "stop") std::raise(SIGSTOP);
    if (behaviour_ == "garbage") {
      std::fputs("garbage\n", stderr);
      [[maybe_unused]] const auto n = ::write(replies, "how do you do\n", 14);
    }
    if (behaviour_ == "throw") throw std::runtime_error("out of luck");
    if (behaviour_ == "half") cuts.pop_back();
    if (behaviour_ == "refuse") return Error(Errc::no_space, "the store is full");
    return cuts;
  }
  Status post_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId&) override { return query(); }
  Status post_final(const SetId&) override { return Ok{}; }
  void abort(const SetId& set) override {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (content(entry.path()) == set.to_string()) fs::remove(entry.path());
    }
  }
  Result<std::vector<SnapshotInfo>> query() override {
    std::vector<SnapshotInfo> all;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      SnapshotInfo info;
      info.snapshot = SnapshotId::parse(entry.path().filename().native()).value();
      info.state = SnapshotState::created;
      info.root = directory_ + "/\xff\n";
      info.volume.mount_point = "/srv";
      info.volume.id = "xfs:1";
      all.push_back(info);
    }
    return all;
  }
  Status remove(const SnapshotId& snapshot) override {
    if (fs::remove(file(snapshot.to_string()))) return Ok{};
    return Error(Errc::not_found, "no such snapshot");
  }
  Status expose(const SnapshotId&, const BytePath& place) override {
    return Error(Errc::in_use, place);
  }
  Status unexpose(const SnapshotId&) override { return Ok{}; }
  Status make_writable(const SnapshotId&) override { return Ok{}; }
  Status revert(const SnapshotId&, const RevertOptions&) override { return Ok{}; }

  int replies = -1;

 private:
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  static std::string content(const fs::path& path) {
    std::ifstream in(path);
    std::string text;
    in >> text;
    return text;
  }
  std::string directory_, behaviour_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ScriptedProvider provider(argv[1], argv[2]);
  provider.replies = ::dup(1);
  return serve_provider(provider, 0, provider.replies);
}
