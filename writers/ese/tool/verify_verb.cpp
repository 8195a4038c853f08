#include "writers/ese/format/database_file.hpp"
#include "writers/ese/format/verify.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

// What the report amounts to. A database that was not shut down may contradict itself: its logs
// settle that.
std::string_view verdict_of(const DatabaseHeader& header, const VerifyReport& report) {
  if (header.clean()) return report.good() ? "good" : "damaged";
  return report.good() ? "good_but_not_shut_down" : "needs_recovery";
}

Json report_json(const VerifyReport& report) {
  Json bad = Json::array(), findings = Json::array();
  for (const Pgno pgno : report.bad_pages) bad.push_back(static_cast<std::uint32_t>(pgno));
  for (const Finding& finding : report.findings) {
    findings.push_back(std::string(name_of(finding.check)) + ": " + finding.what);
  }
  return Json{{"pages_good", report.pages_good},
              {"pages_corrected", report.pages_corrected},
              {"pages_zero", report.pages_zero},
              {"pages_bad", report.pages_bad},
              {"pages_bad_unused", report.bad_pages_unused},
              {"bad_pages", std::move(bad)},
              {"tables", report.tables},
              {"trees", report.trees},
              {"rows", report.rows},
              {"indexes_checked", report.indexes_checked},
              {"indexes_skipped", report.indexes_skipped},
              {"index_entries", report.index_entries},
              {"long_values", report.long_values},
              {"long_value_bytes", report.long_value_bytes},
              {"findings_total", report.findings_total},
              {"findings", std::move(findings)}};
}

class VerifyVerb final : public Verb {
 public:
  const char* name() const override { return "verify"; }
  const char* summary() const override {
    return "Check pages, trees, space, catalog, rows, indexes and long values";
  }
  const char* examples() const override {
    return "  esectl verify ntds.dit\n"
           "  esectl verify --json --threads 4 SRUDB.dat | jq .verdict";
  }
  void describe(CLI::App& command) override {
    command.add_option("database", path_, "The database file")->required();
    command.add_option("--threads", options_.threads, "How many to use; 0 for one a processor");
  }

  Result<Exit> run(Output& output) override {
    auto file = DatabaseFile::open(path_);
    if (!file.ok()) return file.error();
    options_.progress = [&](std::string_view what, std::uint64_t done, std::uint64_t total) {
      output.progress(what, done, total);
    };
    const DatabaseHeader& header = file.value()->header();
    Result<VerifyReport> report = verify_database(*file.value(), header, options_);
    output.progress_done();
    if (!report.ok()) return report.error();
    Json answer{{"verdict", verdict_of(header, report.value())},
                {"state", name_of(header.state)},
                {"header_copies", name_of(file.value()->header_copies())}};
    answer.update(report_json(report.value()));
    output.show(answer);
    if (report.value().good()) return Exit::ok;
    return header.clean() ? Exit::damaged : Exit::wrong_state;
  }

 private:
  std::string path_;
  VerifyOptions options_;
};

}  // namespace

std::unique_ptr<Verb> make_verify_verb() {
  return std::make_unique<VerifyVerb>();
}

}  // namespace stillframe::ese::tool
