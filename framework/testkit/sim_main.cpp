// stillframe-sim: plays simulated sessions with faults, and says what it found.
#include <charconv>
#include <cstring>
#include <iostream>

#include "framework/testkit/mutation.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::string_view kUsage =
    R"(stillframe-sim: whole backup and restore sessions in virtual time, with faults

  --seed N        first seed (1)
  --sessions N    how many sessions to play at least (10000)
  -j N            threads (1)
  --trace         print every step of the first seed, and nothing else
  --coverage N    print the coverage table; cells hit fewer than N times are marked
  --bug NAME      plant a protocol bug ("list" names them)
  --mutants K/N   hunt the mutants of the transition table: those whose number is K modulo N
  --seeds N       seeds a mutant or bug has to survive (10000)

Exit codes: 0 no violation, 1 a violation (or a mutant that survived), 2 wrong arguments.
)";

struct Options {
  RangeOptions range;
  std::uint64_t seeds = 10'000;
  std::uint64_t coverage_least = 0;
  bool print_coverage = false, trace = false, hunt = false;
  std::uint64_t mutant_offset = 0, mutant_every = 1;
};

bool number(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool bug_named(std::string_view name, Bug& bug) {
  for (int i = 1; i < kBugs; ++i) {
    if (to_string(static_cast<Bug>(i)) != name) continue;
    bug = static_cast<Bug>(i);
    return true;
  }
  for (int i = 1; i < kBugs; ++i) std::cout << to_string(static_cast<Bug>(i)) << '\n';
  return false;
}

bool parse_value(std::string_view name, std::string_view value, Options& options) {
  std::uint64_t parsed = 0;
  if (name == "--bug") return bug_named(value, options.range.bug);
  if (name == "--mutants") {
    const auto slash = value.find('/');
    options.hunt = true;
    return slash != std::string_view::npos &&
           number(value.substr(0, slash), options.mutant_offset) &&
           number(value.substr(slash + 1), options.mutant_every) && options.mutant_every > 0;
  }
  if (!number(value, parsed)) return false;
  if (name == "--seed") {
    options.range.first_seed = parsed;
  } else if (name == "--sessions") {
    options.range.sessions = parsed;
  } else if (name == "-j") {
    options.range.threads = static_cast<int>(std::min<std::uint64_t>(parsed, 256));
  } else if (name == "--coverage") {
    options.print_coverage = true;
    options.coverage_least = parsed;
  } else if (name == "--seeds") {
    options.seeds = parsed;
  } else {
    return false;
  }
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  options.range.sessions = 10'000;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      options.trace = true;
    } else if (i + 1 >= argc || !parse_value(name, argv[i + 1], options)) {
      return false;
    } else {
      ++i;
    }
  }
  return true;
}

int hunt_mutants(const Options& options) {
  const auto mutants = all_mutants();
  std::size_t tried = 0, survived = 0;
  for (std::size_t i = 0; i < mutants.size(); ++i) {
    if (i % options.mutant_every != options.mutant_offset % options.mutant_every) continue;
    ++tried;
    if (is_caught(mutants[i], options.seeds, options.range.first_seed)) continue;
    ++survived;
    std::cout << name_of(mutants[i]) << std::endl;
  }
  std::cout << tried << " mutants, " << survived << " survived " << options.seeds << " seeds\n";
  return survived == 0 ? 0 : 1;
}

int play(const Options& options) {
  const RangeResult result = run_range(options.range);
  if (options.print_coverage) result.coverage.print(std::cout, options.coverage_least);
  if (result.finding) {
    std::cout << trace_of(result.finding->seed, options.range.bug) << "seed "
              << result.finding->seed << ": " << result.finding->violation.what << '\n';
    return 1;
  }
  const double seconds = result.wall.count();
  const auto sessions = static_cast<double>(result.coverage.sessions);
  std::cout << "seeds " << options.range.first_seed << ".." << result.next_seed - 1 << ": "
            << result.coverage.sessions << " sessions, no violation, " << sessions / seconds
            << " sessions/s (" << sessions / seconds / options.range.threads << " per thread)\n";
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 2;
  }
  if (options.trace) {
    std::cout << trace_of(options.range.first_seed, options.range.bug);
    return 0;
  }
  return options.hunt ? hunt_mutants(options) : play(options);
}

}  // namespace
}  // namespace stillframe::testkit

int main(int argc, char** argv) {
  return stillframe::testkit::run(argc, argv);
}
