// backup, verify, show
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "framework/base/path.hpp"
#include "framework/model/enum_names.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "requestor/backup/backup_run.hpp"
#include "requestor/cli/context.hpp"
#include "requestor/cli/timeline.hpp"
#include "requestor/store/loaded_verifier.hpp"

namespace stillframe::cli {
namespace {

using nlohmann::json;
using requestor::BackupReport;
using requestor::BackupSet;

json component_json(const requestor::ComponentOutcome& outcome) {
  const requestor::ManifestComponent& component = outcome.component;
  json object = {{"writer", component.instance_name},
                 {"component", component.name.full()},
                 {"succeeded", component.succeeded},
                 {"consistency", enum_name(outcome.label)},
                 {"reason", outcome.reason}};
  if (!component.failure.empty()) object["failure"] = component.failure;
  return object;
}

void print_report(Context& context, const BackupReport& report) {
  Terminal& terminal = context.terminal;
  if (terminal.json()) {
    json components = json::array();
    for (const auto& outcome : report.components) components.push_back(component_json(outcome));
    json out = {{"set", escape_path(report.path)},
                {"backup", report.receipt.backup.to_string()},
                {"manifest_sha256", report.receipt.manifest_sha256},
                {"consistency", enum_name(report.evidence.label)},
                {"files", report.files},
                {"bytes", report.bytes},
                {"components", std::move(components)}};
    json& special = out["special_files"] = json::array();
    for (const auto& [path, kind] : report.special_files) {
      special.push_back({{"path", escape_path(path)}, {"kind", requestor::to_string(kind)}});
    }
    if (!report.finish.ok()) out["problem"] = report.finish.error().what();
    return terminal.print_json(out);
  }
  terminal.print(escape_path(report.path));
  terminal.note(fmt::format("{} files, {}, {}; hold {}", report.files, bytes_text(report.bytes),
                            enum_name(report.evidence.label),
                            milliseconds_text(hold_length(report.evidence))));
  for (const auto& outcome : report.components) {
    terminal.verbose(fmt::format("{}:{}: {} - {}", outcome.component.instance_name,
                                 outcome.component.name.full(), enum_name(outcome.label),
                                 outcome.reason));
  }
}

int exit_of(Context& context, const BackupReport& report) {
  if (!report.finish.ok()) {
    context.terminal.note("the set is published and complete as far as its manifest says");
    return context.terminal.fail(report.finish.error());
  }
  const bool degraded =
      !report.components.empty() && report.evidence.label > Consistency::application_asserted;
  return to_int(degraded ? Exit::degraded : Exit::ok);
}

int show_set(Context& context, const BackupSet& set) {
  const requestor::BackupManifest& manifest = set.manifest();
  auto outcome = set.outcome();
  auto evidence = outcome.ok() ? Result<Evidence>(outcome.value().evidence) : set.evidence();
  if (context.terminal.json()) {
    json out = json::parse(requestor::to_json(manifest), nullptr, false);
    out["outcome"] = outcome.ok() ? json(outcome.value().outcome) : json();
    if (evidence.ok()) out["evidence"] = encode_json(evidence.value());
    context.terminal.print_json(out);
    return to_int(Exit::ok);
  }
  Terminal& terminal = context.terminal;
  terminal.print(fmt::format("backup {} ({}) of {}, {}", manifest.backup.to_string(),
                             enum_name(manifest.type), manifest.host, time_text(manifest.created)));
  terminal.print(fmt::format("outcome: {}", outcome.ok() ? outcome.value().outcome
                                                         : "not recorded: the session was cut "
                                                           "off after publication"));
  if (evidence.ok()) {
    for (const std::string& line : consistency_lines(evidence.value())) terminal.print(line);
  }
  std::vector<std::vector<std::string>> rows{{"WRITER", "COMPONENT", "STATE", "BUILDS ON"}};
  for (const auto& component : manifest.components) {
    rows.push_back({component.instance_name, component.name.full(),
                    component.succeeded ? "complete" : "failed: " + component.failure,
                    component.base ? component.base->backup.to_string() : "-"});
  }
  terminal.print_table(rows);
  if (context.invocation.timeline && evidence.ok()) {
    for (const std::string& line : timeline_lines(evidence.value())) terminal.print(line);
  }
  return to_int(Exit::ok);
}

int list_store(Context& context, const BytePath& store) {
  auto sets = requestor::list_sets(store);
  if (!sets.ok()) return context.terminal.fail(sets.error());
  json list = json::array();
  std::vector<std::vector<std::string>> rows{{"SET", "TYPE", "CREATED", "COMPONENTS", "PROBLEM"}};
  for (const auto& listing : sets.value()) {
    const auto& manifest = listing.manifest;
    json item = {{"path", escape_path(listing.path)}, {"problem", listing.problem}};
    if (manifest) {
      item["backup"] = manifest->backup.to_string();
      item["type"] = enum_name(manifest->type);
      item["created_ns"] = manifest->created.since_epoch().count();
    }
    list.push_back(std::move(item));
    rows.push_back({escape_path(last_component(listing.path)),
                    manifest ? std::string(enum_name(manifest->type)) : "?",
                    manifest ? time_text(manifest->created) : "?",
                    manifest ? std::to_string(manifest->components.size()) : "?", listing.problem});
  }
  if (context.terminal.json()) {
    context.terminal.print_json({{"sets", std::move(list)}});
  } else {
    context.terminal.print_table(rows);
  }
  return to_int(Exit::ok);
}

bool is_set(const BytePath& folder) {
  struct stat info {};
  return stat((folder + "/" + std::string(requestor::kManifestName)).c_str(), &info) == 0;
}

}  // namespace

int verb_backup(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  const Invocation& invocation = context.invocation;
  requestor::BackupRequest request;
  request.store = tidy_path(invocation.backup.store);
  request.options = backup_options_of(invocation, invocation.backup.type);
  request.snapshot = snapshot_options_of(invocation);
  request.snapshot.extra_volumes.clear();  // the run adds them itself
  request.volumes = invocation.selection.volumes;
  request.prefer_streams = invocation.backup.streams;
  request.copy_threads = invocation.backup.threads;
  request.elsewhere = connected.value().connection.elsewhere.get();
  if (request.elsewhere != nullptr && !request.volumes.empty())
    context.terminal.warning(
        "the other machine's own exclude lists are not known here: its volumes "
        "are copied with what they would leave out");
  auto selectors = selectors_of(invocation.selection);
  if (!selectors.ok()) return context.terminal.fail(selectors.error());
  request.selectors = std::move(selectors).value();
  request.no_writers = invocation.selection.no_writers;
  std::vector<std::unique_ptr<Verifier>> verifiers;  // as long as the run
  for (const std::string& file : invocation.backup.verifiers) {
    auto verifier = requestor::load_verifier(file);
    if (!verifier.ok()) return context.terminal.fail(verifier.error());
    request.verifiers.push_back(verifier.value().get());
    verifiers.push_back(std::move(verifier).value());
  }
  auto report =
      requestor::run_backup(connected.value().client, request, context.terminal, context.stop);
  if (!report.ok()) return context.terminal.fail(report.error());
  print_report(context, report.value());
  return exit_of(context, report.value());
}

int verb_verify(Context& context) {
  auto set = BackupSet::open(tidy_path(context.invocation.argument));
  if (!set.ok()) return context.terminal.fail(set.error());
  requestor::SetVerifyOptions options;
  options.threads = context.invocation.backup.threads;
  std::atomic<std::uint64_t> done{0};
  std::uint64_t total = 0;
  for (const auto& file : set.value().manifest().files) total += file.size;
  options.progress = [&](std::uint64_t bytes) {
    context.terminal.progress("verify", "", done += bytes, total);
    return !context.stop.stop_requested();
  };
  auto verified = set.value().verify(options);
  if (!verified.ok()) return context.terminal.fail(verified.error());
  const auto& problems = verified.value().problems;
  if (context.terminal.json()) {
    json list = json::array();
    for (const auto& problem : problems) {
      list.push_back({{"path", escape_path(problem.path)},
                      {"code", to_string(problem.code)},
                      {"message", problem.message}});
    }
    context.terminal.print_json({{"files", verified.value().files},
                                 {"bytes", verified.value().bytes},
                                 {"problems", std::move(list)}});
  } else {
    for (const auto& problem : problems) {
      context.terminal.print(escape_path(problem.path) + ": " + problem.message);
    }
    context.terminal.note(
        fmt::format("{} files, {}: {}", verified.value().files, bytes_text(verified.value().bytes),
                    problems.empty() ? "all as they were published"
                                     : std::to_string(problems.size()) + " problems"));
  }
  return to_int(problems.empty() ? Exit::ok : Exit::damaged);
}

int verb_show(Context& context) {
  const BytePath path = tidy_path(context.invocation.argument);
  if (!is_set(path)) return list_store(context, path);
  auto set = BackupSet::open(path);
  if (!set.ok()) return context.terminal.fail(set.error());
  return show_set(context, set.value());
}

}  // namespace stillframe::cli
