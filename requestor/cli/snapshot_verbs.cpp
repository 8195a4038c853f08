// snapshot create|list|show|expose|unexpose|delete|revert
#include <algorithm>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "framework/model/enum_names.hpp"
#include "framework/wire/requestor_codec.hpp"
#include "requestor/cli/context.hpp"
#include "requestor/cli/timeline.hpp"

namespace stillframe::cli {
namespace {

void print_snapshots(Context& context, const std::vector<SnapshotInfo>& snapshots) {
  if (context.terminal.json()) {
    context.terminal.print_json({{"snapshots", encode_json(snapshots)}});
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"SNAPSHOT", "SET", "VOLUME", "PROVIDER", "CREATED", "AT", "STATE"}};
  for (const SnapshotInfo& snapshot : snapshots) {
    const BytePath& at = snapshot.exposed_at.empty() ? snapshot.root : snapshot.exposed_at;
    rows.push_back({snapshot.snapshot.to_string(), snapshot.set.to_string(),
                    escape_path(snapshot.volume.mount_point), snapshot.provider_name,
                    time_text(snapshot.created), escape_path(at),
                    snapshot.reason_unusable.empty() ? std::string(enum_name(snapshot.state))
                                                     : "unusable: " + snapshot.reason_unusable});
  }
  context.terminal.print_table(rows);
}

// The snapshots that a word on the command line means: a snapshot's id, a set's id, or a volume's
// mount point.
Result<std::vector<SnapshotInfo>> find_snapshots(Client& client, const std::string& word) {
  auto all = client.snapshots();
  if (!all.ok()) return all;
  std::vector<SnapshotInfo> found;
  for (SnapshotInfo& snapshot : all.value()) {
    const bool fits = snapshot.snapshot.to_string() == word || snapshot.set.to_string() == word ||
                      snapshot.volume.mount_point == word || snapshot.exposed_at == word;
    if (fits) found.push_back(std::move(snapshot));
  }
  if (!found.empty()) return found;
  return Error(Errc::not_found, "no snapshot, set or volume '" + escape_path(word) +
                                    "' is known; stillframe snapshot list shows them");
}

Result<SnapshotInfo> find_one(Client& client, const std::string& word) {
  auto found = find_snapshots(client, word);
  if (!found.ok()) return found.error();
  if (found.value().size() == 1) return std::move(found.value().front());
  return Error(Errc::invalid_argument, "'" + escape_path(word) + "' means " +
                                           std::to_string(found.value().size()) +
                                           " snapshots; give the id of one");
}

Status write_environment(const BytePath& path, const SnapshotSetResult& set) {
  std::ofstream out(path);
  for (const auto& [name, value] : snapshot_environment(set)) {
    std::string quoted;
    for (char c : value) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out << "export " << name << "='" << quoted << "'\n";
  }
  out.close();
  if (out) return Ok{};
  return Error(Errc::io, "cannot write '" + escape_path(path) + "'");
}

bool confirmed(Context& context, const std::string& question) {
  if (context.invocation.snapshot.yes) return true;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

// One session that leaves a persistent set behind.
Result<SnapshotSetResult> create(Context& context, Client& client) {
  auto session = client.begin_backup(backup_options_of(context.invocation, BackupType::copy));
  if (!session.ok()) return session.error();
  session.value().on_progress(
      [&](const std::string& phase, const std::string& who, std::uint64_t done,
          std::uint64_t total) { context.terminal.progress(phase, who, done, total); });
  if (Status s = prepare_selection(context, session.value()); !s.ok()) return s.error();
  SnapshotOptions options = snapshot_options_of(context.invocation);
  options.attributes.persistent = true;
  options.auto_release = false;
  auto set = session.value().create_snapshots(options);
  if (!set.ok()) return set;
  auto evidence = session.value().end();
  if (!evidence.ok()) {
    return evidence.error().while_doing("set " + set.value().set.to_string() +
                                        " was made, but its session did not end as it should");
  }
  set.value().evidence = std::move(evidence).value();
  return set;
}

}  // namespace

int verb_snapshot_create(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto set = create(context, connected.value().client);
  if (!set.ok()) return context.terminal.fail(set.error());
  if (!context.invocation.snapshot.environment_file.empty()) {
    Status wrote = write_environment(context.invocation.snapshot.environment_file, set.value());
    if (!wrote.ok()) return context.terminal.fail(wrote.error());
  }
  if (context.terminal.json()) {
    context.terminal.print_json({{"set", set.value().set.to_string()},
                                 {"consistency", enum_name(set.value().evidence.label)},
                                 {"reason", set.value().evidence.reason},
                                 {"snapshots", encode_json(set.value().snapshots)}});
  } else {
    print_snapshots(context, set.value().snapshots);
  }
  context.terminal.note(fmt::format("set {} is {}: {}", set.value().set.to_string(),
                                    enum_name(set.value().evidence.label),
                                    set.value().evidence.reason));
  const bool wanted_consistency = !context.invocation.selection.no_writers;
  const bool degraded =
      wanted_consistency && set.value().evidence.label > Consistency::application_asserted;
  return to_int(degraded ? Exit::degraded : Exit::ok);
}

int verb_snapshot_list(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  const std::string& word = context.invocation.snapshot.id;
  auto snapshots = word.empty() ? connected.value().client.snapshots()
                                : find_snapshots(connected.value().client, word);
  if (!snapshots.ok()) return context.terminal.fail(snapshots.error());
  print_snapshots(context, snapshots.value());
  return to_int(Exit::ok);
}

int verb_snapshot_show(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto snapshots = find_snapshots(connected.value().client, context.invocation.snapshot.id);
  if (!snapshots.ok()) return context.terminal.fail(snapshots.error());
  auto evidence = connected.value().client.snapshot_evidence(snapshots.value().front().set);
  if (context.terminal.json()) {
    nlohmann::json out = {{"snapshots", encode_json(snapshots.value())}};
    if (evidence.ok()) out["evidence"] = encode_json(evidence.value());
    context.terminal.print_json(out);
    return to_int(Exit::ok);
  }
  print_snapshots(context, snapshots.value());
  if (!evidence.ok()) return context.terminal.fail(evidence.error());
  for (const std::string& line : consistency_lines(evidence.value())) context.terminal.print(line);
  if (context.invocation.timeline) {
    for (const std::string& line : timeline_lines(evidence.value())) context.terminal.print(line);
  }
  return to_int(Exit::ok);
}

int verb_snapshot_expose(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  const SnapshotVerbOptions& options = context.invocation.snapshot;
  auto snapshot = find_one(connected.value().client, options.id);
  if (!snapshot.ok()) return context.terminal.fail(snapshot.error());
  if (options.writable) {
    Status writable = connected.value().client.make_writable(snapshot.value().snapshot);
    if (!writable.ok()) return context.terminal.fail(writable.error());
  }
  auto place = connected.value().client.expose_snapshot(snapshot.value().snapshot, options.place);
  if (!place.ok()) return context.terminal.fail(place.error());
  if (context.terminal.json()) {
    context.terminal.print_json({{"place", escape_path(place.value())}});
  } else {
    context.terminal.print(escape_path(place.value()));
  }
  return to_int(Exit::ok);
}

int verb_snapshot_unexpose(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto snapshot = find_one(connected.value().client, context.invocation.snapshot.id);
  if (!snapshot.ok()) return context.terminal.fail(snapshot.error());
  Status done = connected.value().client.unexpose_snapshot(snapshot.value().snapshot);
  if (!done.ok()) return context.terminal.fail(done.error());
  if (context.terminal.json()) {
    context.terminal.print_json({{"unexposed", snapshot.value().snapshot.to_string()}});
  }
  return to_int(Exit::ok);
}

int verb_snapshot_delete(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  const SnapshotVerbOptions& options = context.invocation.snapshot;
  if (options.id.empty() && !options.all) {
    return context.terminal.fail(
        Error(Errc::invalid_argument, "say which: a snapshot, set or volume, or --all"));
  }
  auto doomed = options.id.empty() ? connected.value().client.snapshots()
                                   : find_snapshots(connected.value().client, options.id);
  if (!doomed.ok()) return context.terminal.fail(doomed.error());
  if (options.oldest && !doomed.value().empty()) {
    auto& all = doomed.value();
    const auto oldest = std::min_element(
        all.begin(), all.end(),
        [](const SnapshotInfo& a, const SnapshotInfo& b) { return a.created < b.created; });
    all = {*oldest};
  }
  if (options.all &&
      !confirmed(context, fmt::format("delete {} snapshots?", doomed.value().size()))) {
    return context.terminal.fail(
        Error(Errc::cancelled, "nothing was deleted; answer y, or give --yes"));
  }
  // Each is tried: one that cannot go must not keep the rest.
  Status first = Ok{};
  std::size_t deleted = 0;
  nlohmann::json gone = nlohmann::json::array();
  for (const SnapshotInfo& snapshot : doomed.value()) {
    Status removed = connected.value().client.remove_snapshot(snapshot.snapshot);
    if (removed.ok()) ++deleted;
    if (removed.ok()) gone.push_back(snapshot.snapshot.to_string());
    if (!removed.ok() && first.ok()) {
      first = removed.error().while_doing("deleting snapshot " + snapshot.snapshot.to_string());
    }
  }
  context.terminal.note(fmt::format("{} snapshots deleted", deleted));
  if (!first.ok()) return context.terminal.fail(first.error());
  if (context.terminal.json()) context.terminal.print_json({{"deleted", std::move(gone)}});
  return to_int(Exit::ok);
}

int verb_snapshot_revert(Context& context) {
  auto connected = connect_client(context);
  if (!connected.ok()) return context.terminal.fail(connected.error());
  auto snapshot = find_one(connected.value().client, context.invocation.snapshot.id);
  if (!snapshot.ok()) return context.terminal.fail(snapshot.error());
  const std::string volume = escape_path(snapshot.value().volume.mount_point);
  if (!confirmed(context, "revert " + volume + " to " + time_text(snapshot.value().created) +
                              "? What was written since is lost.")) {
    return context.terminal.fail(
        Error(Errc::cancelled, "nothing was reverted; answer y, or give --yes"));
  }
  RevertOptions options;
  options.force = context.invocation.snapshot.force;
  Status done = connected.value().client.revert_snapshot(snapshot.value().snapshot, options);
  if (!done.ok()) return context.terminal.fail(done.error());
  if (context.terminal.json()) {
    context.terminal.print_json(
        {{"reverted", volume}, {"snapshot", snapshot.value().snapshot.to_string()}});
  }
  context.terminal.note(volume + " is as it was at " + time_text(snapshot.value().created));
  return to_int(Exit::ok);
}

}  // namespace stillframe::cli
