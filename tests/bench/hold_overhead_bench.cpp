// What a hold costs beyond the cut itself: from the first freeze that is sent to the last thaw that
// is answered, less the time the provider spent in its own commit. 1, 32 and 1,000 writers, in this
// process and in others; p50 and p99 over the rounds, and the overhead as a ratio of the commit.
//
//   hold_overhead_bench [ROUNDS [FIELD]]   FIELD: 1 to 6, for the one to look at
//
// Before writers in other processes: what as many bare sockets cost on this machine at this moment,
// which is as fast as it can be, and how far a busy host stretches the longest.
//
// Without ROUNDS enough of them that p99 is not just the longest.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <stillframe/embedded.hpp>

#include "framework/base/child_process.hpp"
#include "framework/coordinator/embedded/start_embedded.hpp"
#include "tests/bench/bare_exchange.hpp"

namespace stillframe {
namespace {

constexpr auto kCommit = std::chrono::milliseconds(5);  // what the cut below takes

double milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

class BenchWriter final : public Writer {
 public:
  BenchWriter(int number, std::string directory)
      : number_(number), directory_(std::move(directory)) {}

  WriterIdentity identity() const override {
    WriterIdentity identity;
    UuidBytes bytes{};
    bytes[0] = 0xbe;
    identity.class_id = WriterClassId(bytes);
    identity.name = "bench-" + std::to_string(number_);
    identity.instance_name = identity.name;
    identity.level = static_cast<FreezeLevel>(number_ % kFreezeLevels);
    return identity;
  }
  bool any_thread() const override { return true; }
  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    metadata.identity = identity();
    Component& component = metadata.components.emplace_back();
    component.name.name = "data";
    FileSet& files = component.files.emplace_back();
    files.path = directory_;
    files.pattern = "*";
    return metadata;
  }
  Status prepare_snapshot(const CallContext&, const SnapshotSetView&) override { return Ok{}; }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  Status post_snapshot(const CallContext&, const SnapshotSetView&, BackupView&) override {
    return Ok{};
  }
  void abort(const CallContext&) override {}

 private:
  const int number_;
  const std::string directory_;
};

// Cuts nothing, and takes kCommit for it.
class BenchProvider final : public Provider {
 public:
  ProviderInfo info() const override {
    ProviderInfo info;
    UuidBytes bytes{};
    bytes[0] = 0xbf;
    info.id = ProviderId(bytes);
    info.name = "bench";
    info.atomicity = Atomicity::volume;
    return info;
  }
  Status supports(const Volume&, const SnapshotAttributes&) override { return Ok{}; }
  Status begin_prepare(const CutRequest& request) override {
    request_ = request;
    return Ok{};
  }
  Result<CutEstimate> end_prepare(const SetId&) override { return CutEstimate{}; }
  Status pre_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<CutRecord>> commit(const SetId&) override {
    CutRecord record;
    record.snapshot = request_.snapshot;
    record.begun = system_clock().now();
    std::this_thread::sleep_for(kCommit);
    record.ended = system_clock().now();
    return std::vector<CutRecord>{record};
  }
  Status post_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId&) override {
    return std::vector<SnapshotInfo>{};
  }
  Status post_final(const SetId&) override { return Ok{}; }
  void abort(const SetId&) override {}
  Result<std::vector<SnapshotInfo>> query() override { return std::vector<SnapshotInfo>{}; }
  Status remove(const SnapshotId&) override { return Ok{}; }
  Status expose(const SnapshotId&, const BytePath&) override { return refused(); }
  Status unexpose(const SnapshotId&) override { return refused(); }
  Status make_writable(const SnapshotId&) override { return refused(); }
  Status revert(const SnapshotId&, const RevertOptions&) override { return refused(); }

 private:
  static Error refused() { return Error(Errc::not_supported, "there is nothing but a clock"); }
  CutRequest request_;
};

struct Sample {
  Duration overhead{0}, commit{0};
};

Result<Sample> one_set(Client& requestor) {
  auto session = requestor.begin_backup({});
  if (!session.ok()) return session.error();
  if (auto writers = session.value().gather(); !writers.ok()) return writers.error();
  ComponentSelector all;
  all.component = "*";
  if (Status s = session.value().select({all}); !s.ok()) return s.error();
  if (auto writers = session.value().prepare(); !writers.ok()) return writers.error();
  auto set = session.value().create_snapshots();
  if (!set.ok()) return set.error();
  BootTime first_freeze{Duration::max()}, last_thaw;
  for (const auto& entry : set.value().evidence.timeline) {
    if (entry.phase == "freeze") first_freeze = std::min(first_freeze, entry.begun);
    if (entry.phase == "thaw") last_thaw = std::max(last_thaw, entry.ended);
  }
  Sample sample;
  for (const auto& snapshot : set.value().evidence.snapshots)
    if (snapshot.cut) sample.commit += snapshot.cut->ended - snapshot.cut->begun;
  sample.overhead = last_thaw - first_freeze - sample.commit;
  if (auto evidence = session.value().end(); !evidence.ok()) return evidence.error();
  return sample;
}

