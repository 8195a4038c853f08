// Full counts, in portions: each begins where the last line of the document's table ends and
// appends a line of its own. Stopped in between, a run loses one portion at most.
#include <charconv>
#include <fstream>
#include <iostream>

#include "framework/testkit/mutation.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::string_view kUsage =
    R"(stillframe-sim-soak simulation DOCUMENT SESSIONS COMMIT [THREADS]
  plays so many more sessions, from the seed after the last one in the document
stillframe-sim-soak mutants DOCUMENT SEEDS COMMIT
  hunts the mutants of the transition table that the document does not list, with so many seeds each
)";

constexpr std::uint64_t kPortionSessions = 500'000;
constexpr std::uint64_t kPortionMutants = 50;

// The number after the last one in a "| WHAT | FIRST..LAST | ..." line; `first` if there is none.
std::uint64_t next_number(const std::string& document, const std::string& what,
                          std::uint64_t first) {
  std::ifstream file(document);
  std::uint64_t next = first;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| " + what + " |", 0) != 0) continue;
    const auto dots = line.find("..");
    if (dots == std::string::npos) continue;
    std::uint64_t last = 0;
    const auto parsed = std::from_chars(line.data() + dots + 2, line.data() + line.size(), last);
    if (parsed.ec == std::errc() && last + 1 > next) next = last + 1;
  }
  return next;
}

void append(const std::string& document, const std::string& what, std::uint64_t first,
            std::uint64_t last, const std::string& commit, const std::string& result) {
  const std::string line = "| " + what + " | " + std::to_string(first) + ".." +
                           std::to_string(last) + " | " + commit + " | " + result + " |";
  std::ofstream(document, std::ios::app) << line << '\n';
  std::cout << line << std::endl;
}

int soak_sessions(const std::string& document, std::uint64_t left, const std::string& commit,
                  int threads) {
  while (left > 0) {
    RangeOptions options;
    options.first_seed = next_number(document, "simulation", 1);
    options.sessions = std::min(left, kPortionSessions);
    options.threads = threads;
    const RangeResult result = run_range(options);
    append(document, "simulation", options.first_seed, result.next_seed - 1, commit,
           std::to_string(result.coverage.sessions) + " sessions, " +
               (result.finding ? "VIOLATION in seed " + std::to_string(result.finding->seed)
                               : std::string("no violation")));
    if (result.finding) {
      std::cout << trace_of(result.finding->seed);
      return 1;
    }
    left -= std::min(left, result.coverage.sessions);
  }
  return 0;
}

// Survivors are named on the output; whether one is equivalent is for a person to say.
int soak_mutants(const std::string& document, std::uint64_t seeds, const std::string& commit) {
  const auto mutants = all_mutants();
  std::uint64_t survived = 0;
  for (std::uint64_t first = next_number(document, "mutants", 0); first < mutants.size();) {
    const std::uint64_t end = std::min<std::uint64_t>(first + kPortionMutants, mutants.size());
    std::uint64_t here = 0;
    for (std::uint64_t i = first; i < end; ++i) {
      if (is_caught(mutants[i], seeds)) continue;
      ++here;
      std::cout << "survived: " << name_of(mutants[i]) << std::endl;
    }
    append(document, "mutants", first, end - 1, commit,
           std::to_string(end - first - here) + " caught within " + std::to_string(seeds) +
               " seeds, " + std::to_string(here) + " not");
    survived += here;
    first = end;
  }
  return survived == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc >= 5 && what == "simulation") {
    const int threads = argc > 5 ? std::atoi(argv[5]) : 1;
    return soak_sessions(argv[2], std::strtoull(argv[3], nullptr, 10), argv[4], threads);
  }
  if (argc == 5 && what == "mutants") {
    return soak_mutants(argv[2], std::strtoull(argv[3], nullptr, 10), argv[4]);
  }
  std::cerr << kUsage;
  return 2;
}

}  // namespace
}  // namespace stillframe::testkit

int main(int argc, char** argv) {
  return stillframe::testkit::run(argc, argv);
}
