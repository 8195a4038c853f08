// Cuts two file systems at once, again and again, while a bank moves money between them: first with
// the writers' holds switched off, then with them. An auditor reads each cut.
//
//   cuts DIR_A DIR_B WORK_DIR CUTS
//
// Exit code: 0 when the holds kept every sum and their absence broke at least one; 1 when a held
// cut is wrong or something failed; 4 when no cut without a hold happened to break (nothing was
// shown).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <stillframe/embedded.hpp>

#include "samples/demo/accounts.hpp"
#include "samples/demo/child.hpp"

namespace {

using namespace stillframe;

constexpr std::int64_t kTransfersBetweenCuts = 50;
constexpr std::int64_t kRightSum =
    2 * static_cast<std::int64_t>(demo::kAccounts) * demo::kOpeningBalance;
constexpr double kHoldMsMax = 100;

struct Series {
  int right = 0, broken = 0;
  std::int64_t worst = 0;  // the largest error of a sum
  double longest_hold_ms = 0;
  std::vector<double> holds_ms;
  std::string error;
};

// Where `path` stands inside the set.
std::string in_set(const SnapshotSetResult& set, const std::string& path) {
  const SnapshotInfo* best = nullptr;
  for (const SnapshotInfo& snapshot : set.snapshots) {
    const std::string& mount = snapshot.volume.mount_point;
    const bool holds = mount == "/" || path == mount || path.starts_with(mount + "/");
    const bool longer = best == nullptr || mount.size() > best->volume.mount_point.size();
    if (holds && longer) best = &snapshot;
  }
  if (best == nullptr) return "/nowhere";
  const std::string& mount = best->volume.mount_point;
  return best->root + (mount == "/" ? path : path.substr(mount.size()));
}

double hold_ms(const Evidence& evidence) {
  BootTime from, to;
  bool any = false;
  for (const ComponentEvidence& component : evidence.components) {
    if (!component.hold) continue;
    from = any ? std::min(from, component.hold->held_from) : component.hold->held_from;
    to = any ? std::max(to, component.hold->held_until) : component.hold->held_until;
    any = true;
  }
  return any ? static_cast<double>((to - from).count()) / 1e6 : 0;
}

class Demo {
 public:
  Demo(Client& client, demo::Child& auditor, std::string a, std::string b)
      : client_(client), auditor_(auditor), a_(std::move(a)), b_(std::move(b)) {}

  Series run(int cuts, bool held) {
    Series series;
    for (int i = 0; i < cuts && series.error.empty(); ++i) {
      wait_for_transfers();
      if (Status s = cut(held, series); !s.ok()) series.error = s.error().what();
    }
    return series;
  }

 private:
  void wait_for_transfers() {
    demo::Books books;
    while (demo::read_books(a_, books) && books.transfers < seen_ + kTransfersBetweenCuts) {
      std::this_thread::yield();
    }
    seen_ = books.transfers;
  }

  Status cut(bool held, Series& series) {
    auto session = client_.begin_backup({});
    if (!session.ok()) return session.error();
    BackupSession& backup = session.value();
    if (auto writers = backup.gather(); !writers.ok()) return writers.error();
    const auto policy = held ? ConsistencyPolicy::require : ConsistencyPolicy::allow_degraded;
    const Status selected =
        backup.select({{"branch-a", "*", policy, "", {}}, {"branch-b", "*", policy, "", {}}});
    if (!selected.ok()) return selected;
    if (auto prepared = backup.prepare(); !prepared.ok()) return prepared.error();
    SnapshotOptions options;
    options.policy = policy;
    auto set = backup.create_snapshots(options);
    if (!set.ok()) return set.error();
    return judge(set.value(), held, series);
  }

