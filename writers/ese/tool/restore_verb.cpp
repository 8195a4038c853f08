#include <filesystem>
#include <set>

#include "writers/ese/backup/directory_restore.hpp"
#include "writers/ese/backup/set_databases.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"
#include "writers/ese/tool/instance_at_rest.hpp"
#include "writers/ese/tool/restore_decision.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

std::string place_of(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

class RestoreVerb final : public Verb {
 public:
  const char* name() const override { return "restore"; }
  const char* summary() const override {
    return "Bring databases back from a backup in a folder, and roll them forward; or decide about "
           "a registered restore that keeps an instance from starting";
  }
  const char* examples() const override {
    return "  esectl restore /backup/monday --logs /srv/logs\n"
           "  esectl restore /backup/monday --to /srv/try --create-path\n"
           "  esectl restore /backup/monday --logs /srv/logs --map mail.edb=/srv/new/mail.edb\n"
           "  esectl restore resume /srv/logs    # all files are in place: the next start "
           "recovers\n"
           "  esectl restore abandon /srv/logs   # forget it; what was copied cannot be recovered";
  }
  void describe(CLI::App& command) override {
    command.add_option("set", how_.directory, "The folder of the backup; or resume or abandon")
        ->required();
    command.add_option("folder", decided_, "The folder of logs that resume and abandon are about");
    command.add_option("--to", how_.destination,
                       "The folder of all databases; where they were if not given");
    command.add_option("--map", maps_,
                       "Only this database, by its logged path or name: NAME=FILE, or NAME for "
                       "where it would be otherwise");
    command.add_option("--logs", instance_.logs,
                       "The folder for logs, whose newer logs are replayed; that of --to if not "
                       "given");
    command.add_option("--system", instance_.system,
                       "The folder of the checkpoint, if another one");
    command.add_option("--base", instance_.base, "The base name of the logs, such as edb");
    command.add_flag("--create-path", create_path_, "Make folders that are not there");
  }

  Result<Exit> run(Output& output) override {
    const bool decision = is_restore_decision(how_.directory);
    if (decision != !decided_.empty()) {
      return Error(Errc::invalid_argument,
                   "a second folder belongs to resume and abandon, and to nothing else");
    }
    if (decision) return decide_restore(output, how_.directory, decided_);
    if (Status s = prepare(output); !s.ok()) return s.error();
    const auto restored = restore_from_directory(*files_, instance_, how_);
    output.progress_done();
    if (!restored.ok()) return restored.error();
    Json databases = Json::array();
    for (const PlannedDatabase& each : restored.value().recovery.plan.databases) {
      if (each.file.empty()) continue;  // not one of those to be restored
      databases.push_back(
          {{"logged_path", escape_bytes(each.logged_path)}, {"file", escape_bytes(each.file)}});
    }
    output.show(Json{{"databases", std::move(databases)},
                     {"first_log", static_cast<int>(restored.value().low)},
                     {"last_log", static_cast<int>(restored.value().high)},
                     {"rolled_forward_to", static_cast<int>(restored.value().recovery.plan.last)},
                     {"records", restored.value().recovery.counts.records},
                     {"undone", restored.value().recovery.counts.undone}});
    return Exit::ok;
  }

 private:
  Status prepare(Output& output) {
    if (instance_.logs.empty() && how_.destination.empty()) {
      return Error(Errc::invalid_argument,
                   "say where the logs of the databases are: --logs FOLDER, or --to FOLDER for a "
                   "restore elsewhere");
    }
    how_.directory = place_of(how_.directory);
    how_.destination = place_of(how_.destination);
    instance_.logs = instance_.logs.empty() ? how_.destination : place_of(instance_.logs);
    instance_.system = place_of(instance_.system);
    instance_.page_bytes = 0;
    instance_.clock = log_time_now;
    instance_.random = random_number;
    how_.without_markers = true;
    if (Status s = choose(); !s.ok()) return s;
    if (Status s = find_base(); !s.ok()) return s;
    if (Status s = take_folders(); !s.ok()) return s;
    if (Status s = check_no_restore(*files_, instance_.logs); !s.ok()) return s;
    how_.progress = [&output](ProgressStep, int percent) {
      output.progress("restoring", static_cast<std::uint64_t>(percent), 100);
    };
    how_.claim_place = [this](const BytePath& place) -> Status {
      if (!files_->exists(place)) return Ok{};
      auto lock = lock_at_rest(place);
      if (!lock.ok()) return lock.error();
      locks_.push_back(std::move(lock).value());
      return Ok{};
    };
    return Ok{};
  }

  Status choose() {
    for (const std::string& map : maps_) {
      const auto equals = map.find('=');
      const bool named = equals != 0 && equals + 1 != map.size();
      if (!named) return Error(Errc::invalid_argument, "--map takes NAME=FILE, not '" + map + "'");
      const bool placed = equals != std::string::npos;
      how_.chosen.push_back(
          {map.substr(0, equals), placed ? place_of(map.substr(equals + 1)) : ""});
    }
    return Ok{};
  }

  // An atomic set is in a folder of its own.
  Status find_base() {
    if (!instance_.base.empty()) return Ok{};
    auto base = base_of_finished_logs(*files_, how_.directory);
    for (const char* part : {"/new", "/old"}) {
      if (base.ok() || base.error().code() == Errc::invalid_argument) break;
      if (auto of_part = base_of_finished_logs(*files_, how_.directory + part); of_part.ok()) {
        base = std::move(of_part);
      }
    }
    if (!base.ok()) return base.error();
    instance_.base = base.value();
    return Ok{};
  }

  Status take_folders() {
    if (create_path_) {
      for (const BytePath& folder : {instance_.logs, instance_.system, how_.destination}) {
        if (folder.empty()) continue;
        if (Status s = files_->make_directory(folder); !s.ok()) return s;
      }
    }
    for (const BytePath& folder : std::set<BytePath>{instance_.logs, instance_.system}) {
      if (folder.empty() || !files_->exists(folder)) continue;
      auto lock = lock_at_rest(folder);
      if (!lock.ok()) return lock.error();
      locks_.push_back(std::move(lock).value());
    }
    return Ok{};
  }

  InstanceOptions instance_ = [] {
    InstanceOptions options;
    options.base.clear();
    return options;
  }();
  DirectoryRestore how_;
  std::string decided_;  // the folder of logs, for a decision
  std::vector<std::string> maps_;
  bool create_path_ = false;
  std::vector<PathLock> locks_;
  std::unique_ptr<Files> files_ = posix_files();
};

}  // namespace

std::unique_ptr<Verb> make_restore_verb() {
  return std::make_unique<RestoreVerb>();
}

}  // namespace stillframe::ese::tool
