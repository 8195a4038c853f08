#include "requestor/doctor/answering_daemon.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/base/service_command.hpp"
#include "framework/wire/requestor_codec.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

constexpr auto kLongSession = std::chrono::hours(24);

// A question that fails is a finding too: nothing is quietly left out.
void note_unanswered(const char* question, const Error& why, Findings& findings) {
  findings.push_back({Severity::warning, "daemon.unanswered", question,
                      "could not be asked for: " + why.what(), "", "stillframe status"});
}

void add_own_findings(RequestorChannel& channel, Findings& findings) {
  auto reply = channel.call("doctor", "{}");
  if (reply.ok()) {
    auto own = findings_from_json(json::parse(reply.value().json, nullptr, false));
    if (!own.ok()) return note_unanswered("findings of the daemon", own.error(), findings);
    findings.insert(findings.end(), own.value().begin(), own.value().end());
    return;
  }
  if (reply.error().code() != Errc::not_supported)
    return note_unanswered("findings of the daemon", reply.error(), findings);
  findings.push_back({Severity::note, "daemon.no_doctor", "coordinator",
                      "does not look at itself: " + reply.error().what(),
                      "it is an embedded one, or of an earlier version", ""});
}

bool look_at_status(Client& client, Findings& findings) {
  auto status = client.status();
  if (!status.ok()) {
    if (status.error().code() != Errc::not_supported)
      note_unanswered("status", status.error(), findings);
    return false;
  }
  for (const EventLogState& log : status.value().logs)
    if (!log.failing.empty())
      findings.push_back({Severity::warning, "events.not_written", log.name,
                          "takes no events: " + log.failing,
                          "what happened is only in the daemon's memory",
                          "make room or mend its folder; the daemon tries again by itself"});
  return status.value().in_quiesce;
}

void look_at_plugins(Client& client, Findings& findings) {
  auto plugins = client.plugins();
  if (!plugins.ok()) {
    if (plugins.error().code() != Errc::not_supported)
      note_unanswered("plug-ins", plugins.error(), findings);
    return;
  }
  for (const PluginInfo& plugin : plugins.value()) {
    if (plugin.state == PluginState::quarantined)
      findings.push_back({Severity::problem, "plugin.quarantined", plugin.name,
                          "is in quarantine and not started any more", plugin.reason,
                          "mend it, then stillframe plugins release " + shell_word(plugin.name)});
    else if (plugin.state == PluginState::waiting && plugin.crashes > 0)
      findings.push_back(
          {Severity::warning, "plugin.crashes", plugin.name,
           "ended " + std::to_string(plugin.crashes) + " times and is started again by and by",
           plugin.reason, "mend it, then stillframe plugins release " + shell_word(plugin.name)});
  }
}

std::string log_of(const WriterStatus& writer) {
  return writer.process.unit.empty() ? "stillframe events --level warning"
                                     : "journalctl -u " + shell_word(writer.process.unit);
}

std::vector<WriterStatus> look_at_writers(Client& client, Findings& findings) {
  auto writers = client.writers();
  if (!writers.ok()) {
    note_unanswered("writers", writers.error(), findings);
    return {};
  }
  if (writers.value().empty())
    findings.push_back({Severity::note, "writer.none", "writers",
                        "are not connected: backups will be crash-consistent at best",
                        "no application with a writer runs, or it looks for another socket folder",
                        ""});
  for (const WriterStatus& writer : writers.value()) {
    const std::string name = "writer " + writer.identity.instance_name;
    if (writer.failure)
      findings.push_back({Severity::problem, "writer.failed", name,
                          "does not say what it has: " + writer.failure->message,
                          "event 2030 has the details", log_of(writer)});
    else
      findings.push_back({Severity::good, "writer.answers", name, "answers", "", ""});
    for (const std::string& warning : writer.warnings)
      findings.push_back({Severity::note, "writer.warns", name, warning, "", ""});
  }
  return std::move(writers).value();
}

// Nobody else knows the volumes then, and asking takes its time.
bool broker_is_silent(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.check == "broker.silent"; });
}

struct Support {
  Volume volume;
  std::vector<std::string> providers;
  std::string refusals;  // of all, with their reasons
};

