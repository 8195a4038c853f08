// stillframe-sim-soak DOCUMENT SESSIONS COMMIT [THREADS]: plays sessions from where the last line
// of the document's table ends, and appends one line. Stopped in between, it loses one portion at
// most.
#include <charconv>
#include <fstream>
#include <iostream>

#include "framework/testkit/range.hpp"

namespace stillframe::testkit {
namespace {

constexpr std::uint64_t kPortion = 500'000;  // sessions

// The seed after the last one in a "| simulation | FIRST..LAST | ..." line; 1 if there is none.
std::uint64_t next_seed(const std::string& document) {
  std::ifstream file(document);
  std::uint64_t next = 1;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| simulation |", 0) != 0) continue;
    const auto dots = line.find("..");
    if (dots == std::string::npos) continue;
    std::uint64_t last = 0;
    const auto parsed = std::from_chars(line.data() + dots + 2, line.data() + line.size(), last);
    if (parsed.ec == std::errc() && last + 1 > next) next = last + 1;
  }
  return next;
}

void append(const std::string& document, const RangeOptions& options, const RangeResult& result,
            const std::string& commit) {
  std::ofstream file(document, std::ios::app);
  file << "| simulation | " << options.first_seed << ".." << result.next_seed - 1 << " | " << commit
       << " | " << result.coverage.sessions << " sessions, "
       << (result.finding ? "VIOLATION in seed " + std::to_string(result.finding->seed)
                          : std::string("no violation"))
       << " |\n";
}

int run(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: stillframe-sim-soak DOCUMENT SESSIONS COMMIT [THREADS]\n";
    return 2;
  }
  const std::string document = argv[1];
  std::uint64_t left = std::strtoull(argv[2], nullptr, 10);
  while (left > 0) {
    RangeOptions options;
    options.first_seed = next_seed(document);
    options.sessions = std::min(left, kPortion);
    options.threads = argc > 4 ? std::atoi(argv[4]) : 1;
    const RangeResult result = run_range(options);
    append(document, options, result, argv[3]);
    if (result.finding) {
      std::cout << trace_of(result.finding->seed);
      return 1;
    }
    left -= std::min(left, result.coverage.sessions);
    std::cout << "seeds up to " << result.next_seed - 1 << ": no violation" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace stillframe::testkit

int main(int argc, char** argv) {
  return stillframe::testkit::run(argc, argv);
}
