// exec, hold, gate: somebody else's program under a set, inside a hold, or behind the interlock.
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/base/posix_error.hpp"
#include "framework/base/sha256.hpp"
#include "framework/io/file.hpp"
#include "framework/model/enum_names.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "requestor/cli/context.hpp"
#include "requestor/cli/run_command.hpp"
#include "requestor/cli/timeline.hpp"

namespace stillframe::cli {
namespace {

constexpr std::size_t kManifestBytesMax = std::size_t{1} << 30;
constexpr auto kReplaceBadText = nlohmann::json::error_handler_t::replace;

// What a script wants to know of a command that ran under a set or inside a hold: on standard
// output behind what the command wrote, or in a file of its own.
Status report_run(Context& context, int command_status, const Evidence& evidence) {
  const nlohmann::json report = {{"command_status", command_status},
                                 {"consistency", enum_name(evidence.label)},
                                 {"hold_ns", hold_length(evidence).count()},
                                 {"evidence", encode_json(evidence)}};
  if (context.terminal.json()) context.terminal.print_json(report);
  const BytePath& file = context.invocation.exec.evidence;
  if (file.empty()) return Ok{};
  return write_file_durably(file, report.dump(2, ' ', false, kReplaceBadText) + "\n", 0644);
}

// The backup that a foreign tool makes: nothing is completed, and so nothing truncated, unless the
// tool wrote a manifest that stands for its durable data.
class Exec {
 public:
  Exec(Context& context, BackupSession& session) : context_(context), session_(session) {}

  Result<int> run() {
    const ExecVerbOptions& options = context_.invocation.exec;
    if (Status s = make_set(); !s.ok()) return s.error();
    CommandOptions command;
    command.command = context_.invocation.command;
    command.environment = snapshot_environment(set_);
    if (!options.manifest.empty()) {
      command.environment.emplace_back("STILLFRAME_MANIFEST", options.manifest);
      if (Status s = remove_file(options.manifest); !s.ok()) return s.error();
    }
    if (options.in_place) {
      for (const SnapshotInfo& snapshot : set_.snapshots) {
        command.in_place.push_back({snapshot.root, snapshot.volume.mount_point});
      }
    }
    auto status = run_command(command, context_.stop);
    if (!status.ok()) return status.error();
    if (Status s = finish(status.value()); !s.ok()) return s.error();
    return status;
  }

  const SnapshotSetResult& set() const { return set_; }

 private:
  Status make_set() {
    if (Status s = prepare_selection(context_, session_); !s.ok()) return s;
    auto set = session_.create_snapshots(snapshot_options_of(context_.invocation));
    if (!set.ok()) return set.error();
    set_ = std::move(set).value();
    for (const std::string& line : consistency_lines(set_.evidence))
      context_.terminal.verbose(line);
    return Ok{};
  }

  // A copy without a manifest promises nothing to anybody. Its session ends without a completion,
  // and is not aborted: everything went as it should.
  Status finish(int status) {
    const BytePath& manifest = context_.invocation.exec.manifest;
    Status completed = Ok{};
    if (status != 0) {
      completed = session_.abort(fmt::format("the command ended with {}", status));
    } else if (!manifest.empty()) {
      completed = complete(manifest);
    }
    auto ended = session_.end();
    if (ended.ok()) set_.evidence = std::move(ended).value();
    if (!completed.ok()) return completed;
    return ended.ok() ? Status(Ok{}) : Status(ended.error());
  }

  Status complete(const BytePath& path) {
    auto content = read_file(path, kManifestBytesMax);
    if (!content.ok()) {
      return content.error().while_doing("the command promised a manifest and wrote none");
    }
    if (content.value().empty()) {
      return Error(Errc::truncated, "the command left an empty manifest; nothing was truncated");
    }
    auto document = session_.document();
    if (!document.ok()) return document.error();
    Receipt receipt;
    receipt.backup = document.value().backup;
    receipt.session = document.value().session;
    receipt.set = document.value().set;
    receipt.manifest_sha256 = sha256_hex(content.value());
    receipt.published = system_clock().wall_now();
    std::vector<ComponentResult> results;
    for (const BackupComponent& component : document.value().components) {
      results.push_back({component.writer_class, component.instance_name, component.name, true});
    }
    auto completed = session_.complete(receipt, results);
    return completed.ok() ? Status(Ok{}) : Status(completed.error());
  }

