#include "framework/testkit/range.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kSeedsPerTurn = 64;

struct Shared {
  const RangeOptions& options;
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> sessions{0};
  std::mutex mutex;  // guards result
  RangeResult result;
};

void work(Shared& shared) {
  World world;
  Plan plan;
  Coverage coverage;
  RunOptions run;
  run.table = shared.options.table;
  run.bug = shared.options.bug;
  run.coverage = shared.options.count ? &coverage : nullptr;
  while (shared.sessions.load() < shared.options.sessions) {
    const std::uint64_t first = shared.next.fetch_add(kSeedsPerTurn);
    std::uint64_t sessions = 0;
    for (std::uint64_t seed = first; seed < first + kSeedsPerTurn; ++seed) {
      make_plan(seed, plan);
      const auto violation = world.run(plan, run);
      sessions += plan.session_count;
      if (!violation) continue;
      shared.sessions.store(~std::uint64_t{0} / 2);
      std::lock_guard lock(shared.mutex);
      auto& finding = shared.result.finding;
      if (!finding || seed < finding->seed) finding = Finding{seed, *violation};
      break;
    }
    shared.sessions += sessions;
  }
  std::lock_guard lock(shared.mutex);
  shared.result.coverage.add(coverage);
}

}  // namespace

RangeResult run_range(const RangeOptions& options) {
  Shared shared{options, {}, {}, {}, {}};
  shared.next = options.first_seed;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i) threads.emplace_back([&] { work(shared); });
  work(shared);
  for (std::thread& thread : threads) thread.join();
  shared.result.wall = std::chrono::steady_clock::now() - begun;
  shared.result.next_seed = shared.next;
  return std::move(shared.result);
}

std::string trace_of(std::uint64_t seed, Bug bug, const machine::Table& table) {
  std::string trace;
  World world;
  Plan plan;
  make_plan(seed, plan);
  trace += "seed " + std::to_string(seed) + ": " + std::to_string(plan.writers.size()) +
           " writers, " + std::to_string(plan.providers.size()) + " providers, " +
           std::to_string(plan.volumes) + " volumes\n";
  for (std::size_t i = 0; i < plan.session_count; ++i) {
    trace += "s" + std::to_string(i) + ": " + std::string(to_string(plan.sessions[i].kind));
    for (const Fault& fault : plan.sessions[i].faults) {
      trace += ", " + std::string(to_string(fault.kind)) + " at " + place_name(fault);
    }
    trace += "\n";
  }
  RunOptions options;
  options.table = &table;
  options.bug = bug;
  options.trace = &trace;
  const auto violation = world.run(plan, options);
  trace += violation ? "violated: " + violation->what + "\n" : std::string("no violation\n");
  trace += "replay: stillframe-sim --seed " + std::to_string(seed) + " --sessions 1 --trace";
  if (bug != Bug::none) trace += " --bug " + std::string(to_string(bug));
  trace += "\n";
  return trace;
}

}  // namespace stillframe::testkit