Duration percentile(std::vector<Duration>& sorted, double which) {
  const auto index = static_cast<std::size_t>(which * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[index];
}

struct Field {
  int writers;
  int processes;  // they are in; 0: this one
  int rounds;
  double bar;  // for p99, in milliseconds
};

// Writers of this process and of others.
class Writers {
 public:
  Status start(const Field& field, EmbeddedCoordinator& coordinator, const EmbeddedOptions& options,
               const std::string& directory) {
    if (field.processes == 0) return add(field.writers, coordinator, directory);
    const int each = field.writers / field.processes;
    for (int i = 0; i < field.processes; ++i) {
      ChildOptions child;
      child.command = {
          std::filesystem::read_symlink("/proc/self/exe").parent_path() / "idle_writers",
          std::to_string(i * each), std::to_string(each), directory, options.socket_dir};
      auto started = ChildProcess::start(child);
      if (!started.ok()) return started.error();
      processes_.push_back(std::move(started).value());
    }
    return coordinator.wait_writers(static_cast<std::size_t>(each * field.processes),
                                    std::chrono::seconds(120));
  }

 private:
  Status add(int count, EmbeddedCoordinator& coordinator, const std::string& directory) {
    for (int i = 0; i < count; ++i) {
      own_.push_back(std::make_unique<BenchWriter>(i, directory));
      if (Status s = coordinator.add_writer(*own_.back()); !s.ok()) return s;
    }
    return Ok{};
  }

  std::vector<std::unique_ptr<BenchWriter>> own_;
  std::vector<std::unique_ptr<ChildProcess>> processes_;
};

Status measure_limit(const Field& field, int rounds) {
  const auto bare = measure_bare({field.writers, field.processes, kCommit}, rounds);
  if (!bare.ok()) return bare.error();
  std::vector<Duration> took = bare.value();
  std::printf("%5d bare sockets to %2d processes:   p50 %8.3f ms  p99 %8.3f ms\n", field.writers,
              field.processes, milliseconds(percentile(took, 0.5)),
              milliseconds(percentile(took, 0.99)));
  std::fflush(stdout);
  return Ok{};
}

// Whether p99 stays below the bar.
Result<bool> measure(const std::string& directory, const Field& field, int rounds) {
  if (field.processes != 0) {
    if (Status s = measure_limit(field, rounds); !s.ok()) return s.error();
  }
  const std::string name = std::to_string(field.writers) + "-" + std::to_string(field.processes);
  EmbeddedOptions options;
  options.state_dir = directory + "/state-" + name;
  options.runtime_dir = directory + "/run-" + name;
  options.socket_dir = options.runtime_dir;
  coordinator::EmbeddedSeams seams;
  seams.builtin_providers = false;
  BenchProvider provider;
  Writers writers;  // last to go
  auto started = coordinator::start_embedded(options, seams);
  if (!started.ok()) return started.error();
  auto embedded = std::move(started).value();
  if (Status s = embedded->add_provider(provider); !s.ok()) return s.error();
  if (Status s = writers.start(field, *embedded, options, directory); !s.ok()) return s.error();
  Client requestor(std::shared_ptr<RequestorChannel>(embedded->connect("bench")));
  std::vector<Duration> overheads, commits;
  for (int round = 0; round < rounds + 1; ++round) {
    auto sample = one_set(requestor);
    if (!sample.ok()) return sample.error();
    if (round == 0) continue;  // the first one pays for threads and caches
    overheads.push_back(sample.value().overhead);
    commits.push_back(sample.value().commit);
  }
  std::sort(overheads.begin(), overheads.end());
  std::sort(commits.begin(), commits.end());
  const Duration p50 = percentile(overheads, 0.5), p99 = percentile(overheads, 0.99);
  const Duration commit = percentile(commits, 0.5);
  std::printf(
      "%5d writers in %2d other processes: overhead p50 %8.3f ms  p99 %8.3f ms (bar %3.0f)  commit "
      "%7.3f ms  p50/commit %.2f\n",
      field.writers, field.processes, milliseconds(p50), milliseconds(p99), field.bar,
      milliseconds(commit), milliseconds(p50) / milliseconds(commit));
  return milliseconds(p99) <= field.bar;
}

}  // namespace
}  // namespace stillframe

int main(int argc, char** argv) {
  using namespace stillframe;
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 0;
  char directory[] = "/tmp/stillframe-bench-XXXXXX";
  if (::mkdtemp(directory) == nullptr) return 1;
  int status = 0;
  const int only = argc > 2 ? std::atoi(argv[2]) : 0;
  int number = 0;
  for (const Field& field :
       {Field{1, 0, 300, 5}, Field{32, 0, 300, 5}, Field{1000, 0, 150, 100}, Field{1, 1, 300, 5},
        Field{32, 8, 300, 5}, Field{1000, 50, 150, 100}}) {
    if (++number != only && only != 0) continue;
    const auto measured = measure(directory, field, rounds != 0 ? rounds : field.rounds);
    if (measured.ok() && measured.value()) continue;
    if (!measured.ok())
      std::fprintf(stderr, "%d writers: %s\n", field.writers, measured.error().what().c_str());
    status = 1;
  }
  std::filesystem::remove_all(directory);
  return status;
}
