#include "requestor/cli/parse.hpp"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>

#include "framework/model/enum_names.hpp"

namespace stillframe::cli {
namespace {

constexpr const char* kVersion = "0.1.0";

template <class Enum>
std::map<std::string, Enum> names_of() {
  std::map<std::string, Enum> names;
  for (const auto& row : enum_names(Enum{})) names.emplace(row.name, row.value);
  return names;
}

// Builds the grammar around one Invocation and remembers which verb was chosen.
class Grammar {
 public:
  Grammar() : app_("Application-consistent shadow copies", "stillframe") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", kVersion);
    app_.set_help_all_flag("--help-all", "Help for every verb");
    add_global_options();
    add_list_verbs();
    add_snapshot_verbs();
    add_backup_verbs();
    add_restore_verbs();
    add_command_verbs();
    add_completion();
  }

  CLI::App& app() { return app_; }
  Invocation& invocation() { return invocation_; }
  std::string shell;  // completion
  const std::map<const CLI::App*, std::vector<std::string>>& examples() const { return examples_; }

  // Milliseconds were read as numbers.
  void finish() {
    invocation_.global.wait_writers = seconds(wait_writers_);
    invocation_.global.timeout = seconds(timeout_);
    invocation_.restore.wait_start = seconds(wait_start_);
    invocation_.hold_limit = seconds(hold_limit_);
    invocation_.commit_limit = seconds(commit_limit_);
    invocation_.queue_wait = seconds(queue_wait_);
    for (const EventLevel level : {EventLevel::info, EventLevel::warning, EventLevel::error})
      if (to_string(level) == level_) invocation_.events.level = level;
  }

