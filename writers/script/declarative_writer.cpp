#include "writers/script/declarative_writer.hpp"

#include <optional>

#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/base/config.hpp"
#include "framework/base/trusted_file.hpp"
#include "framework/model/enum_names.hpp"
#include "writers/script/command_runner.hpp"
#include "writers/script/session_child.hpp"

namespace stillframe {

namespace {

using namespace script;

// For ABORT and END; a session that does not react is killed.
constexpr std::chrono::milliseconds kFinishGrace{500};

std::string lines_of(const std::vector<BackupComponent>& components, auto wanted) {
  std::string text;
  for (const BackupComponent& component : components) {
    if (wanted(component)) text += (text.empty() ? "" : "\n") + component.name.full();
  }
  return text;
}

Variables variables_for(const CallContext& call, const char* verb) {
  return {{"STILLFRAME_VERB", verb}, {"STILLFRAME_SESSION", call.session.to_string()}};
}

void add_set(Variables& variables, const SnapshotSetView& set) {
  variables.emplace_back("STILLFRAME_SET", set.set.to_string());
  std::string volumes;
  for (const VolumeInSet& volume : set.volumes) {
    volumes += (volumes.empty() ? "" : "\n") + escape_path(volume.mount_point) + "\t" +
               escape_path(volume.snapshot_root);
  }
  variables.emplace_back("STILLFRAME_VOLUMES", volumes);
}

void add_backup(Variables& variables, const BackupView& backup) {
  variables.emplace_back("STILLFRAME_BACKUP_TYPE", std::string(enum_name(backup.type)));
  variables.emplace_back("STILLFRAME_COMPONENTS",
                         lines_of(backup.components, [](const auto&) { return true; }));
}

class DeclarativeWriter final : public Writer {
 public:
  DeclarativeWriter(ScriptConfig config, CommandRunner runner)
      : config_(std::move(config)), runner_(std::move(runner)) {}

  WriterIdentity identity() const override { return config_.identity; }

  Result<WriterMetadata> identify(const CallContext&) override {
    WriterMetadata metadata;
    metadata.identity = config_.identity;
    metadata.restore = config_.restore;
    metadata.schema = config_.schema;
    metadata.components = config_.components;
    metadata.exclude = config_.exclude;
    metadata.exclude_from_snapshot = config_.exclude_from_snapshot;
    metadata.alternate_mappings = config_.alternate_mappings;
    return metadata;
  }

  Status prepare_backup(const CallContext& call, BackupView& backup) override {
    Variables variables = variables_for(call, "prepare_backup");
    add_backup(variables, backup);
    return runner_.run(config_.commands.prepare_backup, variables, config_.timeouts.prepare, call);
  }

  Status prepare_snapshot(const CallContext& call, const SnapshotSetView& set) override {
    release(true);  // of a session that never got its thaw
    holder_ = call.session;
    Variables variables = variables_for(call, "prepare_snapshot");
    add_set(variables, set);
    if (config_.commands.session.empty()) {
      return runner_.run(config_.commands.prepare_snapshot, variables, config_.timeouts.prepare,
                         call);
    }
    const Deadline deadline = deadline_for(call, config_.timeouts.prepare);
    auto session =
        SessionChild::start(runner_, config_.commands.session, variables, deadline, call.cancel);
    if (!session.ok()) return session.error();
    session_ = std::move(session).value();
    Status prepared = session_->ask("PREPARE " + set.set.to_string(), deadline, call.cancel);
    if (!prepared.ok()) session_.reset();
    return prepared;
  }

  Status freeze(const CallContext& call) override {
    said_.reset();
    held_from_.reset();
    thaw_owed_ = true;
    const Deadline deadline = deadline_for(call, config_.timeouts.freeze);
    if (!config_.commands.session.empty()) {
      if (!session_) {
        return Error(Errc::wrong_state, "freeze needs the session that prepare_snapshot starts");
      }
      if (Status s = session_->ask("FREEZE", deadline, call.cancel); !s.ok()) {
        session_.reset();
        return s;
      }
    } else if (Status s = runner_.run(config_.commands.freeze, variables_for(call, "freeze"),
                                      config_.timeouts.freeze, call);
               !s.ok()) {
      return s;
    }
    held_from_ = system_clock().now();
    return Ok{};
  }

  Result<HoldStatement> thaw(const CallContext& call) override {
    if (!thaw_owed_) {
      if (said_) return *said_;
      return statement_without_hold("it was not frozen");
    }
    thaw_owed_ = false;
    said_ = config_.commands.session.empty() ? thaw_by_command(call) : thaw_session(call);
    return *said_;
  }

