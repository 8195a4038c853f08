#include "requestor/doctor/silent_daemon.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/child_process.hpp"
#include "framework/base/path.hpp"
#include "framework/base/service_command.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnit = "stillframed";
constexpr std::chrono::seconds kDiagnosisTime{30};
constexpr std::size_t kDiagnosisBytesMax = std::size_t{1} << 20;
constexpr std::size_t kProcBytesMax = 4096;

// The first look at the socket: who listens there, or what stands against asking.
struct Knock {
  int error = 0;   // of connect()
  pid_t pid = -1;  // of who listens
};

Knock knock(const BytePath& socket) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (socket.size() >= sizeof at.sun_path) return {ENAMETOOLONG, -1};
  socket.copy(at.sun_path, sizeof at.sun_path - 1);
  const Descriptor end(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!end.valid() || ::connect(end.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return {errno, -1};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(end.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {0, -1};
  return {0, peer.pid};
}

bool is_stopped(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", kProcBytesMax);
  if (!stat.ok()) return false;
  const auto name_ends = stat.value().rfind(')');  // a name may hold anything
  return name_ends != std::string::npos && stat.value().compare(name_ends, 3, ") T") == 0;
}

Finding silent(const BytePath& socket, std::string what, std::string cause, std::string remedy) {
  return {Severity::problem, "daemon.silent",  escape_path(socket),
          std::move(what),   std::move(cause), std::move(remedy)};
}

Finding nobody_listens(const BytePath& socket, int error, const std::string& start) {
  switch (error) {
    case ENOENT:
      return silent(socket, "no daemon runs: there is no socket",
                    "it was not started, or listens in another folder (--socket DIR, "
                    "STILLFRAME_SOCKET_DIR)",
                    start);
    case ECONNREFUSED:
      return silent(socket, "no daemon runs: nobody listens on the socket",
                    "the one that made it was killed", start);
    case EACCES: {
      Finding closed = silent(socket, "you may not connect",
                              "[daemon] open_to_all is false, or SocketMode= of its unit says so",
                              "ask as root: sudo stillframe doctor");
      closed.check = "daemon.closed";
      return closed;
    }
    default:
      return silent(socket, "cannot be connected: " + std::string(::strerror(error)), "", start);
  }
}

Finding does_not_answer(const BytePath& socket, pid_t pid, const Error& why) {
  if (why.code() == Errc::access_denied) {
    Finding denied = silent(
        socket, why.what(), "no [[allow]] table names you",
        "add one with users and rights to stillframe.toml, then kill -HUP " + std::to_string(pid));
    denied.check = "daemon.denied";
    return denied;
  }
  const std::string process = "process " + std::to_string(pid);
  if (is_stopped(pid))
    return silent(socket, process + " listens and does not answer", "it is stopped",
                  "kill -CONT " + std::to_string(pid));
  if (pid == 1)
    return silent(socket, "the service manager listens, and no daemon answers",
                  "it cannot be started, or ends at once", "journalctl -e -u stillframed");
  return silent(socket, process + " listens and does not answer: " + why.what(), "it hangs",
                restart_command(kUnit, kUnit));
}

BytePath find_daemon() {
  std::error_code failure;
  const fs::path own = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& place :
       {own, own.parent_path() / "sbin", fs::path("/usr/sbin"), fs::path("/usr/local/sbin")})
    if (::access((place / "stillframed").c_str(), X_OK) == 0)
      return (place / "stillframed").native();
  return {};
}

std::vector<std::pair<std::string, std::string>> environment_for_daemon() {
  std::vector<std::pair<std::string, std::string>> kept;
  for (const char* name : {"PATH", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"})
    if (const char* value = std::getenv(name)) kept.emplace_back(name, value);
  return kept;
}

// The daemon's own program knows its configuration and its folders best.
Result<Findings> ask_program(const BytePath& program, const BytePath& config) {
  ChildOptions options;
  options.command = {program, "--diagnose"};
  if (!config.empty()) options.command.insert(options.command.end(), {"--config", config});
  options.environment = environment_for_daemon();
  options.die_with_parent = true;
  auto child = ChildProcess::start(options);
  if (!child.ok()) return child.error();
  child.value()->close_input();
  const Deadline latest(system_clock().now() + kDiagnosisTime);
  auto line = child.value()->read_line(kDiagnosisBytesMax, latest);
  if (!line.ok())
    return Error(line.error().code(), line.error().what() + ": " + child.value()->complaints());
  return findings_from_json(nlohmann::json::parse(line.value(), nullptr, false));
}

void look_inside(const BytePath& config, const std::string& program, Findings& findings) {
  auto inside = ask_program(program, config);
  if (!inside.ok()) {
    findings.push_back({Severity::problem, "daemon.not_diagnosed", escape_path(program),
                        "does not say what keeps it: " + inside.error().what(), "",
                        shell_word(program) + " --check-config"});
    return;
  }
  findings.insert(findings.end(), inside.value().begin(), inside.value().end());
}

}  // namespace

void look_for_daemon(const BytePath& socket, const Error& why, const BytePath& daemon_config,
                     Findings& findings) {
  const Knock answer = knock(socket);
  const BytePath program = find_daemon();
  std::string start = start_command(kUnit, program.empty() ? kUnit : shell_word(program));
  if (!daemon_config.empty() && start.find("systemctl") == std::string::npos)
    start += " --config " + shell_word(daemon_config);
  findings.push_back(answer.error != 0 ? nobody_listens(socket, answer.error, start)
                                       : does_not_answer(socket, answer.pid, why));
  if (answer.error == 0 && answer.pid != 1) return;  // its folders are what it works with
  if (answer.error == EACCES) return;
  if (program.empty()) {
    findings.push_back({Severity::problem, "daemon.not_installed", "stillframed",
                        "is not installed beside this program or in /usr/sbin", "",
                        "install the package stillframe"});
    return;
  }
  look_inside(daemon_config, program, findings);
}

}  // namespace stillframe::requestor
