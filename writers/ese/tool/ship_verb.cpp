#include <filesystem>

#include "writers/ese/backup/set_databases.hpp"
#include "writers/ese/backup/warm_copy.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/tool/instance_at_rest.hpp"
#include "writers/ese/tool/log_sets.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class ShipVerb final : public Verb {
 public:
  const char* name() const override { return "ship"; }
  const char* summary() const override {
    return "Keep a warm copy of databases: copy the logs that are finished, and replay them";
  }
  const char* examples() const override {
    return "  esectl ship /srv/logs /warm --from /backup/monday\n"
           "  esectl ship /srv/logs /warm\n"
           "  esectl ship --finish /srv/logs /warm";
  }
  void describe(CLI::App& command) override {
    command.add_option("source", source_, "The folder with the logs; an instance may be using it")
        ->required();
    command.add_option("copy", copy_.folder, "The folder of the copy")->required();
    command.add_option("--from", from_, "Begin the copy with this backup, in an empty folder");
    command.add_option("--base", base_, "The base name of the logs, such as edb");
    command.add_flag("--finish", finish_,
                     "Undo what is open, so that the copy can be used; takes what logs are there, "
                     "also if the source is gone");
  }

  Result<Exit> run(Output& output) override {
    copy_.folder = std::filesystem::absolute(copy_.folder).lexically_normal();
    copy_.progress = [&output](std::string_view what, std::uint64_t done, std::uint64_t total) {
      output.progress(what, done, total);
    };
    if (!from_.empty()) {
      if (Status s = files_->make_directory(copy_.folder); !s.ok()) return s.error();
    }
    const auto lock = lock_at_rest(copy_.folder);
    if (!lock.ok()) return lock.error();
    if (Status s = check_no_restore(*files_, copy_.folder); !s.ok()) return s.error();
    if (Status s = begin(); !s.ok()) return s.error();
    Json answer{{"copied", Json::array()}};
    const Status done = keep(answer);
    output.progress_done();
    if (!done.ok()) return done.error();
    output.show(answer);
    return Exit::ok;
  }

 private:
  // Also again, after a kill: what the copy has then it keeps.
  Status begin() {
    copy_.base = base_;
    if (base_.empty()) {
      auto base = base_of_finished_logs(*files_, from_.empty() ? copy_.folder : from_);
      if (!base.ok()) return base.error();
      copy_.base = base.value();
    }
    if (from_.empty() || warm_copy_state(*files_, copy_) != WarmCopyState::absent) return Ok{};
    return begin_warm_copy(*files_, copy_, from_);
  }

  Status keep(Json& answer) {
    const bool finished = warm_copy_state(*files_, copy_) == WarmCopyState::finished;
    const bool source_gone = finish_ && !files_->list(source_).ok();
    if (!(finish_ && (finished || source_gone))) {
      const auto shipped = ship_logs(*files_, copy_, source_);
      if (!shipped.ok()) return shipped.error();
      for (const Generation each : shipped.value()) {
        answer["copied"].push_back(static_cast<int>(each));
      }
    }
    const auto replay =
        finish_ ? finish_warm_copy(*files_, copy_) : replay_warm_copy(*files_, copy_);
    if (!replay.ok()) return replay.error();
    answer["newest_log"] = static_cast<int>(replay.value().newest);
    answer["replayed_to"] =
        replay.value().replayed_to ? Json(static_cast<int>(*replay.value().replayed_to)) : Json();
    answer["finished"] = finish_;
    answer["records"] = replay.value().counts.records;
    answer["undone"] = replay.value().counts.undone;
    answer["databases"] = Json::array();
    for (const BytePath& database : replay.value().databases) {
      answer["databases"].push_back(escape_bytes(database));
    }
    return Ok{};
  }

  std::string source_, from_, base_;
  WarmCopy copy_;
  bool finish_ = false;
  std::unique_ptr<Files> files_ = posix_files();
};

}  // namespace

std::unique_ptr<Verb> make_ship_verb() {
  return std::make_unique<ShipVerb>();
}

}  // namespace stillframe::ese::tool