Result<std::vector<Support>> support_of_volumes(RequestorChannel& channel, std::string& missing) {
  auto reply = channel.call("volumes.support", "{}");
  if (!reply.ok()) return reply.error();
  const json answer = json::parse(reply.value().json, nullptr, false);
  std::vector<Support> volumes;
  try {
    missing = answer.at("unavailable").get<std::string>();
    for (const json& one : answer.at("volumes")) {
      auto volume = decode_json<Volume>(one.at("volume"), "volume");
      if (!volume.ok()) return volume.error();
      Support support{std::move(volume).value(), one.at("providers"), ""};
      for (const json& refusal : one.at("refusals"))
        support.refusals += (support.refusals.empty() ? "" : "; ") +
                            refusal.at("provider").get<std::string>() + ": " +
                            refusal.at("message").get<std::string>();
      volumes.push_back(std::move(support));
    }
  } catch (const json::exception& e) {
    return Error(Errc::corrupt, std::string("the answer to volumes.support: ") + e.what());
  }
  return volumes;
}

// The volume with the deepest mount point above `path`.
const Support* volume_of(const std::vector<Support>& volumes, const BytePath& path) {
  const Support* deepest = nullptr;
  for (const Support& one : volumes) {
    const BytePath& place = one.volume.mount_point;
    if (!is_within(tidy_path(path), place)) continue;
    if (deepest == nullptr || place.size() > deepest->volume.mount_point.size()) deepest = &one;
  }
  return deepest;
}

void look_at_volumes(RequestorChannel& channel, const std::vector<WriterStatus>& writers,
                     Findings& findings) {
  std::string missing;
  auto volumes = support_of_volumes(channel, missing);
  if (!volumes.ok()) return note_unanswered("volumes", volumes.error(), findings);
  std::map<const Support*, std::string> uncut;  // and one component on each
  for (const WriterStatus& writer : writers) {
    if (!writer.metadata) continue;
    for (const Component& component : writer.metadata->components)
      for (const FileSet& files : component.files) {
        const Support* on = volume_of(volumes.value(), files.alternate_path.value_or(files.path));
        if (on != nullptr && on->providers.empty())
          uncut.emplace(on, writer.identity.instance_name + ":" + component.name.name);
      }
  }
  for (const auto& [volume, component] : uncut)
    findings.push_back(
        {Severity::problem, "volume.no_provider", escape_path(volume->volume.mount_point),
         "cannot be cut, and " + component + " lies on it",
         (volume->refusals.empty() ? "no provider is loaded" : volume->refusals) + missing,
         "let [providers] of stillframe.toml name one for " + volume->volume.fs_type + ", then " +
             restart_command("stillframed", "stillframed")});
}

void look_at_snapshots(Client& client, Findings& findings) {
  auto snapshots = client.snapshots();
  if (!snapshots.ok()) return note_unanswered("snapshots", snapshots.error(), findings);
  const auto is_there = [&](const std::string& id) {
    return std::any_of(snapshots.value().begin(), snapshots.value().end(),
                       [&](const SnapshotInfo& one) { return one.snapshot.to_string() == id; });
  };
  // The daemon tells of those it could not delete at its start; some may have gone since.
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.check == "snapshot.orphan" && !is_there(finding.object);
  });
  for (const SnapshotInfo& snapshot : snapshots.value())
    if (!snapshot.reason_unusable.empty())
      findings.push_back({Severity::warning, "snapshot.unusable", snapshot.snapshot.to_string(),
                          "of " + escape_path(snapshot.volume.mount_point) +
                              " cannot be used: " + snapshot.reason_unusable,
                          "", "stillframe snapshot delete " + snapshot.snapshot.to_string()});
}

void look_at_sessions(Client& client, Findings& findings) {
  auto sessions = client.sessions();
  if (!sessions.ok()) return note_unanswered("sessions", sessions.error(), findings);
  for (const SessionInfo& session : sessions.value())
    if (system_clock().now() - session.since >= kLongSession)
      findings.push_back({Severity::warning, "session.old", session.session.to_string(),
                          "of " + session.requestor + " is older than a day",
                          "its requestor does not end it",
                          "stillframe session end " + session.session.to_string()});
}

}  // namespace

bool look_at_coordinator(RequestorChannel& channel, Client& client, Findings& findings) {
  findings.push_back({Severity::good, "daemon.answers", "coordinator", "answers", "", ""});
  add_own_findings(channel, findings);
  const bool holding = look_at_status(client, findings);
  look_at_plugins(client, findings);
  const auto writers = look_at_writers(client, findings);
  if (!broker_is_silent(findings)) look_at_volumes(channel, writers, findings);
  look_at_snapshots(client, findings);
  look_at_sessions(client, findings);
  return holding;
}

}  // namespace stillframe::requestor