  Status judge(const SnapshotSetResult& set, bool held, Series& series) {
    const std::string answer = auditor_.ask(in_set(set, a_) + " " + in_set(set, b_));
    std::istringstream words(answer);
    std::int64_t sum = 0, transfers = 0;
    if (!(words >> sum >> transfers)) {
      return Error(Errc::io, "the auditor could not read the cut: " + answer);
    }
    (sum == kRightSum ? series.right : series.broken)++;
    series.worst = std::max(series.worst, std::abs(sum - kRightSum));
    if (!held) return Ok{};
    const double ms = hold_ms(set.evidence);
    series.holds_ms.push_back(ms);
    series.longest_hold_ms = std::max(series.longest_hold_ms, ms);
    return Ok{};
  }

  Client& client_;
  demo::Child& auditor_;
  const std::string a_, b_;
  std::int64_t seen_ = 0;
};

void print_holds(std::vector<double> holds) {
  for (std::size_t i = 0; i < holds.size(); ++i) {
    std::printf("%s%6.1f", i % 20 == 0 ? (i == 0 ? "  holds, ms:\n   " : "\n   ") : "", holds[i]);
  }
  std::sort(holds.begin(), holds.end());
  if (!holds.empty()) {
    std::printf("\n  median %.1f ms, longest %.1f ms\n", holds[holds.size() / 2], holds.back());
  }
}

bool switch_holds(demo::Child& teller, demo::Child& counter, bool on) {
  const std::string line = on ? "hold on" : "hold off";
  return teller.ask(line) == "ok" && counter.ask(line) == "ok";
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    std::fprintf(stderr, "usage: cuts DIR_A DIR_B WORK_DIR CUTS\n");
    return 2;
  }
  const std::string a = words[1], b = words[2], work = words[3];
  const int cuts = std::atoi(words[4]);
  const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();

  EmbeddedOptions options;
  options.state_dir = work + "/state";
  options.runtime_dir = work + "/run";
  options.socket_dir = work + "/sockets";
  std::filesystem::create_directories(options.socket_dir);
  auto coordinator = EmbeddedCoordinator::start(options);
  if (!coordinator.ok()) {
    std::fprintf(stderr, "cuts: %s\n", coordinator.error().what().c_str());
    return 1;
  }
  int wire[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) != 0) return 1;
  demo::Child auditor({programs + "/demo_auditor"});
  demo::Child counter({programs + "/demo_bank", b, "branch-b", options.socket_dir, "counter",
                       std::to_string(wire[1])},
                      wire[1]);
  demo::Child teller({programs + "/demo_bank", a, "branch-a", options.socket_dir, "teller",
                      std::to_string(wire[0])},
                     wire[0]);
  close(wire[0]);
  close(wire[1]);
  Status ready = coordinator.value()->wait_writers(std::vector<std::string>{"branch-a", "branch-b"},
                                                   std::chrono::seconds(10));
  if (!ready.ok()) {
    std::fprintf(stderr, "cuts: %s\n", ready.error().what().c_str());
    return 1;
  }
  Client client(coordinator.value()->connect("demo"));
  Demo demo(client, auditor, a + "/accounts.dat", b + "/accounts.dat");

  if (!switch_holds(teller, counter, false)) return 1;
  const Series without = demo.run(cuts, false);
  std::printf("%d cuts without the hold: %d right, %d with money missing or doubled (worst %lld)\n",
              without.right + without.broken, without.right, without.broken,
              static_cast<long long>(without.worst));
  if (!switch_holds(teller, counter, true)) return 1;
  const Series with = demo.run(cuts, true);
  std::printf("%d cuts with the hold:    %d right, %d wrong\n", with.right + with.broken,
              with.right, with.broken);
  print_holds(with.holds_ms);
  for (const std::string& error : {without.error, with.error}) {
    if (!error.empty()) std::fprintf(stderr, "cuts: %s\n", error.c_str());
  }
  if (!without.error.empty() || !with.error.empty() || with.broken > 0) return 1;
  if (with.longest_hold_ms > kHoldMsMax) {
    std::printf("  a hold was longer than %.0f ms: the machine is busy with something else\n",
                kHoldMsMax);
    return 1;
  }
  return without.broken > 0 ? 0 : 4;
}