 private:
  static std::chrono::milliseconds seconds(double value) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(value * 1000));
  }

  void add_global_options() {
    GlobalOptions& global = invocation_.global;
    app_.add_flag("--json", global.json, "Print results as JSON");
    app_.add_flag("-q,--quiet", global.quiet, "No progress and no remarks");
    app_.add_flag("-v,--verbose", global.verbose, "Say more on standard error");
    app_.add_flag("--embedded", global.embedded,
                  "Be the coordinator, instead of talking to the daemon");
    app_.add_option("--socket", global.socket_dir, "The folder of the sockets")->type_name("DIR");
    app_.add_option("--host", global.host,
                    "Drive the coordinator of another machine, by its certificate's name")
        ->type_name("NAME[:PORT]");
    app_.add_option("--certificate", global.certificate, "With --host: our certificate, in PEM")
        ->type_name("FILE");
    app_.add_option("--key", global.key, "With --host: its private key")->type_name("FILE");
    app_.add_option("--ca", global.ca, "With --host: the authority of the other's certificate")
        ->type_name("FILE");
    app_.add_option("--wait-writers", wait_writers_,
                    "With --embedded: how long to wait for writers to connect")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 86400.0));
    app_.add_option("--expect", global.expect, "With --embedded: wait for this writer")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app_.add_option("--timeout", timeout_, "How long to try to connect to the daemon")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 86400.0));
    app_.add_option("--config", global.config, "Read options from this file")->type_name("FILE");
  }

  CLI::App* verb(CLI::App* parent, const std::string& name, const std::string& summary,
                 const std::vector<std::string>& examples) {
    CLI::App* sub = parent->add_subcommand(name, summary);
    sub->fallthrough();  // global options may come after the verb
    const std::string full = parent == &app_ ? name : parent->get_name() + " " + name;
    sub->callback([this, full, sub] {
      if (sub->get_subcommands().empty()) invocation_.verb = full;
    });
    std::string footer = "Examples:";
    for (const auto& example : examples) footer += "\n  " + example;
    sub->footer(footer);
    examples_[sub] = examples;
    return sub;
  }

  void add_selection(CLI::App* sub, bool with_snapshot_options) {
    SelectionOptions& selection = invocation_.selection;
    sub->add_option("-c,--component", selection.components,
                    "What to select: a component, a prefix ending in / or *; repeatable; "
                    "everything when absent")
        ->type_name("[WRITER:]NAME")
        ->allow_extra_args(false);
    if (!with_snapshot_options) return;
    sub->add_option("-x,--exclude", selection.exclude, "Leave this writer out; repeatable")
        ->type_name("WRITER")
        ->allow_extra_args(false);
    CLI::Option* const volume =
        sub->add_option("--volume", selection.volumes, "Also all of this volume; repeatable")
            ->type_name("PATH")
            ->allow_extra_args(false);
    sub->add_flag("--no-writers", selection.no_writers,
                  "Volumes only, crash-consistent: no writer is held")
        ->needs(volume);
    sub->add_option("--policy", selection.policy,
                    "When a component cannot be had application-consistently")
        ->type_name("POLICY")
        ->transform(CLI::CheckedTransformer(names_of<ConsistencyPolicy>()));
    sub->add_option("--provider", selection.provider, "Cut with this provider only")
        ->type_name("NAME");
    sub->add_option("--writer-options", selection.writer_options, "Handed to the writers as it is")
        ->type_name("TEXT");
    sub->add_option("--hold-limit", hold_limit_, "Longest hold of a writer")->type_name("SECONDS");
    sub->add_option("--commit-limit", commit_limit_, "Longest cut")->type_name("SECONDS");
    sub->add_option("--queue-wait", queue_wait_, "How long to wait for others on the same volume")
        ->type_name("SECONDS");
  }

  void add_evidence(CLI::App* sub) {
    sub->add_option("--evidence", invocation_.exec.evidence,
                    "Write what was proven, and how it went, to this file as JSON")
        ->type_name("FILE");
  }

  void add_attributes(CLI::App* sub) {
    SnapshotVerbOptions& snapshot = invocation_.snapshot;
    sub->add_flag("--differential", snapshot.differential, "Only copy-on-write will do");
    sub->add_flag("--clone", snapshot.clone, "Only a full copy will do");
    sub->add_flag("--no-auto-recovery", snapshot.no_auto_recovery,
                  "Writers may not write into the snapshot");
  }

  void add_list_verbs() {
    CLI::App* writers =
        verb(&app_, "writers", "List the writers and their state",
             {"stillframe writers", "stillframe writers --json", "stillframe writers --metadata"});
    writers->add_flag("--metadata", invocation_.metadata, "Everything they say, as JSON documents");
    CLI::App* components =
        verb(&app_, "components", "List what can be backed up and which files that is",
             {"stillframe components", "stillframe components -c orders:"});
    add_selection(components, false);
    verb(&app_, "providers", "List the providers that cut snapshots", {"stillframe providers"});
    verb(&app_, "volumes", "List the mounted volumes", {"stillframe volumes"});
    CLI::App* doctor =
        verb(&app_, "doctor", "Look for what would keep a backup from working, and say what to do",
             {"stillframe doctor", "stillframe doctor --json", "stillframe doctor --embedded",
              "stillframe doctor --socket /srv/sf/run --daemon-config /srv/sf/stillframe.toml"});
    doctor
        ->add_option("--daemon-config", invocation_.doctor.daemon_config,
                     "What a daemon that does not answer reads, unless it is the usual file")
        ->type_name("FILE");
    add_event_verbs();
    verb(&app_, "sessions", "List the backups and restores under way", {"stillframe sessions"});
    CLI::App* session = app_.add_subcommand("session", "Work on one session");
    session->require_subcommand(1)->fallthrough();
    CLI::App* end = verb(session, "end", "End somebody's stuck session by force",
                         {"stillframe session end 6f0e2f2c-6d3b-4c55-9a54-0f1f9f3b7a10"});
    end->add_option("SESSION", invocation_.argument, "Its id")->required();
    CLI::App* plugins =
        verb(&app_, "plugins", "List the plug-ins and declarative writers that the daemon runs",
             {"stillframe plugins", "stillframe plugins --json"});
    CLI::App* release =
        verb(plugins, "release", "Start one again that was given up after repeated crashes",
             {"stillframe plugins release shop"});
    release->add_option("NAME", invocation_.argument, "Its name")->required();
  }

  void add_event_verbs() {
    EventVerbOptions& options = invocation_.events;
    CLI::App* events =
        verb(&app_, "events", "Show what the daemon remembers of what happened",
             {"stillframe events --level warning", "stillframe events --follow --json",
              "stillframe events --session 6f0e2f2c-6d3b-4c55-9a54-0f1f9f3b7a10"});
    events->add_option("--session", options.session, "Of this session only")->type_name("ID");
    events->add_option("--level", level_, "This bad or worse: info, warning or error")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"info", "warning", "error"}));
    events->add_option("-n,--limit", options.limit, "At most so many, the latest")
        ->type_name("N")
        ->check(CLI::Range(1, 1000));
    events->add_flag("-f,--follow", options.follow, "Go on with what happens from now on");
    verb(&app_, "status", "Show how the daemon is and whether it holds anything",
         {"stillframe status", "stillframe status --json"});
    verb(&app_, "watch", "Watch sessions, holds and writers as they are",
         {"stillframe watch", "stillframe watch --json"});
  }

  void add_snapshot_verbs() {
    SnapshotVerbOptions& options = invocation_.snapshot;
    CLI::App* snapshot = app_.add_subcommand("snapshot", "Make and manage snapshots");
    snapshot->require_subcommand(1)->fallthrough();
    CLI::App* create =
        verb(snapshot, "create", "Make a persistent set",
             {"stillframe snapshot create -c orders:",
              "stillframe snapshot create --no-writers --volume /srv --env-file ids.sh"});
    add_selection(create, true);
    add_attributes(create);
    create->add_flag("--rollback", options.rollback, "To roll back to, rather than to back up");
    create
        ->add_option("--env-file", options.environment_file,
                     "Write the new ids there, as shell assignments")
        ->type_name("FILE");
    CLI::App* list = verb(snapshot, "list", "List snapshots",
                          {"stillframe snapshot list", "stillframe snapshot list /srv"});
    list->add_option("WHICH", options.id, "A snapshot, a set or a volume");
    CLI::App* show = verb(snapshot, "show", "Show a set, what was proven about it and how it went",
                          {"stillframe snapshot show /srv --timeline"});
    show->add_option("WHICH", options.id, "A snapshot, a set or a volume")->required();
    show->add_flag("--timeline", invocation_.timeline, "Draw the session and the hold");
    CLI::App* expose = verb(snapshot, "expose", "Make a snapshot visible in a folder",
                            {"stillframe snapshot expose ID /mnt/yesterday"});
    expose->add_option("SNAPSHOT", options.id, "Which")->required();
    expose->add_option("PLACE", options.place, "The folder")->required();
    expose->add_flag("--writable", options.writable, "Give up its being a faithful copy");
    CLI::App* unexpose = verb(snapshot, "unexpose", "Take that back",
                              {"stillframe snapshot unexpose /mnt/yesterday"});
    unexpose->add_option("SNAPSHOT", options.id, "Which, or where it is exposed")->required();
    CLI::App* remove = verb(snapshot, "delete", "Delete snapshots",
                            {"stillframe snapshot delete ID", "stillframe snapshot delete --all",
                             "stillframe snapshot delete /srv --oldest"});
    remove->add_option("WHICH", options.id, "A snapshot, a set or a volume");
    remove->add_flag("--all", options.all, "All there are");
    remove->add_flag("--oldest", options.oldest, "Of those meant, the oldest only");
    remove->add_flag("-y,--yes", options.yes, "Do not ask");
    CLI::App* revert = verb(snapshot, "revert", "Put a volume back to a snapshot",
                            {"stillframe snapshot revert ID --yes"});
    revert->add_option("SNAPSHOT", options.id, "Which")->required();
    revert->add_flag("--force", options.force, "Also when the volume is in use");
    revert->add_flag("-y,--yes", options.yes, "Do not ask");
  }

  void add_backup_verbs() {
    BackupVerbOptions& options = invocation_.backup;
    CLI::App* backup = verb(&app_, "backup", "Back up into a folder of backup sets",
                            {"stillframe backup /backups", "stillframe backup /backups -c orders:",
                             "stillframe backup /backups --type incremental --json"});
    backup->add_option("STORE", options.store, "The folder of backup sets")->required();
    backup->add_option("-t,--type", options.type, "What kind of backup")
        ->type_name("TYPE")
        ->transform(CLI::CheckedTransformer(names_of<BackupType>()));
    add_selection(backup, true);
    add_attributes(backup);
    backup->add_flag("--stream", options.streams,
                     "Let writers deliver their files themselves where they can");
    backup
        ->add_option("--verifier", options.verifiers,
                     "Have files checked, while they are copied, by this shared object; repeatable")
        ->type_name("FILE");
    backup->add_flag("--bootable", options.bootable, "Tell writers the system state is meant");
    backup->add_option("--chain-owner", options.chain_owner, "Who keeps this chain of backups")
        ->type_name("NAME");
    backup->add_option("-j,--jobs", options.threads, "Files copied at the same time")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    CLI::App* verify = verb(&app_, "verify", "Read a backup set again and compare every byte",
                            {"stillframe verify /backups/20261121T094512Z-3f2a8c11"});
    verify->add_option("SET", invocation_.argument, "Its folder")->required();
    verify->add_option("-j,--jobs", options.threads, "Files read at the same time")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    CLI::App* show = verb(&app_, "show", "Show a backup set, or list those of a store",
                          {"stillframe show /backups",
                           "stillframe show /backups/20261121T094512Z-3f2a8c11 --timeline"});
    show->add_option("PATH", invocation_.argument, "A set's folder, or a store's")->required();
    show->add_flag("--timeline", invocation_.timeline, "Draw the session and the hold");
  }

  void add_restore_verbs() {
    RestoreVerbOptions& options = invocation_.restore;
    CLI::App* restore = verb(
        &app_, "restore", "Restore from a backup set, with what it builds on",
        {"stillframe restore SET", "stillframe restore SET -c orders:db --map /srv/db=/srv/new",
         "stillframe restore SET --to /tmp/files", "stillframe restore SET --simulate",
         "stillframe restore SET --file 'reports/*.odt' --into /srv/rescue",
         "stillframe restore resume /srv/db/logs", "stillframe restore abandon /srv/db/logs",
         "stillframe restore finish-staged --list"});
    restore->add_option("SET", options.set, "Its folder");
    add_selection(restore, false);
    restore
        ->add_option("--to", options.extract_to,
                     "Only put the files below this folder; no writer is asked")
        ->type_name("DIR");
    restore->add_option("--map", options.moves, "Put files of folder FROM into TO; repeatable")
        ->type_name("FROM=TO")
        ->allow_extra_args(false);
    restore->add_option("--only", options.only, "Of this set of components only that member")
        ->type_name("HEAD=MEMBER")
        ->allow_extra_args(false);
    restore
        ->add_option("-f,--file", options.files,
                     "Only this file or folder, by its path in the volume or folder that was "
                     "backed up; with * and ?; repeatable")
        ->type_name("PATH")
        ->allow_extra_args(false);
    restore->add_option("--into", options.into, "Where files that were chosen go")
        ->type_name("DIR");
    restore->add_option("--instance", options.instance, "Into another instance of the writer")
        ->type_name("NAME");
    restore
        ->add_option("--writer-options", invocation_.selection.writer_options,
                     "Handed to the writers as it is")
        ->type_name("TEXT");
    restore->add_flag("--simulate", options.simulate, "Check everything, change nothing");
    restore->add_flag("--authoritative", options.authoritative, "This data wins over replicas");
    restore->add_flag("--more-follow", options.more_follow,
                      "Another restore comes after this one: recovery waits for it");
    restore->add_option("--roll-forward", options.roll_forward, "none, all or partial")
        ->type_name("HOW");
    restore->add_option("--point", options.point, "Where a partial roll-forward ends")
        ->type_name("TEXT");
    restore->add_option("--name", options.name, "Restore under another name")->type_name("NAME");
    restore->add_option("--token", options.token, "The authority to restore")->type_name("TEXT");
    restore->add_option("--expires", options.authority_expires, "Until when it is valid")
        ->type_name("SECONDS");
    restore->add_option("--wait-start", wait_start_, "How long to wait for the target to start")
        ->type_name("SECONDS");
    restore->add_flag("--keep-old", options.keep_old, "Keep the files that were moved aside");
    restore->add_flag("--no-services", options.no_services,
                      "Do not stop and start the services that writers name");
    CLI::App* resume = verb(restore, "resume", "Finish a restore whose requestor died",
                            {"stillframe restore resume /srv/db/logs"});
    resume->add_option("TARGET", options.set, "The folder with restore.env")->required();
    CLI::App* abandon = verb(restore, "abandon", "Take back a restore whose requestor died",
                             {"stillframe restore abandon /srv/db/logs"});
    abandon
        ->add_option("TARGET", options.set,
                     "The folder with restore.env, or whose files wait for the next boot")
        ->required();
    abandon->add_flag("--allow-start", options.allow_start,
                      "The target may go on with its old files");
    CLI::App* finish =
        verb(restore, "finish-staged", "Put files in place that wait for this boot",
             {"stillframe restore finish-staged", "stillframe restore finish-staged --list",
              "stillframe restore finish-staged --now"});
    finish->add_flag("--list", options.list, "Only say what waits");
    finish->add_flag("--now", options.now,
                     "Also what was staged since the last boot: its application must be stopped");
  }

  void add_command_verbs() {
    ExecVerbOptions& options = invocation_.exec;
    CLI::App* exec = verb(
        &app_, "exec", "Run a backup tool under a set: exec [...] -- COMMAND",
        {"stillframe exec -c orders: -- sh -c \"tar -C $STILLFRAME_SNAPSHOT_1_ROOT -cf t.tar .\"",
         "stillframe exec --in-place -- restic backup /srv",
         "stillframe exec --type full --manifest m.txt -- ./backup.sh"});
    add_selection(exec, true);
    add_attributes(exec);
    exec->add_flag("--in-place", options.in_place,
                   "The command sees the snapshots where the volumes are");
    exec->add_option("--manifest", options.manifest,
                     "The command writes this file when its data is durable")
        ->type_name("FILE");
    add_evidence(exec);
    exec->add_option("-t,--type", options.type, "Other than copy only with --manifest")
        ->type_name("TYPE")
        ->transform(CLI::CheckedTransformer(names_of<BackupType>()));
    CLI::App* hold =
        verb(&app_, "hold", "Hold the writers while a command cuts: hold [...] -- COMMAND",
             {"stillframe hold -- array-tool snapshot lun7"});
    add_selection(hold, true);
    add_evidence(hold);
    CLI::App* gate = verb(&app_, "gate",
                          "Start an application unless a restore is half done: "
                          "gate DIR -- COMMAND",
                          {"stillframe gate /srv/db -- /usr/bin/db --data /srv/db"});
    gate->add_option("DIR", invocation_.argument, "The folder with the interlock record")
        ->required();
  }

  void add_completion() {
    CLI::App* completion = verb(&app_, "completion", "Print a shell's completion script",
                                {"stillframe completion bash > /etc/bash_completion.d/stillframe"});
    completion->add_option("SHELL", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  CLI::App app_;
  Invocation invocation_;
  std::map<const CLI::App*, std::vector<std::string>> examples_;
  std::string level_ = "info";
  double wait_writers_ = 2, timeout_ = 5, wait_start_ = 0;
  double hold_limit_ = 0, commit_limit_ = 0, queue_wait_ = 600;
};

bool takes_command(const std::vector<std::string>& arguments) {
  // The first word that is no option; options with values may precede it, so all are looked at.
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& word) {
    return word == "exec" || word == "hold" || word == "gate";
  });
}

