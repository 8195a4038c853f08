#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/bench/ese_store.hpp"
#include "writers/ese/bench/measure.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr const char* kVerification = "verification";

class BenchVerb final : public Verb {
 public:
  const char* name() const override { return "bench"; }
  const char* summary() const override { return "Measure the engine on this machine"; }
  const char* examples() const override {
    return "  esectl bench\n"
           "  esectl bench --rows 1000000 --dir /srv/data\n"
           "  esectl bench --only load --only recovery --json | jq .figures";
  }
  void describe(CLI::App& command) override {
    std::vector<std::string> names{kVerification};
    for (const bench::Measure measure : bench::kMeasures) {
      names.emplace_back(bench::name_of(measure));
    }
    command.add_option("--dir", folder_, "A folder on the file system to measure (.)")
        ->check(CLI::ExistingDirectory);
    command.add_option("--rows", rows_, "How many rows of 200 bytes (100000)")
        ->check(CLI::Range(std::uint64_t{1000}, std::uint64_t{100'000'000}));
    command.add_option("--seconds", seconds_, "How long commits are counted (3)")
        ->check(CLI::Range(0.1, 3600.0));
    command.add_option("--only", only_, "These measures alone")->check(CLI::IsMember(names));
  }

  Result<Exit> run(Output& output) override {
    Json figures = Json::array();
    if (const auto options = chosen(output); only_.empty() || !options.only.empty()) {
      const auto found = bench::measure(bench::make_ese_store, options);
      output.progress_done();
      if (!found.ok()) return found.error().while_doing("measuring in '" + folder_ + "'");
      for (const bench::Figure& figure : found.value()) {
        figures.push_back({{"measure", bench::name_of(figure.measure)},
                           {"unit", bench::unit_of(figure.measure)},
                           {"per_second", figure.per_second}});
      }
    }
    Json answer{{"rows", rows_}, {"row_bytes", bench::kRowBytes}, {"figures", std::move(figures)}};
    if (wants(kVerification)) {
      const bench::PageVerification found = bench::measure_verification();
      answer[kVerification] = {{"unit", "GB/s on one core"},
                               {"pages_verified", found.verify},
                               {"memory_read", found.sweep}};
    }
    output.show(answer);
    return Exit::ok;
  }

 private:
  bool wants(std::string_view name) const {
    return only_.empty() || std::find(only_.begin(), only_.end(), name) != only_.end();
  }

  bench::MeasureOptions chosen(Output& output) const {
    bench::MeasureOptions options;
    options.folder = folder_.starts_with('/')
                         ? folder_
                         : join_path(std::filesystem::current_path().string(), folder_);
    options.rows = rows_;
    options.commit_seconds = seconds_;
    for (const bench::Measure measure : bench::kMeasures) {
      if (!only_.empty() && wants(bench::name_of(measure))) options.only.push_back(measure);
    }
    options.progress = [&output](std::string_view what, std::uint64_t done, std::uint64_t total) {
      output.progress(what, done, total);
    };
    return options;
  }

  std::string folder_ = ".";
  std::uint64_t rows_ = 100'000;
  double seconds_ = 3;
  std::vector<std::string> only_;
};

}  // namespace

std::unique_ptr<Verb> make_bench_verb() {
  return std::make_unique<BenchVerb>();
}

}  // namespace stillframe::ese::tool
