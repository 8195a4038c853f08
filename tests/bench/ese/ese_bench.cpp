// The engine beside SQLite and Berkeley DB in one run: the same rows, on the same file system, with
// the same durability, as much cache, and as much log between checkpoints.
//
//   ese_bench [--dir FOLDER] [--rows N] [--seconds S] [--only NAME]... [--json]
//
// Fails (1) where the engine is below half of the better of the two, or verifies pages at less than
// a third of what reading memory takes.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "tests/bench/ese/berkeley_store.hpp"
#include "tests/bench/ese/sqlite_store.hpp"
#include "writers/ese/bench/ese_store.hpp"
#include "writers/ese/bench/measure.hpp"

namespace stillframe::ese::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRatioMin = 0.5;             // of the better peer
constexpr double kVerificationMin = 1.0 / 3;  // of the sweep
constexpr const char* kOwn = "stillframe";
constexpr const char* kVerification = "verification";

struct Engine {
  const char* name;
  const char* package;  // to install for it
  std::unique_ptr<MeasuredStore> (*make)();
};
constexpr Engine kEngines[] = {
    {kOwn, "", make_ese_store},
    {"SQLite", "libsqlite3-dev", make_sqlite_store},
    {"Berkeley DB", "libdb5.3-dev", make_berkeley_store},
};

// A write-ahead log is not redone by SQLite, it is only copied.
bool judged_by(Measure measure, std::string_view peer) {
  return measure != Measure::recovery || peer != "SQLite";
}

struct Arguments {
  std::string folder = ".";
  std::uint64_t rows = 1'000'000;
  double seconds = 3;
  std::vector<std::string> only, engines;
  bool json = false;
};

class Bench {
 public:
  explicit Bench(Arguments arguments) : arguments_(std::move(arguments)) {
    options_.folder = absolute(arguments_.folder);
    options_.rows = arguments_.rows;
    options_.commit_seconds = arguments_.seconds;
    for (const Measure measure : kMeasures) {
      if (asked_for(name_of(measure)) && !arguments_.only.empty()) options_.only.push_back(measure);
    }
    if (!arguments_.json) {
      options_.progress = [](std::string_view what, std::uint64_t done, std::uint64_t total) {
        if (::isatty(STDERR_FILENO) == 0) return;
        std::fprintf(stderr, "\r%-40.*s %3.0f %%\x1b[K", static_cast<int>(what.size()), what.data(),
                     100.0 * static_cast<double>(done) / static_cast<double>(total));
      };
    }
  }

  int run() {
    if (arguments_.only.empty() || !options_.only.empty()) {
      for (const Engine& engine : kEngines) {
        if (!measure_engine(engine)) return 2;
      }
      judge_all();
    }
    if (asked_for(kVerification)) judge_verification();
    if (arguments_.json) std::printf("%s\n", answer_.dump(2).c_str());
    return failed_ ? 1 : 0;
  }

 private:
  static BytePath absolute(const std::string& folder) {
    return folder.starts_with('/') ? folder
                                   : join_path(std::filesystem::current_path().string(), folder);
  }

  bool asked_for(std::string_view name) const {
    const auto& only = arguments_.only;
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
  }

  bool measure_engine(const Engine& engine) {
    const auto& engines = arguments_.engines;
    if (!engines.empty() && std::find(engines.begin(), engines.end(), engine.name) == engines.end())
      return true;
    if (engine.make() == nullptr) {
      std::fprintf(stderr, "%s is missing: built without it; install %s and configure again\n",
                   engine.name, engine.package);
      return true;
    }
    const auto figures = measure(engine.make, options_);
    if (!figures.ok()) {
      std::fprintf(stderr, "%s: %s\n", engine.name, figures.error().what().c_str());
      return false;
    }
    for (const Figure& figure : figures.value()) {
      found_[figure.measure][engine.name] = figure.per_second;
    }
    return true;
  }

  void judge_all() {
    for (const auto& [measure, figures] : found_) {
      Json json{{"measure", name_of(measure)}, {"unit", unit_of(measure)}};
      double better = 0;
      for (const auto& [engine, per_second] : figures) {
        json[engine] = per_second;
        if (engine != kOwn && judged_by(measure, engine)) better = std::max(better, per_second);
      }
      const auto own = figures.find(kOwn);
      const double ratio = better > 0 && own != figures.end() ? own->second / better : 0;
      if (ratio > 0) json["ratio"] = ratio;
      const bool low = ratio > 0 && ratio < kRatioMin;
      failed_ = failed_ || low;
      answer_["figures"].push_back(std::move(json));
      if (!arguments_.json) print(measure, figures, ratio, low);
    }
  }

  static void print(Measure measure, const std::map<std::string, double>& figures, double ratio,
                    bool low) {
    std::printf("%-11s %s\n", std::string(name_of(measure)).c_str(),
                std::string(unit_of(measure)).c_str());
    for (const auto& [engine, per_second] : figures) {
      std::printf("    %-12s %12.0f\n", engine.c_str(), per_second);
    }
    if (ratio > 0) {
      std::printf("    %-12s %12.2f of the better peer%s\n", "ratio", ratio,
                  low ? ": BELOW HALF" : "");
    }
    std::fflush(stdout);
  }

  void judge_verification() {
    const PageVerification found = measure_verification();
    const double ratio = found.verify / found.sweep;
    failed_ = failed_ || ratio < kVerificationMin;
    answer_[kVerification] = {{"sweep_gb_per_second", found.sweep},
                              {"verify_gb_per_second", found.verify},
                              {"ratio", ratio}};
    if (arguments_.json) return;
    std::printf("%-11s GB/s on one core, pages of 8 KiB\n", kVerification);
    std::printf("    %-12s %12.1f\n    %-12s %12.1f\n", "sweep", found.sweep, "verified",
                found.verify);
    std::printf("    %-12s %12.2f of the sweep%s\n", "ratio", ratio,
                ratio < kVerificationMin ? ": BELOW A THIRD" : "");
  }

  const Arguments arguments_;
  MeasureOptions options_;
  std::map<Measure, std::map<std::string, double>> found_;
  Json answer_;
  bool failed_ = false;
};

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Measures the ESE engine beside SQLite and Berkeley DB.", "ese_bench");
  std::vector<std::string> names{kVerification};
  for (const Measure measure : kMeasures) names.emplace_back(name_of(measure));
  app.add_option("--dir", arguments.folder, "A folder on the file system to measure");
  app.add_option("--rows", arguments.rows, "How many rows of 200 bytes")
      ->check(CLI::Range(std::uint64_t{1000}, std::uint64_t{100'000'000}));
  app.add_option("--seconds", arguments.seconds, "How long commits are counted");
  app.add_option("--only", arguments.only, "These measures alone")->check(CLI::IsMember(names));
  app.add_option("--engine", arguments.engines, "These engines alone");
  app.add_flag("--json", arguments.json, "Answer in JSON");
  CLI11_PARSE(app, argc, argv);
  return Bench(std::move(arguments)).run();
}

}  // namespace
}  // namespace stillframe::ese::bench

int main(int argc, char** argv) {
  return stillframe::ese::bench::run(argc, argv);
}