  Context& context_;
  BackupSession& session_;
  SnapshotSetResult set_;
};

}  // namespace

int verb_exec(Context& context) {
  const ExecVerbOptions& options = context.invocation.exec;
  if (options.type != BackupType::copy && options.manifest.empty()) {
    return context.terminal.fail(Error(
        Errc::invalid_argument,
        "a " + std::string(enum_name(options.type)) +
            " backup lets writers truncate their logs, which needs proof that the command's data "
            "is durable: name the manifest it writes with --manifest, or use --type copy"));
  }
  if (options.in_place && geteuid() != 0) {
    return context.terminal.fail(
        Error(Errc::access_denied, "--in-place needs root for its mount namespace"));
  }
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto session =
      connected.value().client.begin_backup(backup_options_of(context.invocation, options.type));
  if (!session.ok()) return context.terminal.fail(session.error());
  Exec exec(context, session.value());
  auto status = exec.run();
  if (!status.ok()) return context.terminal.fail(status.error());
  Status told = report_run(context, status.value(), exec.set().evidence);
  if (!told.ok()) return context.terminal.fail(told.error());
  const bool wanted = !context.invocation.selection.no_writers;
  const bool degraded = wanted && exec.set().evidence.label > Consistency::application_asserted;
  if (degraded) {
    context.terminal.warning("the set was " + std::string(enum_name(exec.set().evidence.label)) +
                             ": " + exec.set().evidence.reason);
  }
  if (status.value() != 0) return status.value();
  return to_int(degraded ? Exit::degraded : Exit::ok);
}

int verb_hold(Context& context) {
  if (context.invocation.selection.no_writers) {
    return context.terminal.fail(
        Error(Errc::invalid_argument, "with --no-writers nobody is there to hold"));
  }
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto selectors = selectors_of(context.invocation.selection);
  if (!selectors.ok()) return context.terminal.fail(selectors.error());
  Status ran = Ok{};
  const auto while_held = [&](Deadline deadline) {
    CommandOptions command;
    command.command = context.invocation.command;
    command.kill_at = deadline;
    auto status = run_command(command, context.stop);
    if (!status.ok()) ran = status.error();
    return status.ok() ? status.value() : kNotFoundStatus;
  };
  auto held = connected.value().client.hold(backup_options_of(context.invocation, BackupType::copy),
                                            selectors.value(), while_held);
  // A command that was killed at the end of the hold is the reason of whatever followed.
  if (!held.ok()) return context.terminal.fail(ran.ok() ? held.error() : ran.error());
  const Evidence& evidence = held.value().evidence;
  Status told = report_run(context, held.value().command_status, evidence);
  if (!told.ok()) return context.terminal.fail(told.error());
  context.terminal.note("held for " + milliseconds_text(hold_length(evidence)));
  for (const std::string& line : consistency_lines(evidence)) context.terminal.verbose(line);
  if (!ran.ok()) return context.terminal.fail(ran.error());
  for (const ComponentEvidence& component : evidence.components) {
    if (!component.hold || component.hold->unbroken) continue;
    return context.terminal.fail(
        Error(Errc::hold_broken,
              component.instance_name + " did not hold: " + component.hold->broken_because));
  }
  return held.value().command_status;
}

int verb_gate(Context& context) {
  const BytePath& folder = context.invocation.argument;
  if (context.invocation.command.empty()) {
    return context.terminal.fail(Error(Errc::invalid_argument, "no command; put it after --"));
  }
  Status gate = startup_gate(folder);
  if (!gate.ok()) return context.terminal.fail(gate.error());
  std::vector<char*> arguments;
  for (const auto& argument : context.invocation.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  // In place of us, so that a service manager sees the program itself.
  execvp(arguments[0], arguments.data());
  return context.terminal.fail(posix_error(errno, "run", arguments[0]));
}

}  // namespace stillframe::cli
