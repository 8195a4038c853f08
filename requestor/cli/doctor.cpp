// doctor: what would keep a backup from working here, each with what to do about it.
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "requestor/cli/context.hpp"

namespace stillframe::cli {
namespace {

enum class Mark { good, warn, bad };

struct Finding {
  Mark mark = Mark::good;
  std::string what;
  std::string advice;
};

const char* word(Mark mark) {
  switch (mark) {
    case Mark::good:
      return "ok";
    case Mark::warn:
      return "warning";
    case Mark::bad:
      return "problem";
  }
  return "";
}

bool usable(const char* path, int mode) {
  return access(path, mode) == 0;
}

void check_machine(std::vector<Finding>& findings) {
  if (geteuid() != 0) {
    findings.push_back({Mark::warn, "not running as root",
                        "snapshots and files of other users need root or the stillframe daemon"});
  }
  if (!usable("/dev/loop-control", R_OK | W_OK)) {
    findings.push_back(
        {Mark::warn, "no loop devices", "the image provider needs /dev/loop-control"});
  }
  if (!usable("/run/systemd/system", F_OK) && !usable("/sys/fs/cgroup", W_OK)) {
    findings.push_back({Mark::warn, "neither systemd nor a writable cgroup",
                        "freeze guards share the fate of this process's group"});
  }
}

void check_writers(Client& client, std::vector<Finding>& findings) {
  auto writers = client.writers();
  if (!writers.ok()) {
    findings.push_back({Mark::bad, "writers: " + writers.error().what(), ""});
    return;
  }
  if (writers.value().empty()) {
    findings.push_back({Mark::warn, "no writer is connected",
                        "backups will be crash-consistent at best; start the applications with "
                        "the same socket directory"});
  }
  for (const WriterStatus& writer : writers.value()) {
    const std::string name = "writer " + writer.identity.instance_name;
    if (writer.failure) {
      findings.push_back({Mark::bad, name + ": " + writer.failure->message, "look at its log"});
    } else {
      findings.push_back({Mark::good, name + " answers", ""});
    }
  }
}

void check_volumes(Client& client, std::vector<Finding>& findings) {
  auto volumes = client.volumes();
  if (!volumes.ok()) {
    findings.push_back({Mark::bad, "volumes: " + volumes.error().what(), ""});
    return;
  }
  std::size_t atomic = 0;
  for (const Volume& volume : volumes.value()) {
    const bool reflinks = volume.fs_type == "btrfs" || volume.fs_type == "xfs";
    if (reflinks || !volume.backing_image.empty()) ++atomic;
  }
  findings.push_back({atomic > 0 ? Mark::good : Mark::warn,
                      fmt::format("{} volumes, {} that can share blocks with a snapshot",
                                  volumes.value().size(), atomic),
                      atomic > 0 ? "" : "others are copied under the hold, within limits"});
}

void check_sessions(Client& client, std::vector<Finding>& findings) {
  auto sessions = client.sessions();
  if (!sessions.ok()) return;
  for (const SessionInfo& session : sessions.value()) {
    constexpr auto kLongAgo = std::chrono::hours(24);
    if (system_clock().now() - session.since < kLongAgo) continue;
    findings.push_back({Mark::warn,
                        "session " + session.session.to_string() + " of " + session.requestor +
                            " is older than a day",
                        "stillframe session end " + session.session.to_string()});
  }
}

}  // namespace

int verb_doctor(Context& context) {
  std::vector<Finding> findings;
  check_machine(findings);
  auto connected = connect_client(context);
  if (connected.ok()) {
    findings.push_back({Mark::good, "a coordinator answers", ""});
    check_volumes(connected.value().client, findings);
    check_writers(connected.value().client, findings);
    check_sessions(connected.value().client, findings);
  } else {
    findings.push_back({Mark::bad, connected.error().what(), ""});
  }
  bool bad = false;
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    bad = bad || finding.mark == Mark::bad;
    list.push_back(
        {{"state", word(finding.mark)}, {"what", finding.what}, {"advice", finding.advice}});
    if (context.terminal.json()) continue;
    context.terminal.print(fmt::format("{:<8} {}{}{}", word(finding.mark), finding.what,
                                       finding.advice.empty() ? "" : "; ", finding.advice));
  }
  if (context.terminal.json()) context.terminal.print_json({{"findings", std::move(list)}});
  if (!connected.ok()) return to_int(exit_for(connected.error().code()));
  return to_int(bad ? Exit::writer_failed : Exit::ok);
}

}  // namespace stillframe::cli
