// restore, restore resume, restore abandon
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/model/enum_names.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "requestor/cli/context.hpp"
#include "requestor/restore/orphan.hpp"
#include "requestor/restore/restore_run.hpp"

namespace stillframe::cli {
namespace {

using nlohmann::json;
using requestor::RestoreRequest;

// "A=B"; the first '=' divides.
Result<std::pair<std::string, std::string>> split_pair(const std::string& text,
                                                       const char* option) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return Error(Errc::invalid_argument,
                 std::string(option) + " wants A=B, not '" + escape_path(text) + "'");
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

ComponentName component_name(const std::string& full) {
  const auto slash = full.rfind('/');
  if (slash == std::string::npos) return {"", full};
  return {full.substr(0, slash), full.substr(slash + 1)};
}

Status read_lists(const RestoreVerbOptions& options, RestoreRequest& request) {
  for (const std::string& text : options.moves) {
    auto move = split_pair(text, "--map");
    if (!move.ok()) return move.error();
    request.moves.emplace_back(tidy_path(move.value().first), tidy_path(move.value().second));
  }
  for (const std::string& text : options.only) {
    auto only = split_pair(text, "--only");
    if (!only.ok()) return only.error();
    request.subcomponents.emplace_back(only.value().first, component_name(only.value().second));
  }
  if (options.roll_forward.empty()) return Ok{};
  auto kind = parse_enum<RollForward>(options.roll_forward);
  if (!kind.ok()) return kind.error().while_doing("--roll-forward");
  request.roll_forward = kind.value();
  return Ok{};
}

requestor::ServiceCommand service_command_of(const GlobalOptions& global) {
  requestor::ServiceCommand command;
  if (!global.service_command.empty()) command.command = global.service_command;
  command.timeout = global.service_timeout;
  return command;
}

BytePath pending_folder(const GlobalOptions& global) {
  return global.state_dir.empty() ? requestor::default_pending_folder()
                                  : join_path(global.state_dir, "pending-restores");
}

Result<RestoreRequest> request_of(const Invocation& invocation) {
  const RestoreVerbOptions& options = invocation.restore;
  RestoreRequest request;
  request.set = tidy_path(options.set);
  request.components = invocation.selection.components;
  request.writer_options = invocation.selection.writer_options;
  request.files = options.files;
  if (!options.into.empty()) {
    request.into = tidy_path(std::filesystem::absolute(options.into).string());
    if (options.files.empty()) {
      return Error(Errc::invalid_argument, "--into is for files that --file chooses");
    }
  }
  request.target_instance = options.instance;
  request.authoritative = options.authoritative;
  request.additional_restores = options.more_follow;
  request.roll_forward_point = options.point;
  request.restore_name = options.name;
  request.keep_old_files = options.keep_old;
  request.simulate = options.simulate;
  request.options.authority_token = options.token;
  request.options.wait_start = options.wait_start;
  if (options.authority_expires) {
    std::int64_t seconds = 0;
    const std::string& text = *options.authority_expires;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
      return Error(Errc::invalid_argument, "--expires wants seconds since 1970");
    }
    request.options.expires = WallTime(std::chrono::seconds(seconds));
  }
  request.services = requestor::service_control(service_command_of(invocation.global));
  if (options.no_services) {
    request.services = [](const std::string&, bool) { return Status(Ok{}); };
  }
  request.pending = pending_folder(invocation.global);
  if (Status s = read_lists(options, request); !s.ok()) return s.error();
  return request;
}

void print_plan(Context& context, const requestor::RestoreOutcome& outcome) {
  json list = json::array();
  for (const auto& plan : outcome.plan) {
    json files = json::array();
    for (const auto& [from, to] : plan.files) {
      files.push_back({{"from", escape_path(from)}, {"to", escape_path(to)}});
      if (!context.terminal.json()) {
        context.terminal.print(plan.component + ": " + escape_path(from) + " -> " +
                               escape_path(to));
      }
    }
    if (!plan.problem.empty() && !context.terminal.json()) {
      context.terminal.print(plan.component + ": cannot be restored: " + plan.problem);
    }
    list.push_back(
        {{"component", plan.component}, {"problem", plan.problem}, {"files", std::move(files)}});
  }
  if (context.terminal.json()) context.terminal.print_json({{"plan", std::move(list)}});
}

void print_outcome(Context& context, const requestor::RestoreOutcome& outcome) {
  if (context.terminal.json()) {
    context.terminal.print_json({{"report", encode_json(outcome.report)},
                                 {"remarks", outcome.remarks},
                                 {"waits_for_boot", outcome.waits_for_boot},
                                 {"wants_reboot", outcome.wants_reboot}});
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"WRITER", "COMPONENT", "FILES", "BYTES", "STATE", "MESSAGE"}};
  for (const RestoredComponent& component : outcome.report.components) {
    rows.push_back({component.instance_name, component.name.full(), std::to_string(component.files),
                    bytes_text(component.bytes), std::string(enum_name(component.status)),
                    component.message});
  }
  context.terminal.print_table(rows);
  for (const std::string& remark : outcome.remarks) context.terminal.note(remark);
  context.terminal.note("outcome: " + outcome.report.outcome);
  if (outcome.waits_for_boot) {
    context.terminal.note(
        "files wait for the next boot; stillframe restore finish-staged --list "
        "shows them, stillframe restore abandon takes them back");
  } else if (outcome.wants_reboot) {
    context.terminal.note("a writer asks for a reboot now");
  }
}