  Status post_snapshot(const CallContext& call, const SnapshotSetView& set,
                       BackupView& backup) override {
    if (call.session == holder_) finish_session(false);
    Variables variables = variables_for(call, "post_snapshot");
    add_set(variables, set);
    add_backup(variables, backup);
    Status ran =
        runner_.run(config_.commands.post_snapshot, variables, config_.timeouts.post, call);
    return ran.ok() ? take_out_excluded(call, set) : ran;
  }

  Status backup_complete(const CallContext& call, const BackupView& backup,
                         const Receipt& receipt) override {
    Variables variables = variables_for(call, "backup_complete");
    add_backup(variables, backup);
    variables.emplace_back("STILLFRAME_BACKUP", receipt.backup.to_string());
    variables.emplace_back("STILLFRAME_MANIFEST_SHA256", receipt.manifest_sha256);
    variables.emplace_back("STILLFRAME_SUCCEEDED",
                           lines_of(backup.components, [](const auto& c) { return c.succeeded; }));
    return runner_.run(config_.commands.backup_complete, variables, config_.timeouts.post, call);
  }

  void abort(const CallContext& call) override {
    if (call.session == holder_) release(true);
    // Nobody is left to tell of a failure; the command's own log has it.
    (void)runner_.run(config_.commands.abort, variables_for(call, "abort"), config_.timeouts.post,
                      call);
  }

  // Of this session only: another may hold the application by now.
  void shutdown(const CallContext& call, const SetId& set) override {
    if (call.session == holder_) release(false);
    Variables variables = variables_for(call, "shutdown");
    variables.emplace_back("STILLFRAME_SET", set.to_string());
    (void)runner_.run(config_.commands.shutdown, variables, config_.timeouts.post, call);
  }

  Status pre_restore(const CallContext& call, RestoreView& restore) override {
    return runner_.run(config_.commands.pre_restore,
                       restore_variables(call, "pre_restore", restore), config_.timeouts.restore,
                       call);
  }

  Status restore_prepare(const CallContext&, const RestoreAuthority& authority) override {
    if (authority.expires != WallTime() && system_clock().wall_now() >= authority.expires) {
      return Error(Errc::access_denied, "the authority to restore has expired; ask for a new one");
    }
    if (authority.uid != 0 && authority.uid != static_cast<std::int64_t>(::geteuid())) {
      return Error(Errc::access_denied, "user " + std::to_string(authority.uid) +
                                            " may not restore '" + config_.identity.name +
                                            "'; root may");
    }
    return Ok{};
  }

  Result<std::vector<RestoreLocation>> restore_locations(const CallContext&,
                                                         const ComponentName& name) override {
    std::vector<RestoreLocation> places;
    for (const Component& component : config_.components) {
      if (component.name != name) continue;
      for (const FileSet& files : component.files) {
        const char* what = component.type == ComponentType::file_group ? "files"
                           : files.is_log                              ? "log"
                                                                       : "database";
        places.push_back({name, what, files.path});
      }
      return places;
    }
    return Error(Errc::not_found, "there is no component '" + name.full() + "'");
  }

  Status restore_register(const CallContext& call, const RestoreAuthority& authority,
                          const RestoreRegistration& registration) override {
    if (Status s = restore_prepare(call, authority); !s.ok()) return s;
    InterlockRecord record;
    record.session = call.session;
    record.target = config_.identity.name + ": " + registration.component.full();
    record.registration = registration;
    record.since = system_clock().wall_now();
    return register_interlock(config_.gate, record);
  }

  Status restore_complete(const CallContext&, const ComponentName&, const Status& copied) override {
    auto record = read_interlock(config_.gate);
    if (!record.ok()) return record.error();
    record.value().state =
        copied.ok() ? InterlockRecord::State::copied : InterlockRecord::State::failed;
    if (!copied.ok()) record.value().failure = copied.error().what();
    return update_interlock(config_.gate, record.value());
  }

  // What the commands do here is this application's recovery: after it the gate opens.
  Status post_restore(const CallContext& call, const RestoreView& restore) override {
    Status done =
        runner_.run(config_.commands.post_restore, restore_variables(call, "post_restore", restore),
                    config_.timeouts.restore, call);
    if (!done.ok() || config_.gate.empty()) return done;
    auto record = read_interlock(config_.gate);
    if (!record.ok())
      return record.error().code() == Errc::not_found ? Status(Ok{}) : record.error();
    if (record.value().state != InterlockRecord::State::copied) return Ok{};  // stays shut
    return remove_interlock(config_.gate);
  }

