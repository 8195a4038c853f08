#include <chrono>
#include <ctime>
#include <random>

#include "writers/ese/format/log_set.hpp"
#include "writers/ese/recovery/recover_copy.hpp"
#include "writers/ese/tool/log_sets.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

LogTime now() {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  const auto clock = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(clock);
  const auto within = duration_cast<milliseconds>(clock.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  LogTime time;
  time.seconds = static_cast<std::uint8_t>(parts.tm_sec);
  time.minutes = static_cast<std::uint8_t>(parts.tm_min);
  time.hours = static_cast<std::uint8_t>(parts.tm_hour);
  time.day = static_cast<std::uint8_t>(parts.tm_mday);
  time.month = static_cast<std::uint8_t>(parts.tm_mon + 1);
  time.years_since_1900 = static_cast<std::uint8_t>(parts.tm_year);
  time.utc_and_low_milliseconds = static_cast<std::uint8_t>(1 | (within & 0x7F) << 1);
  time.high_milliseconds = static_cast<std::uint8_t>((within >> 7) << 1);
  return time;
}

Json plan_json(const RecoveryPlan& plan) {
  Json databases = Json::array(), notes = Json::array();
  for (const PlannedDatabase& database : plan.databases) {
    Json json{{"logged_path", escape_bytes(database.logged_path)},
              {"file", escape_bytes(database.file)},
              {"action", name_of(database.action)}};
    if (!database.why.empty()) json["why"] = database.why;
    databases.push_back(std::move(json));
  }
  for (const std::string& note : plan.notes) notes.push_back(escape_bytes(note));
  return Json{{"start", lgpos_text(plan.start)},
              {"from_checkpoint", plan.from_checkpoint},
              {"last_generation", fmt::format("{:X}", static_cast<std::uint32_t>(plan.last))},
              {"log_end", to_string(plan.end.end)},
              {"log_end_position", lgpos_text(plan.end.position)},
              {"records", plan.records},
              {"databases", std::move(databases)},
              {"notes", std::move(notes)}};
}

Json counts_json(const RedoCounts& counts) {
  return Json{{"records", counts.records},
              {"changes", counts.changes},
              {"already_there", counts.already},
              {"skipped", counts.skipped},
              {"undone", counts.undone}};
}

class RecoverVerb final : public Verb {
 public:
  const char* name() const override { return "recover"; }
  const char* summary() const override {
    return "Replay logs into databases that were not shut down, on copies or in place";
  }
  const char* examples() const override {
    return "  esectl recover --dry-run /mnt/snapshot/Windows/System32/sru\n"
           "  esectl recover --to /cases/17 /mnt/snapshot/Windows/System32/sru\n"
           "  esectl recover --in-place --base edb --databases /srv/db /srv/logs";
  }
  void describe(CLI::App& command) override {
    command.add_option("folder", options_.logs, "The folder with the logs")->required();
    command.add_option("--base", base_, "The base name of the logs, such as edb");
    command.add_option("--databases", databases_,
                       "The folder with the databases; that of the logs if not given");
    command.add_option("--map", maps_, "LOGGED_PATH=FILE for a database that is elsewhere");
    auto* to = command.add_option("--to", to_, "Recover copies, and put them into this folder");
    auto* in_place = command.add_flag("--in-place", in_place_, "Recover the databases themselves");
    auto* dry = command.add_flag("--dry-run", dry_run_, "Only say what would be done");
    to->excludes(in_place)->excludes(dry);
    in_place->excludes(dry);
    command.add_flag("--accept-lost-commits", options_.accept_lost_commits,
                     "Go on although logs with newer transactions are missing");
  }

  Result<Exit> run(Output& output) override {
    if (Status set = prepare(output); !set.ok()) return set.error();
    auto answer = dry_run_ ? plan_only() : in_place_ ? in_place() : copies();
    output.progress_done();
    if (!answer.ok()) return answer.error();
    output.show(answer.value());
    return Exit::ok;
  }

 private:
  Status prepare(Output& output) {
    if (!dry_run_ && !in_place_ && to_.empty()) {
      return Error(Errc::invalid_argument,
                   "say where to: --to FOLDER for copies, --in-place, or --dry-run");
    }
    auto sets = open_log_sets(options_.logs, base_);
    if (!sets.ok()) return sets.error();
    if (sets.value().size() > 1) {
      return Error(Errc::invalid_argument, "'" + escape_path(options_.logs) +
                                               "' has logs of several sequences; choose one with "
                                               "--base");
    }
    options_.base = sets.value().front().base;
    options_.databases.directory = databases_.empty() ? options_.logs : databases_;
    for (const std::string& map : maps_) {
      const auto equals = map.find('=');
      if (equals == std::string::npos) {
        return Error(Errc::invalid_argument, "--map takes LOGGED_PATH=FILE, not '" + map + "'");
      }
      options_.databases.by_path[map.substr(0, equals)] = map.substr(equals + 1);
    }
    std::random_device random;
    options_.now = now();
    options_.identity.random = random();
    options_.identity.created = options_.now;
    options_.progress = [&output](std::string_view what, std::uint64_t done, std::uint64_t total) {
      output.progress(what, done, total);
    };
    return Ok{};
  }

  Result<Json> plan_only() {
    auto plan = plan_recovery(*files_, options_);
    if (!plan.ok()) return plan.error();
    return plan_json(plan.value());
  }

  Result<Json> in_place() {
    auto report = recover(*files_, options_);
    if (!report.ok()) return report.error();
    Json answer = plan_json(report.value().plan);
    answer["replayed"] = counts_json(report.value().counts);
    return answer;
  }

  Result<Json> copies() {
    auto copies = recover_copies(*files_, options_, to_);
    if (!copies.ok()) return copies.error();
    Json answer = plan_json(copies.value().report.plan);
    answer["replayed"] = counts_json(copies.value().report.counts);
    answer["made"] = Json::array();
    for (const BytePath& made : copies.value().made) answer["made"].push_back(escape_bytes(made));
    return answer;
  }

  RecoveryOptions options_;
  std::string base_, databases_, to_;
  std::vector<std::string> maps_;
  bool in_place_ = false, dry_run_ = false;
  std::unique_ptr<Files> files_ = posix_files();
};

}  // namespace

std::unique_ptr<Verb> make_recover_verb() {
  return std::make_unique<RecoverVerb>();
}

}  // namespace stillframe::ese::tool