void describe(const CLI::App* app, const std::string& prefix, const Grammar& grammar,
              std::vector<VerbHelp>& all) {
  VerbHelp help;
  help.name = prefix;
  help.summary = app->get_description();
  help.usage = "stillframe" +
               (prefix.empty() ? std::string(" [options] VERB") : " " + prefix + " [options]");
  for (const CLI::Option* option : app->get_options()) {
    OptionHelp item{option->get_name(option->get_positional(), true),
                    option->get_items_expected_max() == 0 ? "" : option->get_type_name(),
                    option->get_description()};
    if (option->get_positional()) help.usage += " " + option->get_name(true);
    help.options.push_back(std::move(item));
  }
  const auto examples = grammar.examples().find(app);
  if (examples != grammar.examples().end()) help.examples = examples->second;
  all.push_back(std::move(help));
  for (const CLI::App* sub : app->get_subcommands(nullptr)) {
    describe(sub, prefix.empty() ? sub->get_name() : prefix + " " + sub->get_name(), grammar, all);
  }
}

}  // namespace

std::variant<Invocation, Answer> parse_command_line(const std::vector<std::string>& arguments) {
  Grammar grammar;
  std::vector<std::string> words = arguments;
  // What follows "--" is not ours to look at.
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes != words.end() && takes_command({words.begin(), dashes})) {
    grammar.invocation().command.assign(dashes + 1, words.end());
    words.erase(dashes, words.end());
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    grammar.app().parse(words);
  } catch (const CLI::CallForVersion&) {
    return Answer{std::string("stillframe ") + kVersion + "\n", false, 0};
  } catch (const CLI::CallForAllHelp&) {
    return Answer{grammar.app().help("", CLI::AppFormatMode::All), false, 0};
  } catch (const CLI::CallForHelp&) {
    const CLI::App* deepest = &grammar.app();
    while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
    return Answer{deepest->help(), false, 0};
  } catch (const CLI::ParseError& error) {
    return Answer{
        std::string("stillframe: ") + error.what() + "; stillframe VERB --help says how it goes\n",
        true, 2};
  }
  if (!grammar.shell.empty()) return Answer{completion_script(grammar.shell), false, 0};
  grammar.finish();
  return std::move(grammar.invocation());
}

std::vector<VerbHelp> describe_verbs() {
  Grammar grammar;
  std::vector<VerbHelp> all;
  describe(&grammar.app(), "", grammar, all);
  return all;
}

}  // namespace stillframe::cli