 private:
  // After the command: it may still need what is not worth keeping.
  Status take_out_excluded(const CallContext& call, const SnapshotSetView& set) const {
    if (config_.exclude_from_snapshot.empty()) return Ok{};
    auto out = take_out_of_snapshots(set, config_.exclude_from_snapshot);
    if (!out.ok()) return out.error();
    if (call.progress == nullptr) return Ok{};
    for (const std::string& note : out.value().notes) call.progress->report(0, 0, note);
    return Ok{};
  }

  static HoldStatement statement_without_hold(std::string why) {
    HoldStatement statement;
    statement.broken_because = std::move(why);
    return statement;
  }

  Variables restore_variables(const CallContext& call, const char* verb,
                              const RestoreView& restore) const {
    Variables variables = variables_for(call, verb);
    variables.emplace_back("STILLFRAME_BACKUP_TYPE", std::string(enum_name(restore.type)));
    variables.emplace_back("STILLFRAME_COMPONENTS",
                           lines_of(restore.components, [](const auto&) { return true; }));
    variables.emplace_back("STILLFRAME_RESTORED", lines_of(restore.components, [](const auto& c) {
                             return c.restore && c.restore->status == FileRestoreStatus::all;
                           }));
    return variables;
  }

  HoldStatement thaw_session(const CallContext&) {
    HoldStatement statement;
    if (!session_) return statement_without_hold("the session command did not freeze");
    // Before the order to let go is given: the hold is proven up to here and no further.
    statement.held_until = system_clock().now();
    auto answer = session_->thaw(Deadline(system_clock().now() + config_.timeouts.thaw));
    if (!held_from_) return statement_without_hold("the session command did not freeze");
    statement.held_from = *held_from_;
    if (!answer.ok()) {
      statement.broken_because = answer.error().what();
      session_.reset();
    } else if (answer.value().kind == SessionAnswer::Kind::broken) {
      statement.broken_because = "the session command says so: " + answer.value().reason;
    } else {
      statement.unbroken = true;
      if (answer.value().stall) statement.longest_stall = *answer.value().stall;
    }
    return statement;
  }

  HoldStatement thaw_by_command(const CallContext& call) {
    HoldStatement statement;
    statement.asserted_only = true;
    statement.held_until = system_clock().now();
    CallContext without_deadline = call;  // thawing late is better than not at all
    without_deadline.deadline = Deadline(BootTime());
    without_deadline.cancel = nullptr;
    Status thawed = runner_.run(config_.commands.thaw, variables_for(call, "thaw"),
                                config_.timeouts.thaw, without_deadline);
    if (config_.commands.freeze.empty()) {
      return statement_without_hold("this writer's file names neither session nor freeze command");
    }
    if (!held_from_) return statement_without_hold("the freeze command failed");
    statement.held_from = *held_from_;
    statement.unbroken = thawed.ok();
    if (!thawed.ok()) statement.broken_because = thawed.error().what();
    return statement;
  }

  void finish_session(bool aborted) {
    if (!session_) return;
    session_->finish(aborted, kFinishGrace);
    session_.reset();
  }

  // Nothing of ours may hold the application after this.
  void release(bool aborted) {
    if (thaw_owed_ && config_.commands.session.empty()) (void)thaw(CallContext{});
    if (thaw_owed_) {
      thaw_owed_ = false;
      said_ = statement_without_hold("the session was aborted before thaw");
    }
    finish_session(aborted);
  }

  const ScriptConfig config_;
  const CommandRunner runner_;
  SessionId holder_;  // that prepared last: what follows is its
  std::unique_ptr<SessionChild> session_;
  std::optional<BootTime> held_from_;
  bool thaw_owed_ = false;             // freeze() was called, thaw() was not yet
  std::optional<HoldStatement> said_;  // the last thaw's answer, for the next one that asks
};

}  // namespace

Result<std::unique_ptr<Writer>> make_declarative_writer(ScriptConfig config,
                                                        const DeclarativeWriterOptions& options) {
  auto runner = CommandRunner::create(config, options.trusted_owner);
  if (!runner.ok()) return runner.error();
  return std::unique_ptr<Writer>(
      new DeclarativeWriter(std::move(config), std::move(runner).value()));
}

Result<std::unique_ptr<Writer>> load_declarative_writer(const BytePath& path,
                                                        const DeclarativeWriterOptions& options) {
  auto text = read_trusted_file(path, options.trusted_owner, kConfigBytesMax);
  if (!text.ok()) return text.error();
  auto config = parse_script_config(text.value(), path);
  if (!config.ok()) return config.error();
  auto writer = make_declarative_writer(std::move(config).value(), options);
  if (!writer.ok()) return writer.error().while_doing(escape_path(path));
  return writer;
}

}  // namespace stillframe
