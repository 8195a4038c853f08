#include "writers/ese/format/log_lint.hpp"
#include "writers/ese/format/log_set.hpp"
#include "writers/ese/tool/log_databases.hpp"
#include "writers/ese/tool/log_sets.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

Json log_json(const ChainLog& log) {
  const LogHeader& h = log.header.fields;
  Json attached = Json::array();
  for (const Attachment& a : log.header.attachments) attached.push_back(escape_bytes(a.path()));
  return {{"file", escape_bytes(log.file)},
          {"generation", fmt::format("{:X}", static_cast<std::uint32_t>(h.generation))},
          {"version", fmt::format("{}.{}.{}.{}", h.major, h.minor, h.update_major, h.update_minor)},
          {"created", to_text(h.created)},
          {"sign_log", to_text(h.log)},
          {"page_size", h.page_size()},
          {"attached", attached}};
}

Json finding_json(const ChainFinding& finding) {
  return {{"error", static_cast<std::int32_t>(finding.err)},
          {"name", name_of(finding.err)},
          {"what", escape_bytes(finding.what)}};
}

Json checkpoint_json(const LogSet& set) {
  if (!set.checkpoint) return "absent";
  if (!set.checkpoint->ok()) return set.checkpoint->error().what();
  return to_text(set.checkpoint->value().checkpoint.fields.checkpoint);
}

Json missing_json(const LogSet& set) {
  Json missing = Json::array();
  if (set.chain.logs.empty()) return missing;
  const auto low = set.chain.logs.front().generation();
  for (const Generation g : missing_generations(set.chain, low, set.chain.newest())) {
    missing.push_back(fmt::format("{:X}", static_cast<std::uint32_t>(g)));
  }
  return missing;
}

class LogsVerb final : public Verb {
 public:
  const char* name() const override { return "logs"; }
  const char* summary() const override {
    return "List the logs of a folder, whether they belong together and which databases need them";
  }
  const char* examples() const override {
    return "  esectl logs /mnt/snapshot/Windows/System32/sru\n"
           "  esectl logs --lint --base edb .\n"
           "  esectl logs --database /data/ntds.dit /logs\n"
           "  esectl logs --json . | jq '.sets[].findings'";
  }
  void describe(CLI::App& command) override {
    command.add_option("folder", folder_, "The folder with the logs")->required();
    command.add_option("--base", base_, "Only the sequence with this base name, such as edb");
    command.add_option("--database", databases_,
                       "A database that is not beside its logs; may be repeated");
    command.add_flag("--lint", lint_, "Read every record and check that they make sense together");
  }

  Result<Exit> run(Output& output) override {
    auto sets = open_log_sets(folder_, base_);
    if (!sets.ok()) return sets.error();
    auto databases = databases_beside(folder_, databases_);
    if (!databases.ok()) return databases.error();
    Json answer{
        {"folder", escape_bytes(folder_)}, {"sets", Json::array()}, {"databases", Json::array()}};
    bool whole = true;
    for (const LogSet& set : sets.value()) {
      answer["sets"].push_back(set_json(set));
      whole = whole && set.chain.whole() && set.bad.empty();
    }
    for (const LogDatabase& database : databases.value()) {
      DatabaseAnswer one = database_answer(database, sets.value());
      answer["databases"].push_back(std::move(one.json));
      whole = whole && one.usable;
    }
    output.show(answer);
    return whole && !lint_failed_ ? Exit::ok : Exit::damaged;
  }

 private:
  Json set_json(const LogSet& set) {
    Json json{{"base", escape_bytes(set.base)}, {"checkpoint", checkpoint_json(set)}};
    json["logs"] = Json::array();
    for (const ChainLog& log : set.chain.logs) json["logs"].push_back(log_json(log));
    for (const ChainLog& log : set.chain.temporaries) json["temporary"].push_back(log_json(log));
    json["rolling"] = set.chain.rolling;
    json["missing"] = missing_json(set);
    json["findings"] = Json::array();
    for (const ChainFinding& f : set.chain.findings) json["findings"].push_back(finding_json(f));
    for (const BadLogFile& bad : set.bad) {
      json["findings"].push_back({{"error", bad.error.application_code()},
                                  {"name", "unreadable"},
                                  {"what", escape_bytes(bad.error.what())}});
    }
    if (lint_) json["lint"] = lint_json(set);
    return json;
  }

  // Every run of generations that follow each other is read on its own.
  Json lint_json(const LogSet& set) {
    Json runs = Json::array();
    for (const LogRun& run : log_runs(set)) runs.push_back(lint_run(set, run));
    return runs;
  }

  Json lint_run(const LogSet& set, const LogRun& run) {
    LogReader reader([&](Generation g, bool last) { return set.open(g, last); }, run.first,
                     run.last);
    LogLinter linter;
    std::string error;
    for (;;) {
      auto record = reader.next();
      if (!record.ok()) error = record.error().what();
      if (!record.ok() || !record.value()) break;
      linter.add(*record.value());
    }
    lint_failed_ = lint_failed_ || !error.empty() || linter.findings_count() > 0;
    Json findings = Json::array();
    for (const LintFinding& finding : linter.findings()) {
      findings.push_back(to_text(finding.at) + " " + finding.what);
    }
    const LintCounts& c = linter.counts();
    return {{"first", fmt::format("{:X}", static_cast<std::uint32_t>(run.first))},
            {"last", fmt::format("{:X}", static_cast<std::uint32_t>(run.last))},
            {"end", to_string(reader.end().end)},
            {"position", to_text(reader.end().position)},
            {"records", c.records},
            {"links", c.links},
            {"macros", c.macros},
            {"transactions", c.transactions},
            {"error", escape_bytes(error)},
            {"findings_count", linter.findings_count()},
            {"findings", findings}};
  }

  std::string folder_, base_;
  std::vector<std::string> databases_;
  bool lint_ = false;
  bool lint_failed_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_logs_verb() {
  return std::make_unique<LogsVerb>();
}

}  // namespace stillframe::ese::tool