int extract(Context& context) {
  const RestoreVerbOptions& options = context.invocation.restore;
  auto extracted = requestor::extract_set(options.set, options.extract_to, context.terminal,
                                          context.stop, options.files);
  if (!extracted.ok()) return context.terminal.fail(extracted.error());
  if (context.terminal.json()) {
    context.terminal.print_json(
        {{"files", extracted.value().files}, {"bytes", extracted.value().bytes}});
  }
  context.terminal.note(fmt::format("{} files, {} below {}", extracted.value().files,
                                    bytes_text(extracted.value().bytes),
                                    escape_path(options.extract_to)));
  return to_int(Exit::ok);
}

int print_orphan(Context& context, const Result<requestor::OrphanOutcome>& outcome) {
  if (!outcome.ok()) return context.terminal.fail(outcome.error());
  if (context.terminal.json()) {
    context.terminal.print_json({{"target", outcome.value().target},
                                 {"files", outcome.value().files},
                                 {"may_start", outcome.value().may_start}});
  }
  context.terminal.note(outcome.value().may_start
                            ? "the target may be started"
                            : "the old files are back; the target starts again after a new "
                              "restore, or after restore abandon --allow-start");
  return to_int(Exit::ok);
}

// `done` in place of the state, for a verb that ends all of them alike.
int print_staged(Context& context, const std::vector<requestor::StagedRestore>& restores,
                 const std::string& done) {
  json list = json::array();
  std::vector<std::vector<std::string>> rows{{"TARGET", "FILES", "STATE", "PROBLEM"}};
  Exit exit = Exit::ok;
  for (const requestor::StagedRestore& restore : restores) {
    const std::string state =
        done.empty() ? std::string(requestor::to_string(restore.state)) : done;
    list.push_back({{"name", escape_path(restore.name)},
                    {"target", restore.target},
                    {"files", restore.files},
                    {"state", state},
                    {"problem", restore.problem}});
    rows.push_back({restore.target, std::to_string(restore.files), state, restore.problem});
    const bool waits = restore.state == requestor::StagedState::waiting;
    if (waits && exit == Exit::ok) exit = Exit::waiting_for_start;
    const bool bad = restore.state == requestor::StagedState::failed ||
                     restore.state == requestor::StagedState::incomplete;
    if (bad) exit = Exit::writer_failed;
  }
  if (context.terminal.json()) {
    context.terminal.print_json({{"restores", std::move(list)}});
  } else {
    context.terminal.print_table(rows);
  }
  return to_int(exit);
}

}  // namespace

int verb_restore(Context& context) {
  // Not a required positional: "restore resume TARGET" has none.
  if (context.invocation.restore.set.empty()) {
    return context.terminal.fail(
        Error(Errc::invalid_argument, "say which backup set: stillframe restore SET"));
  }
  if (!context.invocation.restore.extract_to.empty()) return extract(context);
  auto request = request_of(context.invocation);
  if (!request.ok()) return context.terminal.fail(request.error());
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto outcome = requestor::run_restore(connected.value().client, request.value(), context.terminal,
                                        context.stop);
  if (!outcome.ok()) return context.terminal.fail(outcome.error());
  if (request.value().simulate) {
    print_plan(context, outcome.value());
  } else {
    print_outcome(context, outcome.value());
  }
  if (!outcome.value().finish.ok()) return context.terminal.fail(outcome.value().finish.error());
  const bool waits =
      outcome.value().waits_for_boot || outcome.value().report.outcome == "waiting_for_start";
  return to_int(waits ? Exit::waiting_for_start : Exit::ok);
}

int verb_restore_resume(Context& context) {
  return print_orphan(context, requestor::resume_restore(tidy_path(context.invocation.restore.set),
                                                         context.terminal));
}

int verb_restore_abandon(Context& context) {
  const RestoreVerbOptions& options = context.invocation.restore;
  auto abandoned = requestor::abandon_restore(tidy_path(options.set), options.allow_start);
  const bool none = !abandoned.ok() && abandoned.error().code() == Errc::not_found;
  const BytePath pending = pending_folder(context.invocation.global);
  if (!none || !exists(pending)) return print_orphan(context, abandoned);
  auto taken_back = requestor::abandon_staged(pending, tidy_path(options.set));
  if (taken_back.ok()) return print_staged(context, taken_back.value(), "taken back");
  const bool nothing = taken_back.error().code() == Errc::not_found;
  return nothing ? print_orphan(context, abandoned) : context.terminal.fail(taken_back.error());
}

int verb_restore_finish_staged(Context& context) {
  const RestoreVerbOptions& options = context.invocation.restore;
  requestor::FinishRequest request;
  request.pending = pending_folder(context.invocation.global);
  request.now = options.now;
  request.look = options.list;
  if (!exists(request.pending)) return print_staged(context, {}, "");  // nothing ever waited
  auto restores = requestor::finish_staged(request);
  if (!restores.ok()) return context.terminal.fail(restores.error());
  return print_staged(context, restores.value(), "");
}

}  // namespace stillframe::cli
