#include <filesystem>

#include "writers/ese/backup/directory_backup.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/tool/instance_at_rest.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

class BackupVerb final : public Verb {
 public:
  const char* name() const override { return "backup"; }
  const char* summary() const override {
    return "Back up databases that nobody uses, with their logs, into a folder";
  }
  const char* examples() const override {
    return "  esectl backup /srv/logs --to /backup/monday\n"
           "  esectl backup /srv/logs --to /backup/monday --incremental\n"
           "  esectl backup /srv/logs --to /backup/latest --atomic --create-path "
           "--database /srv/db/mail.edb";
  }
  void describe(CLI::App& command) override {
    command.add_option("folder", asked_.logs, "The folder with the logs")->required();
    command.add_option("--to", how_.directory, "The folder of the backup")->required();
    command.add_option("--base", asked_.base, "The base name of the logs, such as edb");
    command.add_option("--system", asked_.system, "The folder of the checkpoint, if another one");
    command.add_option("--database", asked_.databases,
                       "A database, instead of those that the logs and their folder know");
    command.add_flag("--incremental", incremental_,
                     "Add the logs since the last backup to the set that is there");
    command.add_flag("--atomic", how_.atomic, "Keep the set that is there until this one is whole");
    command.add_flag("--create-path", how_.create_path, "Make the folder if it is not there");
  }

  Result<Exit> run(Output& output) override {
    how_.directory = std::filesystem::absolute(how_.directory).lexically_normal();
    how_.contents = incremental_ ? BackupContents::logs_only : BackupContents::full;
    how_.progress = [&output](ProgressStep, int percent) {
      output.progress("backing up", static_cast<std::uint64_t>(percent), 100);
    };
    auto started = StartedInstance::start(*files_, asked_);
    if (!started.ok()) return started.error();
    Instance& instance = started.value().instance();
    Json answer{{"contents", incremental_ ? "incremental" : "full"},
                {"folder", escape_bytes(how_.directory)},
                {"recovered", started.value().recovered()},
                {"databases", Json::array()}};
    Status done = back_up(instance, answer);
    output.progress_done();
    // Whatever became of the backup, the databases are shut down as they were found or better.
    const Status stopped = instance.stop();
    if (!done.ok()) return done.error();
    if (!stopped.ok()) return stopped.error();
    if (Status s = add_logs(instance, answer); !s.ok()) return s.error();
    output.show(answer);
    return Exit::ok;
  }

 private:
  Status back_up(Instance& instance, Json& answer) {
    {
      const auto hold = instance.hold_for_backup();
      if (!hold.ok()) return hold.error();
      for (const InstanceDatabase* database : hold.value().databases()) {
        answer["databases"].push_back(escape_bytes(database->path()));
      }
    }
    StreamingBackup backup(instance);
    return back_up_to_directory(backup, how_);
  }

  // Of the whole set, as it is now.
  Status add_logs(const Instance& instance, Json& answer) {
    for (const char* part : {"", "/new", "/old"}) {
      const auto logs = archived_logs(*files_, how_.directory + part, instance.options().base);
      if (!logs.ok() || logs.value().empty()) continue;
      answer["set"] = escape_bytes(how_.directory + part);
      answer["first_log"] = static_cast<int>(logs.value().begin()->first);
      answer["last_log"] = static_cast<int>(logs.value().rbegin()->first);
      return Ok{};
    }
    return Error(Errc::internal, "the backup is made, and has no logs");
  }

  RestingInstance asked_;
  DirectoryBackup how_;
  bool incremental_ = false;
  std::unique_ptr<Files> files_ = posix_files();
};

}  // namespace

std::unique_ptr<Verb> make_backup_verb() {
  return std::make_unique<BackupVerb>();
}

}  // namespace stillframe::ese::tool
